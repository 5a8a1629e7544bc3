/* lockstep status, release */
#include "cli_p.h"

#include <stdlib.h>
#include <string.h>

bool
cli_ledger(struct cli *c, const struct conf_target *t, bool read_only, struct ledger **l_r,
	struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();

	return ledger_open(sync_target_path(c->conf, t->name, a), &c->env.store, read_only, l_r, e);
}

/* --- status --- */

struct failing {
	const char *what, *code, *text;
	int64_t since, next_at;
	int count;
};

/* A name that people know for an entry that never became an object: its DN, where the mirror still has it. */
static const char *
entry_name(struct cli *c, const char *source, const char *id, struct arena *a)
{
	struct mirror *m = NULL;
	const char *name = id;
	struct err e;
	int64_t n;

	if (!mirror_open(sync_source_path(c->conf, source, a), &c->env.store, true, &m, &e))
		return id;
	n = mirror_find_id(m, id);
	if (n)
		name = mirror_dn(m, n, a);
	mirror_close(&m);
	return *name ? name : id;
}

/* The first of them, in readable form. */
static size_t
gather_failing(struct cli *c, struct ledger *l, struct arena *a, struct failing *list, size_t max)
{
	struct attempt at[64];
	struct problem pr[64];
	size_t n = 0, got = ledger_attempts(l, 0, a, at, max < 64 ? max : 64);
	struct err e;

	for (size_t i = 0; i < got; i++) {
		struct object ob;

		if (ledger_object(l, at[i].o, a, &ob, &e))
			list[n++] = (struct failing){ .what = ob.name ? ob.name : ob.anchor,
				.code = at[i].code,
				.text = at[i].text,
				.since = at[i].since,
				.next_at = at[i].next_at,
				.count = at[i].count };
	}
	got = ledger_problems(l, NULL, a, pr, max - n < 64 ? max - n : 64);
	for (size_t i = 0; i < got; i++)
		list[n++] = (struct failing){ .what = entry_name(c, pr[i].source, pr[i].id, a),
			.code = pr[i].code,
			.text = pr[i].text,
			.since = pr[i].since };
	return n;
}

struct target_status {
	struct run_row last; /* that came to its end: what goes on has no result yet */
	bool has_run, begun;
	int64_t owned[KIND_COUNT], active[KIND_COUNT], dirty, failing_total, wake;
	int64_t pinned_total;
	struct pinned pinned[50];
	size_t pinned_count;
	int64_t as_of;   /* what was in the directory then is dealt with (N8); 0 = never yet */
	int64_t waiting; /* operations that an applied plan left for the next run */
	bool lockstep;
	struct failing failing[50];
	size_t failing_count;
};

static void
gather_status(struct cli *c, const struct conf_target *t, struct ledger *l, struct arena *a,
	struct target_status *s)
{
	struct run_row newest;

	s->begun = ledger_runs(l, 0, a, &newest, 1);
	s->has_run = ledger_run_ended(l, a, &s->last);
	s->dirty = ledger_dirty_count(l);
	s->as_of = sync_as_of(l);
	s->wake = ledger_wake_next(l);
	s->waiting = ledger_later(l);
	s->pinned_total = ledger_pinned_count(l);
	s->pinned_count = ledger_pinned(l, 0, a, s->pinned, ARRAY_LEN(s->pinned));
	for (size_t i = 0; i < c->conf->sync_count; i++)
		for (int k = 0; k < KIND_COUNT && strcmp(c->conf->syncs[i].to, t->name) == 0; k++) {
			int64_t owned, active;

			if (ledger_counts(l, c->conf->syncs[i].name, &kinds[k], &owned, &active)) {
				s->owned[k] += owned;
				s->active[k] += active;
			}
		}
	s->failing_count = gather_failing(c, l, a, s->failing, ARRAY_LEN(s->failing));
	s->failing_total = ledger_failing(l);
	s->lockstep = s->has_run && s->last.exit == 0 && !s->last.held && !s->failing_total &&
		      !s->waiting;
}

static void
status_pins(const struct target_status *s)
{
	char when[24];

	if (s->pinned_total)
		printf("  pinned by undo: %lld (`lockstep unpin WHO`, or --all, ends that)\n",
			(long long)s->pinned_total);
	for (size_t i = 0; i < s->pinned_count; i++) {
		const struct pinned *p = &s->pinned[i];

		printf("  PINNED %s ", p->kind->name);
		cli_text(stdout, p->name);
		printf(" since %s, run %lld undone", cli_time(p->at, when), (long long)p->run);
		if (p->refs)
			printf("%s%lld references", p->object ? ", with " : ": ",
				(long long)p->refs);
		putchar('\n');
	}
	if (s->pinned_total > (int64_t)s->pinned_count)
		printf("  ... and %lld more\n",
			(long long)(s->pinned_total - (int64_t)s->pinned_count));
}

static void
status_text(const struct conf_target *t, const struct target_status *s)
{
	char when[24];

	if (!s->has_run) {
		printf("%s: %s\n", t->name,
			s->begun ? "not yet in lockstep: no sync has come to its end"
				 : "never synced");
		return;
	}
	printf("%s: %s, last run %lld at %s\n", t->name,
		s->lockstep ? "in lockstep" : "NOT in lockstep", (long long)s->last.run,
		cli_time(s->last.ended, when));
	for (int k = 0; k < KIND_COUNT; k++)
		printf("  %-7s %lld", kinds[k].plural, (long long)s->owned[k]),
			kinds[k].active_attribute
				? printf(" (%lld active)\n", (long long)s->active[k])
				: printf("\n");
	if (s->last.text) {
		fputs("  last run: ", stdout);
		cli_text(stdout, s->last.text);
		putchar('\n');
	}
	if (s->last.held)
		printf("  held back: %lld operations of run %lld%s\n", (long long)s->last.held,
			(long long)s->last.run,
			s->last.released ? " (released: the next sync performs them)" : "");
	if (s->last.held_why) {
		fputs("    ", stdout);
		cli_text(stdout, s->last.held_why);
		putchar('\n');
	}
	if (s->waiting)
		printf("  %lld operations wait for the next run: the last one applied a plan\n",
			(long long)s->waiting);
	printf("  as of %s\n", cli_time(s->as_of, when));
	if (s->wake != INT64_MAX)
		printf("  next due by time: %s\n", cli_time(s->wake, when));
	status_pins(s);
	for (size_t i = 0; i < s->failing_count; i++) {
		fputs("  FAILS ", stdout);
		cli_text(stdout, s->failing[i].what);
		printf(" [%s] since %s: ", s->failing[i].code, cli_time(s->failing[i].since, when));
		cli_text(stdout, s->failing[i].text);
		putchar('\n');
	}
	if (s->failing_total > (int64_t)s->failing_count)
		printf("  ... and %lld more\n",
			(long long)(s->failing_total - (int64_t)s->failing_count));
}

/* Leaves the object open. */
static void
status_json(const struct conf_target *t, const struct target_status *s, struct jsonw *w)
{
	jsonw_obj(w, NULL);
	jsonw_str(w, "target", t->name);
	jsonw_bool(w, "in_lockstep", s->lockstep);
	jsonw_int(w, "run", s->last.run);
	jsonw_int(w, "ended", s->last.ended);
	jsonw_int(w, "exit", s->last.exit);
	if (s->as_of)
		jsonw_int(w, "as_of", s->as_of);
	else
		jsonw_null(w, "as_of");
	if (s->last.text)
		jsonw_str(w, "message", s->last.text);
	jsonw_int(w, "held", s->last.held);
	if (s->last.held_why)
		jsonw_str(w, "held_why", s->last.held_why);
	jsonw_int(w, "dirty", s->dirty);
	jsonw_int(w, "waiting", s->waiting);
	for (int k = 0; k < KIND_COUNT; k++) {
		jsonw_int(w, kinds[k].plural, s->owned[k]);
	}
	jsonw_int(w, "pinned", s->pinned_total);
	jsonw_arr(w, "pins");
	for (size_t i = 0; i < s->pinned_count; i++) {
		jsonw_obj(w, NULL);
		jsonw_str(w, "object", s->pinned[i].name);
		jsonw_str(w, "kind", s->pinned[i].kind->name);
		jsonw_int(w, "run", s->pinned[i].run);
		jsonw_int(w, "since", s->pinned[i].at);
		jsonw_int(w, "references", s->pinned[i].refs);
		jsonw_end(w);
	}
	jsonw_end(w);
	jsonw_int(w, "failing", s->failing_total);
	jsonw_arr(w, "failures");
	for (size_t i = 0; i < s->failing_count; i++) {
		jsonw_obj(w, NULL);
		jsonw_str(w, "object", s->failing[i].what);
		jsonw_str(w, "code", s->failing[i].code);
		jsonw_str(w, "message", s->failing[i].text);
		jsonw_int(w, "since", s->failing[i].since);
		jsonw_int(w, "attempts", s->failing[i].count);
		jsonw_end(w);
	}
	jsonw_end(w);
}

/* Of a file that cannot be used programs get the error alone, people also all else. false: it ends here. */
static bool
status_goes_on(struct cli *c, const char *what, const struct err *e, int *code_r)
{
	*code_r = 2;
	if (!c->json) {
		printf("%s: cannot be looked at\n", what);
		fflush(stdout);
	}
	cli_error(c, e, 2);
	return !c->json;
}

/* false: its file cannot be used. */
static bool
status_target(struct cli *c, const struct conf_target *t, struct jsonw *w, bool *lockstep_r,
	struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct target_status s = { 0 };
	struct ledger *l = NULL;

	if (cli_ledger(c, t, true, &l, e))
		gather_status(c, t, l, a, &s);
	else if (strcmp(e->code, "no-state") != 0)
		return false;
	*lockstep_r &= s.lockstep;
	status_json(t, &s, w);
	if (!c->json)
		status_text(t, &s);
	if (l)
		status_codes(l, w);
	if (l)
		drift_status(l, c->json ? NULL : stdout, w);
	jsonw_end(w);
	ledger_close(&l);
	return true;
}

int
cmd_status(struct cli *c, int argc, char **argv)
{
	CLEAN_BUF struct buf out = { 0 };
	struct jsonw w = jsonw(&out);
	struct err e = { 0 };
	bool lockstep = true;
	int code = 0;

	(void)argv;
	if (argc > 1)
		return cli_usage(command_named("status"), "status takes no arguments");
	jsonw_obj(&w, NULL);
	jsonw_arr(&w, "targets");
	for (size_t i = 0; i < c->conf->target_count; i++) {
		const struct conf_target *t = &c->conf->targets[i];

		if (!status_target(c, t, &w, &lockstep, &e) &&
			!status_goes_on(c, t->name, &e, &code))
			return code;
		err_clear(&e);
	}
	jsonw_end(&w);
	if (!status_sources(c, &w, &e) && !status_goes_on(c, "sources", &e, &code))
		return code;
	remote_status(c, &w);
	jsonw_end(&w);
	if (c->json)
		puts(buf_cstr(&out));
	return code ? code : lockstep ? 0 : 1;
}

bool
cli_number(const char *s, int64_t *n_r)
{
	char *end;

	*n_r = strtoll(s, &end, 10);
	return *s && !*end && *n_r > 0;
}

/* --- release --- */

static bool
release_in(struct cli *c, const struct conf_target *t, int64_t run, int64_t *pairs_r, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_FD int lock = -1;
	struct ledger *l = NULL;
	bool ok;

	if (!sync_lock(sync_target_path(c->conf, t->name, a), &lock, e) ||
		!cli_ledger(c, t, false, &l, e))
		return false;
	ok = ledger_begin(l, e) && ledger_release(l, run, pairs_r, e) && ledger_commit(l, e);
	if (!ok)
		ledger_rollback(l);
	ledger_close(&l);
	return ok;
}

/* Run numbers are each target's own: what is released is what was looked at, never another target's run of that number. */
static bool
release_choose(struct cli *c, int64_t run, const char **target_r, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf names = { 0 };
	size_t found = 0;

	if (*target_r)
		return conf_target(c->conf, *target_r) ||
		       err_set(e, ERR_CONFIG, "bad-usage", "%s has no target \"%s\"", c->conf_path,
			       *target_r);
	for (size_t i = 0; i < c->conf->target_count; i++) {
		const char *name = c->conf->targets[i].name;
		struct ledger *l = NULL;
		struct held one;

		if (!cli_ledger(c, &c->conf->targets[i], true, &l, e))
			continue; /* told when none has it */
		if (ledger_held(l, run, 0, a, &one, 1)) {
			*target_r = name;
			buf_addf(&names, "%s%s", found++ ? ", " : "", name);
		}
		ledger_close(&l);
	}
	return found < 2 ||
	       err_set(e, ERR_CONFIG, "bad-usage",
		       "several targets hold back changes of a run %lld (%s): say --target NAME",
		       (long long)run, buf_cstr(&names));
}

static bool
release_args(int argc, char **argv, int64_t *run_r, const char **target_r)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--target") == 0 && i + 1 < argc)
			*target_r = argv[++i];
		else if (*run_r || !cli_number(argv[i], run_r))
			return false;
	}
	return *run_r > 0;
}

int
cmd_release(struct cli *c, int argc, char **argv)
{
	const char *target = NULL;
	int64_t run = 0, pairs = 0, total = 0;
	struct err e = { 0 }, last = { 0 };

	if (!release_args(argc, argv, &run, &target))
		return cli_usage(command_named("release"),
			"release takes the number of a run, and --target NAME");
	if (!release_choose(c, run, &target, &e))
		return cli_error(c, &e, 2);
	for (size_t i = 0; i < c->conf->target_count; i++) {
		const struct conf_target *t = &c->conf->targets[i];

		if (target && strcmp(t->name, target) != 0)
			continue;
		if (release_in(c, t, run, &pairs, &e))
			total += pairs;
		else
			last = e;
	}
	if (!total)
		return cli_error(c, &last, 2);
	if (c->json)
		printf("{\"run\":%lld,\"released\":%lld}\n", (long long)run, (long long)total);
	else
		printf("Released %lld operations of run %lld: the next sync performs those that "
		       "are still wanted.\n",
			(long long)total, (long long)run);
	return 0;
}
