#include "play.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "store/ledger.h"

#define WORLD_SIZE (512UL << 20)

bool
play_fail(struct play *p, const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (p->why.n)
		buf_adds(&p->why, "; ");
	buf_adds(&p->why, text);
	return false;
}

bool
play_open(struct play *p, const struct script *s, const char *programs, const char *tmp,
	struct err *e)
{
	CLEAN_FREE char *path = NULL;

	*p = (struct play){
		.script = s, .programs = programs, .arena = arena_new(), .conf_stale = true
	};
	snprintf(p->dir, sizeof(p->dir), "%s/play-XXXXXX", tmp);
	if (!mkdtemp(p->dir))
		return err_errno(e, ERR_SIDE, "cannot make a folder in %s", tmp);
	path = xasprintf("%s/world", p->dir);
	p->world = world_make(path, WORLD_SIZE, e);
	if (!p->world)
		return false;
	world_clock(p->world, &p->clock);
	dir_add(p->world, "domainDNS", "root", NULL);
	p->syncs[p->sync_count].name = "s";
	p->syncs[p->sync_count++].body = "";
	return true;
}

static void
dir_empty(const char *path, bool too)
{
	DIR *d = opendir(path);
	struct dirent *de;

	while (d && (de = readdir(d))) {
		CLEAN_FREE char *one = xasprintf("%s/%s", path, de->d_name);

		if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
			continue;
		if (de->d_type == DT_DIR)
			dir_empty(one, true);
		else
			unlink(one);
	}
	if (d)
		closedir(d);
	if (too)
		rmdir(path);
}

void
play_close(struct play *p)
{
	world_close(&p->world);
	conf_free(&p->conf);
	arena_free(p->arena);
	buf_free(&p->why);
	if (p->verbose)
		fprintf(stderr, "# left for looking: %s\n", p->dir);
	else if (p->dir[0])
		dir_empty(p->dir, true);
}

/* --- putting back --- */

void
saved_free(struct saved *s)
{
	buf_free(&s->world);
	for (size_t i = 0; i < ARRAY_LEN(s->files); i++)
		buf_free(&s->files[i].data);
}

void
play_save(struct play *p, struct saved *s)
{
	CLEAN_FREE char *path = xasprintf("%s/state", p->dir);
	DIR *d = opendir(path);
	struct dirent *de;

	world_save(p->world, &s->world);
	s->file_count = 0;
	while (d && (de = readdir(d))) {
		CLEAN_FREE char *one = xasprintf("%s/%s", path, de->d_name);
		struct err e;

		if (de->d_name[0] == '.' || str_eqc(str_c(strrchr(de->d_name, '.')), ".lock") ||
			s->file_count == ARRAY_LEN(s->files))
			continue;
		snprintf(s->files[s->file_count].name, sizeof(s->files[0].name), "%.200s",
			de->d_name);
		buf_reset(&s->files[s->file_count].data);
		if (!file_read(one, 256 << 20, &s->files[s->file_count].data, &e))
			abort();
		s->file_count++;
	}
	if (d)
		closedir(d);
}

void
play_restore(struct play *p, const struct saved *s)
{
	CLEAN_FREE char *path = xasprintf("%s/state", p->dir);

	world_restore(p->world, &s->world);
	dir_empty(path, false);
	for (size_t i = 0; i < s->file_count; i++) {
		CLEAN_FREE char *one = xasprintf("%s/%s", path, s->files[i].name);
		CLEAN_FILE FILE *f = fopen(one, "w");

		if (!f ||
			fwrite(s->files[i].data.p, 1, s->files[i].data.n, f) != s->files[i].data.n)
			abort();
	}
}

/* --- configuration --- */

bool
play_conf(struct play *p)
{
	CLEAN_FREE char *path = xasprintf("%s/lockstep.conf", p->dir);
	CLEAN_BUF struct buf t = { 0 };
	const char *programs = p->programs ? p->programs : "/nowhere";
	struct err e;

	if (!p->conf_stale)
		return true;
	conf_free(&p->conf);
	buf_addf(&t, "state = \"%s/state\"\n", p->dir);
	buf_addf(&t,
		"source \"corp\" {\n type = \"exec\"\n command = \"%s/lockstep-test-source\"\n",
		programs);
	if (p->missing_after)
		buf_addf(&t, " missing_after = \"%s\"\n", p->missing_after);
	buf_addf(&t, " options { world = \"%s/world\" }\n}\n", p->dir);
	buf_addf(&t,
		"target \"hosted\" {\n type = \"exec\"\n command = \"%s/lockstep-test-target\"\n",
		programs);
	if (p->adopt)
		buf_addf(&t, " adopt = \"%s\"\n", p->adopt);
	if (p->exclusive)
		buf_addf(&t, " exclusive = \"%s\"\n", p->exclusive);
	buf_addf(&t, " options { world = \"%s/world\" }\n}\n", p->dir);
	for (size_t i = 0; i < p->sync_count; i++)
		if (p->syncs[i].body)
			buf_addf(&t, "sync \"%s\" {\n from = \"corp\"\n to = \"hosted\"\n%s}\n",
				p->syncs[i].name, p->syncs[i].body);
	if (!file_write_atomic(path, 0600, buf_str(&t), &e) || !conf_load(path, &p->conf, &e))
		return play_fail(p, "configuration: %s", e.text);
	p->conf_stale = false;
	return true;
}

/* --- connections: in memory or a process, below what counts, stops and spoils --- */

struct watched { /* turns the clock while nothing comes, and counts */
	struct conn conn;
	struct conn *inner;
	struct play *play;
	bool target;
};

static void
event(struct play *p)
{
	if (++p->events == p->stop_at)
		_exit(100);
	p->asked |= p->events == p->ask_at;
}

static bool
stop_asked(void *ctx)
{
	return ((struct play *)ctx)->asked;
}

/* Asked to end, nothing goes out any more that changes the target (S3.5). */
static void
check_silent(struct play *p, struct str line)
{
	static const char *const writes[] = { "create", "update", "delete", "refs" };

	for (size_t i = 0; p->closed && i < ARRAY_LEN(writes); i++) {
		CLEAN_FREE char *op = xasprintf("\"op\":\"%s\"", writes[i]);

		if (memmem(line.p, line.n, op, strlen(op)))
			world_trouble(p->world, "asked to end, and sent %.*s", (int)line.n, line.p);
	}
}

static bool
watched_send(struct conn *c, struct str line, struct err *e)
{
	struct watched *x = (struct watched *)c;
	bool ok = conn_send(x->inner, line, e);

	if (x->play->verbose)
		fprintf(stderr, "# > %.*s\n", (int)line.n, line.p);
	if (x->target) {
		check_silent(x->play, line);
		event(x->play);
	}
	return ok;
}

static int
watched_recv(struct conn *c, int timeout_ms, struct str *line_r, struct err *e)
{
	struct watched *x = (struct watched *)c;
	int got = conn_recv(x->inner, timeout_ms, line_r, e);

	if (got > 0 && x->play->verbose)
		fprintf(stderr, "# < %.*s\n", (int)line_r->n, line_r->p);
	if (got == 0 && timeout_ms > 0 && !x->play->programs)
		x->play->world->now_ms += timeout_ms;
	if (got > 0 && x->target) {
		x->play->closed |= x->play->asked;
		event(x->play);
	}
	return got;
}

static size_t
watched_queued(const struct conn *c)
{
	const struct watched *x = (const struct watched *)c;

	return x->inner->vt->queued(x->inner);
}

static void
watched_close(struct conn *c)
{
	struct watched *x = (struct watched *)c;

	conn_close(&x->inner);
	free(x);
}

static struct conn *
watch(struct play *p, struct conn *inner, bool target)
{
	static const struct conn_vt vt = { watched_send, watched_recv, watched_queued,
		watched_close };
	struct watched *x = xcalloc(1, sizeof(*x));

	*x = (struct watched){ .conn = { .vt = &vt }, .inner = inner, .play = p, .target = target };
	return &x->conn;
}

const char *const way_names[WAY_COUNT] = { "nothing", "connection ends before",
	"connection ends, done later", "connection ends after", "half an answer", "nonsense",
	"answered twice", "silence before", "silence after", "unknown, done", "unknown, not done",
	"retry", "wait", "name-taken", "refused", "side", "config" };

static int64_t
line_id(struct str line)
{
	static const char tag[] = "\"id\":";
	const char *at = line.n ? memmem(line.p, line.n, tag, sizeof(tag) - 1) : NULL;

	return at ? strtoll(at + sizeof(tag) - 1, NULL, 10) : 0;
}

static void
inject(struct play *p, const char *kind, const char *code, int64_t wait)
{
	struct land *w = p->world;

	w->inject_id = p->fault_id;
	w->inject_wait = wait;
	snprintf(w->inject_kind, sizeof(w->inject_kind), "%s", kind);
	snprintf(w->inject_code, sizeof(w->inject_code), "%s", code);
}

static enum conn_fault
spoil_request(struct play *p, struct str line)
{
	switch (p->way) {
	case WAY_CUT_BEFORE:
		p->done = true;
		return FAULT_CUT;
	case WAY_CUT_LATE:
		p->done = true;
		target_later(p->world, line);
		return FAULT_CUT;
	case WAY_SILENT_BEFORE:
		p->done = true;
		return FAULT_DROP;
	case WAY_UNKNOWN_BEFORE:
		inject(p, "unknown", "timeout", 0);
		break;
	case WAY_RETRY:
		inject(p, "retry", "busy", 0);
		break;
	case WAY_WAIT:
		inject(p, "wait", "rate-limit", 3);
		break;
	case WAY_TAKEN:
		inject(p, "object", "name-taken", 0);
		break;
	case WAY_OBJECT:
		inject(p, "object", "strange", 0);
		break;
	case WAY_SIDE:
		inject(p, "side", "down", 0);
		break;
	case WAY_CONFIG:
		inject(p, "config", "token-refused", 0);
		break;
	default:
		break;
	}
	return FAULT_NONE;
}

static enum conn_fault
spoil_answer(struct play *p, struct buf *with)
{
	p->done = true;
	switch (p->way) {
	case WAY_CUT_AFTER:
		return FAULT_CUT;
	case WAY_TRUNCATE:
		return FAULT_TRUNCATE;
	case WAY_GARBAGE:
		return FAULT_GARBAGE;
	case WAY_TWICE:
		return FAULT_TWICE;
	case WAY_SILENT_AFTER:
		return FAULT_DROP;
	case WAY_UNKNOWN_AFTER:
		buf_addf(with,
			"{\"type\":\"result\",\"id\":%lld,\"error\":{\"kind\":\"unknown\",\"code\":"
			"\"timeout\"}}",
			(long long)p->fault_id);
		return FAULT_REPLACE;
	default:
		return FAULT_NONE;
	}
}

static enum conn_fault
decide(void *ctx, bool sent, struct str line, struct buf *with)
{
	struct play *p = ctx;
	int64_t id = line_id(line);

	if (!id)
		return FAULT_NONE;
	if (sent) {
		if (++p->sends != p->fault_at)
			return FAULT_NONE;
		p->fault_id = id;
		return spoil_request(p, line);
	}
	if (p->done || id != p->fault_id || p->sends < p->fault_at)
		return FAULT_NONE;
	return spoil_answer(p, with);
}

static bool
open_conn(struct play *p, const char *program, conn_handler handler, int lock_fd, struct conn **c_r,
	struct err *e)
{
	if (p->programs) {
		const char *argv[] = { program, NULL };
		struct conn_process o = { .argv = argv, .lock_fd = lock_fd };

		return conn_open_process(&o, c_r, e);
	}
	*c_r = conn_open_memory(handler, p->world, NULL);
	return true;
}

static bool
open_source(void *ctx, const struct conf_source *s, int lock_fd, struct conn **c_r, struct err *e)
{
	struct conn *c;

	if (!open_conn(ctx, s->command, world_source, lock_fd, &c, e))
		return false;
	*c_r = watch(ctx, c, false);
	return true;
}

static bool
open_target(void *ctx, const struct conf_target *t, int lock_fd, struct conn **c_r, struct err *e)
{
	struct play *p = ctx;
	struct conn *c;

	if (!open_conn(p, t->command, world_target, lock_fd, &c, e))
		return false;
	if (p->way)
		c = conn_open_faulty(c, decide, p);
	*c_r = watch(p, c, true);
	return true;
}

static void
committed(void *ctx, const char *what)
{
	(void)what;
	event(ctx);
}

static void
notable(void *ctx, const char *name, const char *object, const char *text)
{
	struct play *p = ctx;

	if (p->verbose)
		fprintf(stderr, "# %s %s: %s\n", name, object, text);
}

bool
play_run(struct play *p, const struct sync_options *o, struct sync_result *r_r)
{
	struct sync_env env = {
		.store = { .clock = &p->clock, .committed = committed, .ctx = p, .sync_off = true },
		.open_source = open_source,
		.open_target = open_target,
		.event = notable,
		.stop = stop_asked,
		.ctx = p,
		.slice_ms = p->slice_ms
	};
	CLEAN_ARENA struct arena *a = arena_new();
	struct sync_notes notes = { .arena = a };
	struct sync_options noted = *o;
	struct err e = { 0 };

	noted.notes = &notes;
	if (!play_conf(p))
		return false;
	p->events = p->sends = 0;
	p->done = p->asked = p->closed = false;
	p->fault_id = 0;
	p->calls_before = p->world->calls;
	p->writes_before = p->world->writes;
	p->reads_before = p->world->reads;
	for (int i = 0; i < 12000; i++) {
		if (sync_run(p->conf, &env, &noted, r_r, &e)) {
			sync_result_clean(r_r);
			p->notes = notes.count;
			for (size_t n = 0; p->verbose && n < notes.count; n++)
				fprintf(stderr, "# note %s: %s\n", notes.list[n].object,
					notes.list[n].text);
			return true;
		}
		if (strcmp(e.code, "locked") != 0)
			break;
		usleep(5000); /* connectors of a run that died hold its lock until they die */
	}
	r_r->error = e;
	return play_fail(p, "the run could not start: %s", e.text);
}
