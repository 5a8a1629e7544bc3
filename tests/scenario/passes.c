#include "passes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct performing {
	struct play play;
	const struct pass *pass;
	struct passes_env *env;
	struct saved before, after;
	/* of the run as written, and the one after it */
	struct buf target, ledger;
	int64_t events, sends;
	struct sync_options again; /* what is asked for until nothing is left */
	enum sync_exit exit;
};

static int64_t
changes_of(const struct sync_result *r)
{
	return r->created + r->adopted + r->updated + r->enabled + r->disabled + r->deleted +
	       r->recreated + r->members_added + r->members_removed;
}

/* Runs until nothing is left to do. */
static bool
converge(struct performing *f, const char *what)
{
	struct play *p = &f->play;
	struct sync_result r;

	p->way = WAY_NONE;
	p->stop_at = p->ask_at = 0;
	for (int i = 0; i < 12; i++) {
		p->world->now_ms += (i < 4 ? 130 : 600) * 1000; /* past back-offs */
		if (!play_run(p, &f->again, &r) || !play_check_always(p))
			return play_fail(p, "%s, run %d after it", what, i + 1);
		if (r.exit == f->exit && !changes_of(&r))
			return true;
	}
	return play_fail(p, "%s: no end after 12 runs: exit %d (%s %s), %lld changes", what, r.exit,
		r.error.code, r.error.text, (long long)changes_of(&r));
}

/* The first line in which two texts differ. */
static void
differ(struct play *p, const char *what, const char *a, const char *b)
{
	while (*a && *b) {
		size_t n = strcspn(a, "\n"), m = strcspn(b, "\n");

		if (n != m || strncmp(a, b, n) != 0)
			break;
		a += n + (a[n] ? 1 : 0);
		b += m + (b[m] ? 1 : 0);
	}
	play_fail(p, "%s: \"%.*s\" where \"%.*s\" was expected", what, (int)strcspn(b, "\n"), b,
		(int)strcspn(a, "\n"), a);
}

static bool
same_end(struct performing *f, const char *what)
{
	CLEAN_BUF struct buf target = { 0 }, ledger = { 0 };
	struct play *p = &f->play;

	target_dump(p->world, &target);
	if (!play_ledger(p, &ledger))
		return play_fail(p, "%s", what);
	if (strcmp(buf_cstr(&target), buf_cstr(&f->target)) != 0) {
		differ(p, what, buf_cstr(&f->target), buf_cstr(&target));
		return play_fail(p, "(at the target)");
	}
	if (strcmp(buf_cstr(&ledger), buf_cstr(&f->ledger)) != 0) {
		differ(p, what, buf_cstr(&f->ledger), buf_cstr(&ledger));
		return play_fail(p, "(in the ledger)");
	}
	return true;
}

static bool
stop_once(struct performing *f, const struct step *st, int64_t k)
{
	struct play *p = &f->play;
	struct sync_options o = play_options(p, st);
	char what[160];
	int status;
	pid_t pid;

	snprintf(what, sizeof(what), "line %d, stopped at event %lld of %lld", st->line,
		(long long)k, (long long)f->events);
	play_restore(p, &f->before);
	f->env->variants++;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		struct sync_result r;

		p->stop_at = k;
		play_run(p, &o, &r);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return play_fail(p, "cannot fork");
	if (!WIFEXITED(status) || (WEXITSTATUS(status) != 100 && !p->programs))
		return play_fail(p, "%s: it ended with %d instead", what, status);
	return converge(f, what) && same_end(f, what);
}

static bool
ask_once(struct performing *f, const struct step *st, int64_t k)
{
	struct play *p = &f->play;
	struct sync_options o = play_options(p, st);
	struct sync_result r;
	char what[160];

	snprintf(what, sizeof(what), "line %d, asked to end at event %lld of %lld", st->line,
		(long long)k, (long long)f->events);
	play_restore(p, &f->before);
	f->env->variants++;
	p->ask_at = k;
	if (!play_run(p, &o, &r) || !play_check_always(p))
		return play_fail(p, "%s", what);
	/* It may have been over by then, or have failed before. */
	if (r.exit == SYNC_OK ? r.error.kind != ERR_NONE
			      : strcmp(r.error.code, "stopped") != 0 && r.exit == SYNC_TARGET)
		return play_fail(p, "%s: exit %d, code %s", what, r.exit, r.error.code);
	return converge(f, what) && same_end(f, what);
}

static bool
fault_once(struct performing *f, const struct step *st, int64_t k, enum way way)
{
	struct play *p = &f->play;
	struct sync_options o = play_options(p, st);
	struct sync_result r;
	char what[160];

	snprintf(what, sizeof(what), "line %d, call %lld of %lld: %s", st->line, (long long)k,
		(long long)f->sends, way_names[way]);
	play_restore(p, &f->before);
	f->env->variants++;
	p->way = way;
	p->fault_at = k;
	if (!play_run(p, &o, &r) || !play_check_always(p))
		return play_fail(p, "%s", what);
	return converge(f, what) && same_end(f, what);
}

/* 1..total, all of them, or `most` of them spread evenly. */
static int64_t
nth(int64_t i, int64_t total, int64_t most)
{
	return total <= most || !most ? i + 1 : i * (total - 1) / (most > 1 ? most - 1 : 1) + 1;
}

/* The same, where each way begins at another call, so that together they meet all. */
static int64_t
turn(int64_t i, int64_t total, int64_t most, int64_t by)
{
	return total <= most || !most ? i + 1 : (nth(i, total, most) - 1 + by) % total + 1;
}

static int64_t
some(int64_t total, int64_t most)
{
	return most && most < total ? most : total;
}

static bool
variants(struct performing *f, const struct step *st)
{
	const struct pass *pass = f->pass;

	for (int64_t i = 0; pass->stops && i < some(f->events, pass->most); i++)
		if (!stop_once(f, st, turn(i, f->events, pass->most, st->line)))
			return false;
	for (int64_t i = 0; pass->asks && i < some(f->events, pass->most); i++)
		if (!ask_once(f, st, turn(i, f->events, pass->most, st->line)))
			return false;
	for (int way = WAY_CUT_BEFORE; pass->faults && way < WAY_COUNT; way++) {
		int64_t most = pass->most ? (pass->most + 5) / 6 : 0;

		if (pass->sparse && (way + st->line) % 4)
			continue;
		if (pass->processes && (way == WAY_SILENT_BEFORE || way == WAY_SILENT_AFTER))
			continue; /* a minute and a half of real time */
		for (int64_t i = 0; i < some(f->sends, most); i++)
			if (!fault_once(
				    f, st, turn(i, f->sends, most, way + st->line), (enum way)way))
				return false;
	}
	return true;
}

/* A second run right after: nothing, except what still fails or is held (I6). */
static bool
run_again(struct performing *f, const struct step *st)
{
	struct play *p = &f->play;
	struct sync_result r;

	if (!play_run(p, &f->again, &r) || !play_check_always(p))
		return false;
	if (changes_of(&r) || p->world->writes != p->writes_before)
		return play_fail(p, "line %d: I6: run again at once, %lld changes and %lld writes",
			st->line, (long long)changes_of(&r),
			(long long)(p->world->writes - p->writes_before));
	f->exit = r.exit;
	return true;
}

static bool
run_step(struct performing *f, const struct step *st)
{
	struct play *p = &f->play;
	struct sync_options o = play_options(p, st);
	bool broken = p->world->read_fault != READ_FINE;
	struct sync_result r;

	play_save(p, &f->before);
	if (!play_run(p, &o, &r))
		return false;
	if (step_has(st, "keep") && !play_keep(p))
		return false;
	if (step_has(st, "mark"))
		p->marked = r.run;
	f->again = o; /* a plan or an undo that was stopped is asked for again */
	f->events = p->events;
	f->sends = p->sends ? p->sends : p->world->calls - p->calls_before;
	if (!play_check_run(p, st, &r) || !play_check_always(p))
		return false;
	if (broken || o.plan_only || r.exit == SYNC_CONFIG || r.exit == SYNC_SOURCE ||
		r.exit == SYNC_TARGET || step_has(st, "once"))
		return true;
	play_save(p, &f->after);
	if (!run_again(f, st))
		return false;
	buf_reset(&f->target);
	buf_reset(&f->ledger);
	target_dump(p->world, &f->target);
	if (!play_ledger(p, &f->ledger))
		return false;
	if (!p->script->loose && strstr(buf_cstr(&f->ledger), "MISMATCH"))
		return play_fail(p, "line %d: the ledger does not agree with the target: %.400s",
			st->line, strstr(buf_cstr(&f->ledger), "MISMATCH"));
	if (!variants(f, st))
		return false;
	play_restore(p, &f->after);
	return true;
}

bool
pass_perform(
	const struct script *s, const struct pass *pass, struct passes_env *env, struct buf *why)
{
	struct performing f = { .pass = pass, .env = env };
	struct err e;
	bool ok = true;

	if (!play_open(&f.play, s, pass->processes ? env->programs : NULL, env->tmp, &e)) {
		buf_adds(why, e.text);
		play_close(&f.play);
		return false;
	}
	f.play.all_full = pass->full;
	f.play.verbose = env->verbose;
	for (size_t i = 0; ok && i < s->count; i++)
		ok = s->steps[i].type == STEP_RUN ? run_step(&f, &s->steps[i])
						  : play_step(&f.play, &s->steps[i]);
	if (!ok)
		buf_adds(why, buf_cstr(&f.play.why));
	saved_free(&f.before);
	saved_free(&f.after);
	buf_free(&f.target);
	buf_free(&f.ledger);
	play_close(&f.play);
	return ok;
}
