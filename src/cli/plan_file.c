/*
 * Plan files (SEMANTICS 9.1). The plan itself is kept in the state; the file is its readable copy, ended by a
 * digest over all that stands before it, under which the state knows the plan. So a file that was edited or
 * cut is known by no state, and what is applied is never parsed from text.
 *
 *   Lockstep plan of 2026-11-21T17:00:00Z
 *   configuration <digest>
 *
 *   Plan for hosted: ...
 *
 *   digest <digest>
 */
#include "cli_p.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAIL 72 /* "digest ", 64 characters, line feed */

#define CONFIGURATION "\nconfiguration "

/* Of the configuration in force, by whatever path it was named: as it is written, paths not resolved. */
static bool
conf_digest(const struct cli *c, char out[65], struct err *e)
{
	CLEAN_BUF struct buf text = { 0 };
	CLEAN_FREE char *path = realpath(c->conf_path, NULL);
	struct conf *conf = NULL;

	if (!path)
		return err_errno(e, ERR_CONFIG, "cannot find %s", c->conf_path);
	if (!conf_load(path, &conf, e))
		return false;
	conf_print(conf, &text);
	sha256_hex(text.p, text.n, out);
	conf_free(&conf);
	return true;
}

/* The digest of a file's first n bytes, or of all (n < 0), however large it is. */
static bool
digest_of(int fd, int64_t n, char out[65])
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) != 0)
		return false;
	if (n < 0)
		n = st.st_size;
	if (n > st.st_size)
		return false;
	p = n ? mmap(NULL, (size_t)n, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
	if (p == MAP_FAILED)
		return false;
	sha256_hex(n ? p : "", (size_t)n, out);
	if (p)
		munmap(p, (size_t)n);
	return true;
}

static bool
read_digest(int fd, const char *path, char digest[65], struct err *e)
{
	char tail[TAIL + 1] = { 0 }, now[65];
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size < TAIL ||
		pread(fd, tail, TAIL, st.st_size - TAIL) != TAIL ||
		strncmp(tail, "digest ", 7) != 0 || tail[TAIL - 1] != '\n')
		return err_set(e, ERR_CONFIG, "not-a-plan",
			"%s is not a plan of `lockstep plan --out`, or not whole", path);
	memcpy(digest, tail + 7, 64);
	digest[64] = '\0';
	if (!digest_of(fd, st.st_size - TAIL, now) || strcmp(now, digest) != 0)
		return err_set(e, ERR_CONFIG, "plan-changed",
			"%s was changed after it was written; make a new plan", path);
	return true;
}

/* --- writing --- */

struct kept { /* the targets' states, locked while the file is made */
	struct ledger *l;
	int lock;
};

static void
kept_close(struct kept *k, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		ledger_close(&k[i].l);
		if (k[i].lock >= 0)
			close(k[i].lock);
	}
	free(k);
}

static bool
kept_open(struct cli *c, struct kept *k, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct run_row last;

	for (size_t i = 0; i < c->conf->target_count; i++)
		k[i].lock = -1;
	for (size_t i = 0; i < c->conf->target_count; i++) {
		const char *path = sync_target_path(c->conf, c->conf->targets[i].name, a);

		if (!sync_lock(path, &k[i].lock, e) ||
			!ledger_open(path, &c->env.store, false, &k[i].l, e))
			return false;
		if (ledger_runs(k[i].l, 0, a, &last, 1) && strcmp(last.kind, "plan") != 0)
			return err_set(e, ERR_RETRY, "plan-overtaken",
				"another run came between, no plan was written: try again");
	}
	return true;
}

static bool
write_text(struct cli *c, const struct kept *k, FILE *f, struct err *e)
{
	const struct paper p = { .f = f, .all = true, .whole = true };
	const struct clock *clock = c->env.store.clock;
	char conf[65], when[24];

	if (!conf_digest(c, conf, e))
		return false;
	fprintf(f, "Lockstep plan of %s\nconfiguration %s\n",
		cli_time(clock->now(clock->ctx), when), conf);
	for (size_t i = 0; i < c->conf->target_count; i++) {
		fputc('\n', f);
		if (!plan_text(&p, k[i].l, c->conf->targets[i].name, e))
			return false;
	}
	fputc('\n', f);
	if (fflush(f) != 0 || ferror(f))
		return err_errno(e, ERR_CONFIG, "cannot write the plan");
	return true;
}

static bool
keep_all(struct cli *c, const struct kept *k, const char *digest, struct err *e)
{
	const struct clock *clock = c->env.store.clock;

	for (size_t i = 0; i < c->conf->target_count; i++)
		if (!ledger_begin(k[i].l, e) ||
			!ledger_plan_keep(k[i].l, digest, clock->now(clock->ctx), e) ||
			!ledger_commit(k[i].l, e)) {
			ledger_rollback(k[i].l);
			return false;
		}
	return true;
}

bool
plan_file_free(const char *path, bool force, struct err *e)
{
	struct stat st;

	if (force || lstat(path, &st) != 0)
		return true;
	return err_set(e, ERR_CONFIG, "file-exists",
		"%s is there already; name another file, or say --force", path);
}

/* Under its name, whole and durable; a file that has appeared there meanwhile stays. */
bool
plan_draft_keep(struct plan_draft *d, struct err *e)
{
	CLEAN_FREE char *copy = xstrdup(d->path);
	CLEAN_FD int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char digest[65];

	if (fflush(d->f) != 0 || ferror(d->f) || fsync(fileno(d->f)) != 0)
		return err_errno(e, ERR_CONFIG, "cannot write %s", d->temp);
	if (!read_digest(fileno(d->f), d->temp, digest, e))
		return false;
	if (d->force ? rename(d->temp, d->path) != 0 : link(d->temp, d->path) != 0) {
		if (errno == EEXIST)
			return plan_file_free(d->path, false, e);
		return err_errno(e, ERR_CONFIG, "cannot make %s", d->path);
	}
	if (folder < 0 || fsync(folder) != 0)
		return err_errno(e, ERR_CONFIG, "cannot make %s durable", d->path);
	return true;
}

bool
plan_draft_open(struct plan_draft *d, struct err *e)
{
	int fd;

	d->temp = xasprintf("%s.XXXXXX", d->path);
	fd = mkostemp(d->temp, O_CLOEXEC); /* mode 0600 */
	if (fd < 0) {
		err_errno(e, ERR_CONFIG, "cannot create a file beside %s", d->path);
		free(d->temp);
		d->temp = NULL; /* nothing to remove */
		return false;
	}
	d->f = fdopen(fd, "w+");
	if (d->f)
		return true;
	close(fd);
	return err_errno(e, ERR_CONFIG, "cannot write %s", d->temp);
}

void
plan_draft_drop(struct plan_draft *d)
{
	if (d->f)
		fclose(d->f);
	if (d->temp)
		unlink(d->temp); /* after a rename it is not there any more */
	free(d->temp);
	d->f = NULL;
	d->temp = NULL;
}

/* Text and digest; the state knows it from here on. */
static bool
write_whole(struct cli *c, const struct kept *k, struct plan_file *p, FILE *f, struct err *e)
{
	if (!write_text(c, k, f, e))
		return false;
	if (!digest_of(fileno(f), -1, p->digest))
		return err_errno(e, ERR_CONFIG, "cannot read the plan again");
	fprintf(f, "digest %s\n", p->digest);
	return keep_all(c, k, p->digest, e);
}

/* No plan has a form feed in it. */
static bool
stream(FILE *f, struct err *e)
{
	char block[65536];
	size_t n;

	if (fflush(f) != 0 || fseek(f, 0, SEEK_SET) != 0)
		return err_errno(e, ERR_CONFIG, "cannot write the plan");
	putchar('\f');
	while ((n = fread(block, 1, sizeof(block), f)))
		fwrite(block, 1, n, stdout);
	if (ferror(f))
		return err_errno(e, ERR_CONFIG, "cannot read the plan again");
	putchar('\f');
	return true;
}

bool
plan_file_write(struct cli *c, struct plan_file *p, bool force, struct err *e)
{
	struct kept *k = xcalloc(c->conf->target_count + 1, sizeof(*k));
	struct plan_draft d CLEAN_PLAN = { .path = p->path, .force = force };
	bool streamed = p->streamed, ok = kept_open(c, k, e);

	if (ok && streamed) {
		d.f = tmpfile();
		ok = d.f || err_errno(e, ERR_CONFIG, "cannot make a temporary file");
	} else if (ok) {
		ok = plan_draft_open(&d, e);
	}
	ok = ok && write_whole(c, k, p, d.f, e);
	kept_close(k, c->conf->target_count);
	return ok && (streamed ? stream(d.f, e) : plan_draft_keep(&d, e));
}

/* --- reading --- */

bool
plan_file_read(struct plan_file *p, struct err *e)
{
	CLEAN_FD int fd = open(p->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char head[256] = { 0 };
	const char *line;

	if (fd < 0)
		return err_errno(e, ERR_CONFIG, "cannot open plan %s", p->path);
	if (!read_digest(fd, p->path, p->digest, e))
		return false;
	if (pread(fd, head, sizeof(head) - 1, 0) < 0)
		return err_errno(e, ERR_CONFIG, "cannot read %s", p->path);
	line = strstr(head, CONFIGURATION);
	if (!line)
		return err_set(
			e, ERR_CONFIG, "not-a-plan", "%s does not name its configuration", p->path);
	snprintf(p->configuration, sizeof(p->configuration), "%.64s", line + strlen(CONFIGURATION));
	return true;
}

bool
plan_file_fits(struct cli *c, const struct plan_file *p, struct err *e)
{
	char conf[65];

	if (!conf_digest(c, conf, e))
		return false;
	if (strcmp(p->configuration, conf) != 0)
		return err_set(e, ERR_CONFIG, "plan-configuration",
			"the configuration is not that of plan %s: make a new plan",
			p->path ? p->path : p->digest);
	return true;
}
