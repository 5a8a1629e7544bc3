/* Opening: version check, migration, pragmas; copies and checks of whole files. */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "base/mem.h"
#include "db_p.h"

/*
 * SQLite would make a new file with the process's umask; state is for its owner alone. Only a file
 * that is not there is touched: closing a descriptor of one that is open already in this process would
 * drop SQLite's POSIX locks on it.
 */
static bool
file_make(const char *path, struct err *e)
{
	struct stat sb;

	if (stat(path, &sb) == 0)
		return true;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_set(e, ERR_SIDE, errno == ENOSPC ? "disk-full" : "state-access",
			"%s: cannot be made: %s", path, strerror(errno));
	file_give(fd, path);
	close(fd);
	return true;
}

static bool
pragmas(struct db *d, bool read_only, struct err *e)
{
	int mb = d->kind->cache_mb > 0 ? d->kind->cache_mb : 8;
	CLEAN_BUF struct buf sql = { 0 };

	sqlite3_busy_timeout(d->sq, 5000);
	sqlite3_db_config(d->sq, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(d->sq, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	buf_adds(&sql, "PRAGMA foreign_keys=OFF; PRAGMA mmap_size=0; PRAGMA cell_size_check=ON;");
	if (read_only)
		buf_adds(&sql, "PRAGMA query_only=ON;");
	else
		buf_addf(&sql,
			"PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=%s;"
			"PRAGMA journal_size_limit=67108864;",
			d->env.sync_off ? "OFF" : "FULL");
	buf_addf(&sql, "PRAGMA cache_size=-%d;",
		mb * 1024); /* after page_size: it is kept in pages */
	return db_exec(d, buf_cstr(&sql), e);
}

/* A pragma's number; these are not worth a place among the prepared statements. */
static bool
pragma_number(struct db *d, const char *sql, int64_t *v_r, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(d->sq, sql, -1, &st, NULL);

	if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		*v_r = sqlite3_column_int64(st, 0);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return rc == SQLITE_OK || db_fail(d, rc, "reading the file's head", e);
}

static bool
stamp(struct db *d, struct err *e)
{
	char sql[96];

	snprintf(sql, sizeof(sql), "PRAGMA application_id=%d; PRAGMA user_version=%d",
		(int)d->kind->id, d->kind->version);
	return db_exec(d, sql, e);
}

static bool
make_new(struct db *d, struct err *e)
{
	return db_exec(d, d->kind->sql, e) && stamp(d, e);
}

static bool
migrate(struct db *d, int64_t from, struct err *e)
{
	for (int64_t v = from; v < d->kind->version; v++)
		if (!db_exec(d, d->kind->steps[v], e))
			return err_wrap(e, "bringing the %s from version %d to %d", d->kind->name,
				(int)v, (int)v + 1);
	return stamp(d, e);
}

static bool
version_check(struct db *d, int64_t *version_r, bool *empty_r, struct err *e)
{
	int64_t id = 0, version = 0, objects = 0;

	if (!pragma_number(d, "PRAGMA application_id", &id, e) ||
		!pragma_number(d, "PRAGMA user_version", &version, e) ||
		!pragma_number(d, "SELECT count(*) FROM sqlite_schema", &objects, e))
		return false;
	*empty_r = objects == 0 && version == 0;
	*version_r = version;
	if (*empty_r)
		return true;
	if (id != d->kind->id || version < 1)
		return err_set(e, ERR_CONFIG, "state-version",
			"%s: is not a Lockstep %s; move it away or name another state folder",
			d->path, d->kind->name);
	if (version > d->kind->version)
		return err_set(e, ERR_CONFIG, "state-version",
			"%s: is of version %d, this Lockstep (%s) knows the %s up to version %d; "
			"install the newer Lockstep again, or restore a backup of before",
			d->path, (int)version, LOCKSTEP_VERSION, d->kind->name, d->kind->version);
	return true;
}

/* The check is made again inside the transaction: two programs may open a new or old file at once. */
static bool
bring_up(struct db *d, struct err *e)
{
	int64_t version = 0, again = 0;
	bool empty = false;

	if (!version_check(d, &version, &empty, e))
		return false;
	if (!empty && version == d->kind->version)
		return true;
	if (!empty) {
		CLEAN_FREE char *to = xasprintf("%s.v%d.bak", d->path, (int)version);

		if (!db_backup(d, to, e))
			return err_wrap(e, "backup before bringing the %s to version %d",
				d->kind->name, d->kind->version);
	}
	if (!db_begin(d, e))
		return false;
	if (!version_check(d, &again, &empty, e) ||
		!(empty ? make_new(d, e) : migrate(d, again, e))) {
		db_rollback(d);
		return false;
	}
	return db_commit(d, e);
}

static bool
check_read_only(struct db *d, struct err *e)
{
	int64_t version = 0;
	bool empty = false;

	if (!version_check(d, &version, &empty, e))
		return false;
	if (empty)
		return err_set(e, ERR_SIDE, "no-state",
			"%s: holds nothing yet; run lockstep sync first", d->path);
	if (version < d->kind->version)
		return err_set(e, ERR_SIDE, "state-version",
			"%s: is of version %d and is brought to %d by the next run of lockstep "
			"sync or plan",
			d->path, (int)version, d->kind->version);
	return true;
}

bool
db_open(const struct db_kind *kind, const char *path, const struct store_env *env, bool read_only,
	struct db **d_r, struct err *e)
{
	struct stat sb;

	*d_r = NULL;
	if (read_only && stat(path, &sb) != 0)
		return errno == ENOENT
			       ? err_set(e, ERR_SIDE, "no-state", "%s: %s; run lockstep sync first",
					 path, strerror(errno))
			       : err_set(e, ERR_SIDE, "state-access",
					 "%s: %s; root and the service's user may read it, others "
					 "ask a "
					 "running lockstepd",
					 path, strerror(errno));
	if (!read_only && strcmp(path, DB_IN_MEMORY) != 0 && !file_make(path, e))
		return false;
	/* nobody asks how much memory SQLite uses; counting costs a lock per allocation (no effect once it runs) */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	struct db *d = xcalloc(1, sizeof(*d));

	d->kind = kind;
	d->path = xstrdup(path);
	if (env)
		d->env = *env;
	int rc = sqlite3_open_v2(path, &d->sq,
		(read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX |
			SQLITE_OPEN_EXRESCODE,
		NULL);
	bool ok = rc == SQLITE_OK || db_fail(d, rc, "opening", e);

	if (!ok || !pragmas(d, read_only, e) ||
		!(read_only ? check_read_only(d, e) : bring_up(d, e))) {
		db_close(&d);
		return false;
	}
	*d_r = d;
	return true;
}

void
db_close(struct db **dp)
{
	struct db *d = *dp;

	*dp = NULL;
	if (!d)
		return;
	if (d->sq)
		db_rollback(d);
	for (size_t i = 0; i < d->cap; i++)
		sqlite3_finalize(d->cache[i].st);
	sqlite3_close(d->sq);
	mem_clean_free(&d->cache);
	mem_clean_free(&d->path);
	mem_clean_free(&d);
}

/* --- copies and checks --- */

static bool
copy_pages(struct db *d, const char *tmp, struct err *e)
{
	sqlite3 *to = NULL;
	int rc = sqlite3_open_v2(tmp, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	sqlite3_backup *b = rc == SQLITE_OK ? sqlite3_backup_init(to, "main", d->sq, "main") : NULL;

	if (b) {
		rc = sqlite3_backup_step(b, -1);
		int end = sqlite3_backup_finish(b);

		rc = rc == SQLITE_DONE ? end : rc;
	} else if (rc == SQLITE_OK) {
		rc = sqlite3_errcode(to);
	}
	bool ok = rc == SQLITE_OK;

	if (!ok)
		err_set(e, ERR_SIDE, (rc & 0xff) == SQLITE_FULL ? "disk-full" : "state",
			"%s: copy of %s: %s", tmp, d->path,
			to ? sqlite3_errmsg(to) : sqlite3_errstr(rc));
	sqlite3_close(to);
	return ok;
}

/* fsync of the file's folder, so that the new name survives a power cut. */
static bool
sync_folder(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	CLEAN_FREE char *dir =
		slash ? xstrndup(path, slash == path ? 1 : (size_t)(slash - path)) : xstrdup(".");
	CLEAN_FD int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) != 0)
		return err_errno(e, ERR_SIDE, "%s", dir);
	return true;
}

bool
db_backup(struct db *d, const char *to, struct err *e)
{
	CLEAN_FREE char *tmp = xasprintf("%s.tmp", to);

	unlink(tmp);
	if (!file_make(tmp, e))
		return false;
	if (!copy_pages(d, tmp, e)) {
		unlink(tmp);
		return false;
	}
	if (rename(tmp, to) != 0) {
		err_errno(e, ERR_SIDE, "%s: cannot be put in place", to);
		unlink(tmp);
		return false;
	}
	return sync_folder(to, e);
}

bool
db_integrity(struct db *d, void (*say)(void *ctx, const char *text), void *ctx, int64_t *findings_r,
	struct err *e)
{
	CLEAN_ROWS struct db_rows r = db_query(d, e, "PRAGMA integrity_check(100)");

	*findings_r = 0;
	while (db_next(&r)) {
		const char *text = db_text(&r, 0);

		if (!text || strcmp(text, "ok") == 0)
			continue;
		(*findings_r)++;
		if (say)
			say(ctx, text);
	}
	return !r.failed;
}
