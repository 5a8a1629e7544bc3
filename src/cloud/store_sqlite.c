#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "base/mem.h"
#include "store_sqlite.h"

/* The version of a database is the number of these that it has seen. */
static const char *const schema[] = {
	"CREATE TABLE setting(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE tenant(tenant INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,"
	" token_hash TEXT NOT NULL UNIQUE, created INTEGER NOT NULL);"
	"CREATE TABLE resource(rid INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, version INTEGER "
	"NOT NULL,"
	" created INTEGER NOT NULL, modified INTEGER NOT NULL, body TEXT NOT NULL);"
	"CREATE TABLE name(tenant INTEGER NOT NULL, text TEXT NOT NULL, rid INTEGER NOT NULL,"
	" kinds INTEGER NOT NULL, PRIMARY KEY(tenant, text, rid)) WITHOUT ROWID;"
	"CREATE TABLE member(grp INTEGER NOT NULL, member INTEGER NOT NULL, id BLOB NOT NULL,"
	" PRIMARY KEY(grp, member)) WITHOUT ROWID;"
	"CREATE INDEX member_of ON member(member, grp);",
	"CREATE TABLE credential(credential INTEGER PRIMARY KEY AUTOINCREMENT, tenant INTEGER NOT "
	"NULL,"
	" name TEXT NOT NULL, token_hash TEXT NOT NULL UNIQUE, created INTEGER NOT NULL,"
	" used INTEGER NOT NULL DEFAULT 0, UNIQUE(tenant, name));",
};
#define SCHEMA_VERSION ((int)ARRAY_LEN(schema))

/* synchronous=FULL: what was acknowledged survives a power cut, because a client that got 200 for a
 * disable never sends it again. The cost is one fsync for each group of requests (http.c). */
static const char pragmas[] =
	"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16384;"
	"PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF; PRAGMA wal_autocheckpoint=4000;";

static const char *const statements[Q_MAX] = {
	[Q_BEGIN_READ] = "BEGIN",
	[Q_BEGIN_WRITE] = "BEGIN IMMEDIATE",
	[Q_COMMIT] = "COMMIT",
	[Q_ROLLBACK] = "ROLLBACK",
	[Q_SECRET] = "SELECT value FROM setting WHERE name='cursor-key'",
	[Q_TENANT_ADD] = "INSERT INTO tenant(name,token_hash,created) VALUES(?,?,?)",
	[Q_TENANT_TOKEN] = "UPDATE tenant SET token_hash=? WHERE name=?",
	[Q_TENANT_BY_NAME] = "SELECT tenant FROM tenant WHERE name=?",
	[Q_TENANT_DEL] = "DELETE FROM tenant WHERE tenant=?",
	[Q_TENANT_EACH] = "SELECT tenant,name,created FROM tenant ORDER BY name",
	[Q_TOKEN_FIND] = "SELECT tenant,0,0 FROM tenant WHERE token_hash=?1 UNION ALL"
			 " SELECT tenant,credential,used FROM credential WHERE token_hash=?1",
	[Q_CREDENTIAL_HAS] = "SELECT 1 FROM credential WHERE tenant=? AND name=?",
	[Q_CREDENTIAL_COUNT] = "SELECT count(*) FROM credential WHERE tenant=?",
	[Q_CREDENTIAL_ADD] =
		"INSERT INTO credential(tenant,name,token_hash,created) VALUES(?,?,?,?)",
	[Q_CREDENTIAL_EACH] =
		"SELECT name,created,used FROM credential WHERE tenant=? ORDER BY name",
	[Q_CREDENTIAL_DEL] = "DELETE FROM credential WHERE tenant=? AND name=?",
	[Q_CREDENTIAL_USED] = "UPDATE credential SET used=? WHERE credential=?",
	[Q_WIPE_CREDENTIAL] = "DELETE FROM credential WHERE tenant=?",
	[Q_WIPE_RESOURCE] = "DELETE FROM resource WHERE rid BETWEEN ? AND ?",
	[Q_WIPE_NAME] = "DELETE FROM name WHERE tenant=?",
	[Q_WIPE_MEMBER] = "DELETE FROM member WHERE grp BETWEEN ? AND ?",
	[Q_RID_OF] = "SELECT rid FROM resource WHERE id=?",
	[Q_GET] = "SELECT rid,id,version,created,modified,body FROM resource WHERE rid=?",
	[Q_LAST] = "SELECT max(rid) FROM resource WHERE rid BETWEEN ? AND ?",
	[Q_INSERT] =
		"INSERT INTO resource(rid,id,version,created,modified,body) VALUES(?,?,?,?,?,?)",
	[Q_UPDATE] = "UPDATE resource SET version=?,modified=?,body=? WHERE rid=?",
	[Q_DELETE] = "DELETE FROM resource WHERE rid=?",
	[Q_SCAN] = "SELECT rid,id,version,created,modified,body FROM resource"
		   " WHERE rid BETWEEN ? AND ? ORDER BY rid LIMIT ?",
	[Q_COUNT] = "SELECT count(*) FROM resource WHERE rid BETWEEN ? AND ?",
	[Q_NTH] =
		"SELECT rid FROM resource WHERE rid BETWEEN ? AND ? ORDER BY rid LIMIT 1 OFFSET ?",
	[Q_NAME_PUT] = "INSERT INTO name(tenant,text,rid,kinds) VALUES(?,?,?,?)"
		       " ON CONFLICT(tenant,text,rid) DO UPDATE SET kinds=excluded.kinds",
	[Q_NAME_DEL] = "DELETE FROM name WHERE tenant=? AND text=? AND rid=?",
	[Q_FIND] = "SELECT rid FROM name WHERE tenant=? AND text=? AND (kinds & ?) != 0",
	[Q_CONFLICT] = "SELECT rid FROM name WHERE tenant=? AND text=? AND (kinds & ?) != 0 AND "
		       "rid != ? LIMIT 1",
	[Q_MEMBER_ADD] = "INSERT OR IGNORE INTO member(grp,member,id) VALUES(?,?,?)",
	[Q_MEMBER_DEL] = "DELETE FROM member WHERE grp=? AND member=?",
	[Q_MEMBER_HAS] = "SELECT 1 FROM member WHERE grp=? AND member=?",
	[Q_MEMBERS] =
		"SELECT member,id FROM member WHERE grp=? AND member>? ORDER BY member LIMIT ?",
	[Q_GROUPS_OF] = "SELECT grp FROM member WHERE member=? AND grp>? ORDER BY grp LIMIT ?",
	[Q_LEFT_GROUPS] = "UPDATE resource SET version=version+1, modified=?2 WHERE rid IN"
			  " (SELECT grp FROM member WHERE member=?1)",
	[Q_MEMBER_WIPE] = "DELETE FROM member WHERE member=?",
	[Q_GROUP_WIPE] = "DELETE FROM member WHERE grp=?",
};

static struct store_sqlite *
self(struct store *s)
{
	return (struct store_sqlite *)s;
}

bool
sqlite_fail(struct store_sqlite *s, const char *what, struct err *e)
{
	int code = sqlite3_errcode(s->db), os = sqlite3_system_errno(s->db);
	bool full = code == SQLITE_FULL || ((code & 0xff) == SQLITE_IOERR &&
						   (os == ENOSPC || os == EDQUOT || os == EFBIG));
	const char *name = full ? "store-full" : code == SQLITE_BUSY ? "store-busy" : "store";

	return err_set(e, ERR_SIDE, name, "database: %s: %s", what, sqlite3_errmsg(s->db));
}

sqlite3_stmt *
sqlite_bind(struct store_sqlite *s, enum stmt q, const char *format, ...)
{
	sqlite3_stmt *st = s->stmt[q];
	const struct str *text;
	va_list ap;

	va_start(ap, format);
	for (int i = 1; *format; i++, format++) {
		switch (*format) {
		case 'i':
			sqlite3_bind_int64(st, i, va_arg(ap, int64_t));
			break;
		case 't':
			text = va_arg(ap, const struct str *);
			sqlite3_bind_text64(
				st, i, text->p ? text->p : "", text->n, SQLITE_STATIC, SQLITE_UTF8);
			break;
		default:
			sqlite3_bind_blob(
				st, i, va_arg(ap, const unsigned char *), 16, SQLITE_STATIC);
		}
	}
	va_end(ap);
	return st;
}

bool
sqlite_run(struct store_sqlite *s, sqlite3_stmt *st, bool *changed_r, struct err *e)
{
	int rc = sqlite3_step(st);
	bool ok = rc == SQLITE_DONE || rc == SQLITE_ROW;

	if (!ok)
		sqlite_fail(s, "write", e);
	else if (changed_r)
		*changed_r = sqlite3_changes(s->db) > 0;
	sqlite3_reset(st);
	return ok;
}

bool
sqlite_number(struct store_sqlite *s, sqlite3_stmt *st, int64_t *n_r, struct err *e)
{
	int rc = sqlite3_step(st);
	bool ok = rc == SQLITE_DONE || rc == SQLITE_ROW;

	*n_r = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
	if (!ok)
		sqlite_fail(s, "read", e);
	sqlite3_reset(st);
	return ok;
}

bool
sqlite_begin(struct store *st, bool write, struct err *e)
{
	struct store_sqlite *s = self(st);

	return sqlite_run(s, s->stmt[write ? Q_BEGIN_WRITE : Q_BEGIN_READ], NULL, e);
}

bool
sqlite_commit(struct store *st, struct err *e)
{
	struct store_sqlite *s = self(st);

	return sqlite_run(s, s->stmt[Q_COMMIT], NULL, e);
}

void
sqlite_rollback(struct store *st)
{
	struct store_sqlite *s = self(st);

	s->last_set = 0;
	if (!sqlite3_get_autocommit(s->db)) /* SQLite may have rolled back by itself */
		sqlite_run(s, s->stmt[Q_ROLLBACK], NULL, NULL);
}

static bool
secret(struct store *st, unsigned char key_r[32], struct err *e)
{
	struct store_sqlite *s = self(st);
	sqlite3_stmt *q = s->stmt[Q_SECRET];
	bool ok = sqlite3_step(q) == SQLITE_ROW && sqlite3_column_bytes(q, 0) == 32;

	if (ok)
		memcpy(key_r, sqlite3_column_blob(q, 0), 32);
	else
		err_set(e, ERR_SIDE, "store", "database: no key for cursors in it");
	sqlite3_reset(q);
	return ok;
}

static bool
tenant_add(struct store *st, const char *name, const char *hash, int64_t now, struct err *e)
{
	struct store_sqlite *s = self(st);
	struct str n = str_c(name), h = str_c(hash);
	int64_t had;

	if (!sqlite_number(s, sqlite_bind(s, Q_TENANT_BY_NAME, "t", &n), &had, e))
		return false;
	if (had)
		return err_set(e, ERR_CONFIG, "tenant-exists",
			"tenant \"%s\" exists; `tenant token %s` gives it a new token", name, name);
	return sqlite_run(s, sqlite_bind(s, Q_TENANT_ADD, "tti", &n, &h, now), NULL, e);
}

static bool
tenant_unknown(const char *name, struct err *e)
{
	return err_set(e, ERR_CONFIG, "tenant-unknown",
		"no tenant \"%s\"; `tenant list` shows those there are", name);
}

bool
sqlite_tenant(struct store_sqlite *s, const char *name, int64_t *tenant_r, struct err *e)
{
	struct str n = str_c(name);

	return sqlite_number(s, sqlite_bind(s, Q_TENANT_BY_NAME, "t", &n), tenant_r, e) &&
	       (*tenant_r || tenant_unknown(name, e));
}

static bool
tenant_token(struct store *st, const char *name, const char *hash, struct err *e)
{
	struct store_sqlite *s = self(st);
	struct str n = str_c(name), h = str_c(hash);
	bool changed;

	if (!sqlite_run(s, sqlite_bind(s, Q_TENANT_TOKEN, "tt", &h, &n), &changed, e))
		return false;
	return changed || tenant_unknown(name, e);
}

static bool
tenant_remove(struct store *st, const char *name, struct err *e)
{
	struct store_sqlite *s = self(st);
	int64_t t, from, to;

	if (!sqlite_begin(st, true, e))
		return false;
	if (!sqlite_tenant(s, name, &t, e)) {
		sqlite_rollback(st);
		return false;
	}
	from = store_first(t, 0);
	to = store_first(t + 1, 0) - 1;
	if (!sqlite_run(s, sqlite_bind(s, Q_WIPE_MEMBER, "ii", from, to), NULL, e) ||
		!sqlite_run(s, sqlite_bind(s, Q_WIPE_NAME, "i", t), NULL, e) ||
		!sqlite_run(s, sqlite_bind(s, Q_WIPE_RESOURCE, "ii", from, to), NULL, e) ||
		!sqlite_run(s, sqlite_bind(s, Q_WIPE_CREDENTIAL, "i", t), NULL, e) ||
		!sqlite_run(s, sqlite_bind(s, Q_TENANT_DEL, "i", t), NULL, e) ||
		!sqlite_commit(st, e)) {
		sqlite_rollback(st);
		return false;
	}
	return true;
}

static bool
tenant_each(struct store *st, store_tenant_fn *fn, void *ctx, struct err *e)
{
	struct store_sqlite *s = self(st);
	sqlite3_stmt *q = s->stmt[Q_TENANT_EACH];
	bool ok = true, more = true;
	int rc = SQLITE_DONE;

	while (ok && more && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		struct store_tenant_info t = { .tenant = sqlite3_column_int64(q, 0),
			.name = (const char *)sqlite3_column_text(q, 1),
			.created = sqlite3_column_int64(q, 2) };
		int64_t users = store_first(t.tenant, 0), groups = store_first(t.tenant, 1);
		ok = sqlite_count(st, users, groups - 1, &t.users, e) &&
		     sqlite_count(st, groups, store_first(t.tenant, 2) - 1, &t.groups, e);
		more = ok && fn(ctx, &t);
	}
	if (ok && more && rc != SQLITE_DONE)
		ok = sqlite_fail(s, "read", e);
	sqlite3_reset(q);
	return ok;
}

static void
close_store(struct store *st)
{
	struct store_sqlite *s = self(st);

	for (size_t i = 0; i < Q_MAX; i++)
		sqlite3_finalize(s->stmt[i]);
	sqlite3_close(s->db);
	free(s);
}

static bool
exec(struct store_sqlite *s, const char *sql, struct err *e)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK || sqlite_fail(s, "open", e);
}

/* Makes the key of cursors, in a new file. */
static bool
make_key(struct store_sqlite *s, struct err *e)
{
	unsigned char key[32];
	char hex[65], sql[160];

	randombytes_buf(key, sizeof(key));
	sodium_bin2hex(hex, sizeof(hex), key, sizeof(key));
	sqlite3_snprintf(sizeof(sql), sql, "INSERT INTO setting VALUES('cursor-key', x'%s')", hex);
	sodium_memzero(key, sizeof(key));
	return exec(s, sql, e);
}

/* Makes the tables that the file lacks; two programs that start at once make them once. */
static bool
prepare_schema(struct store_sqlite *s, const char *path, struct err *e)
{
	char sql[80];
	sqlite3_stmt *st = NULL;
	int version = -1;

	if (!exec(s, "BEGIN IMMEDIATE", e))
		return false;
	if (sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &st, NULL) == SQLITE_OK &&
		sqlite3_step(st) == SQLITE_ROW)
		version = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	if (version < 0)
		return sqlite_fail(s, "open", e);
	if (version > SCHEMA_VERSION)
		return err_set(e, ERR_CONFIG, "state-version",
			"%s was written by a newer lockstep-cloud (version %d, this one knows %d)",
			path, version, SCHEMA_VERSION);
	for (int v = version; v < SCHEMA_VERSION; v++)
		if (!exec(s, schema[v], e) || (v == 0 && !make_key(s, e)))
			return false;
	sqlite3_snprintf(sizeof(sql), sql, "PRAGMA user_version=%d; COMMIT", SCHEMA_VERSION);
	return exec(s, version < SCHEMA_VERSION ? sql : "COMMIT", e);
}

const struct store_ops store_sqlite_ops = {
	.close = close_store,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.secret = secret,
	.tenant_add = tenant_add,
	.tenant_token = tenant_token,
	.tenant_remove = tenant_remove,
	.tenant_each = tenant_each,
	.token_find = sqlite_token_find,
	.credential_has = sqlite_credential_has,
	.credential_count = sqlite_credential_count,
	.credential_add = sqlite_credential_add,
	.credential_each = sqlite_credential_each,
	.credential_remove = sqlite_credential_remove,
	.credential_used = sqlite_credential_used,
	.rid_of = sqlite_rid_of,
	.get = sqlite_get,
	.insert = sqlite_insert,
	.update = sqlite_update,
	.remove = sqlite_remove,
	.scan = sqlite_scan,
	.count = sqlite_count,
	.nth = sqlite_nth,
	.name_put = sqlite_name_put,
	.name_del = sqlite_name_del,
	.find = sqlite_find,
	.conflict = sqlite_conflict,
	.member_add = sqlite_member_add,
	.member_del = sqlite_member_del,
	.member_has = sqlite_member_has,
	.members = sqlite_members,
	.groups_of = sqlite_groups_of,
};

/* As root, for the service whose folder it is; SQLite makes what belongs to the file likewise. */
static void
make_for_service(const char *path)
{
	int fd CLEAN_FD =
		geteuid() == 0 ? open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;

	if (fd >= 0)
		file_give(fd, path);
}

bool
store_sqlite_open(const char *path, bool create, struct store **s_r, struct err *e)
{
	struct store_sqlite *s = xcalloc(1, sizeof(*s));
	int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0) | SQLITE_OPEN_NOMUTEX;
	mode_t mask = umask(077); /* names and addresses of people: nobody else's to read */
	if (create)
		make_for_service(path);
	int rc = sqlite3_open_v2(path, &s->db, flags, NULL);
	bool ok;

	s->store.ops = &store_sqlite_ops;
	if (rc != SQLITE_OK) {
		err_set(e, ERR_CONFIG, "store", "cannot open %s: %s", path,
			s->db ? sqlite3_errmsg(s->db) : "no memory");
		umask(mask);
		close_store(&s->store);
		return false;
	}
	sqlite3_busy_timeout(s->db, 5000);
	sqlite3_extended_result_codes(s->db, 0);
	ok = exec(s, pragmas, e) && prepare_schema(s, path, e);
	umask(mask);
	for (size_t i = 0; ok && i < Q_MAX; i++) {
		ok = sqlite3_prepare_v3(s->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
			     &s->stmt[i], NULL) == SQLITE_OK ||
		     sqlite_fail(s, statements[i], e);
	}
	if (!ok) {
		err_wrap(e, "%s", path);
		close_store(&s->store);
		return false;
	}
	*s_r = &s->store;
	return true;
}
