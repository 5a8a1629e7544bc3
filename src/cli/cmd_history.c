/* lockstep history: the runs, the operations of one, or both as they come */
#include "cli_p.h"
#include "wire/cost.h"

#include <string.h>

/* How long the service took to answer, and what went by in waiting for it. */
static void
print_cost(const struct json *target)
{
	struct wire_cost c;
	double waited;

	wire_cost_read(target, &c);
	waited = c.waits_s[WAIT_PACED] + c.waits_s[WAIT_TOLD];
	if (c.answers > 0)
		printf("  answered in %.0f ms", c.answers_s * 1000 / (double)c.answers);
	if (waited > 0)
		printf("  waited %.1f s for its rate limit", waited);
}

static void
print_counts(const char *counts)
{
	static const char *const other[] = { "run", "exit", "seconds", "as_of", "next_wake" };
	CLEAN_JSON struct json *j = NULL;

	if (!counts || !json_parse(str_c(counts), 0, &j, NULL))
		return;
	json_for_each(it, j) {
		bool shown = json_type(it) == JSON_NUMBER && json_number(it, 0) > 0;

		for (size_t i = 0; i < ARRAY_LEN(other); i++)
			shown &= strcmp(json_key(it), other[i]) != 0;
		if (shown)
			printf("  %s %.0f", json_key(it), json_number(it, 0));
	}
	json_for_each(it, json_get(j, "targets"))
		print_cost(it);
}

/* Where there are several: runs are numbered by each target for itself. */
static void
print_target(const struct cli *c, const char *target)
{
	if (c->conf->target_count > 1)
		printf("%s  ", target);
}

static void
print_reason(const char *text)
{
	if (!text)
		return;
	fputs("  ", stdout);
	cli_text(stdout, text);
}

static void
print_run(const struct cli *c, const char *target, const struct run_row *r, bool under_way)
{
	char when[24];

	printf("%5lld  ", (long long)r->run);
	print_target(c, target);
	printf("%s  %-5s  ", cli_time(r->started, when), r->kind);
	if (r->ended)
		printf("exit %d", r->exit);
	else
		fputs(under_way ? "begun" : "stopped before its end", stdout);
	print_counts(r->counts);
	print_reason(r->text);
	print_reason(r->held_why);
	putchar('\n');
}

static void
run_json(const struct conf_target *t, const struct run_row *r, struct jsonw *w, const char *name)
{
	jsonw_obj(w, name);
	jsonw_str(w, "target", t->name);
	jsonw_int(w, "run", r->run);
	jsonw_int(w, "started", r->started);
	jsonw_int(w, "ended", r->ended);
	jsonw_str(w, "kind", r->kind);
	jsonw_int(w, "exit", r->exit);
	if (r->text)
		jsonw_str(w, "message", r->text);
	jsonw_int(w, "held", r->held);
	if (r->held_why)
		jsonw_str(w, "held_why", r->held_why);
	jsonw_bool(w, "released", r->released);
	if (r->counts)
		jsonw_raw(w, "counts", r->counts, strlen(r->counts));
	jsonw_end(w);
}

static void
history_runs(struct cli *c, const struct conf_target *t, struct ledger *l, struct jsonw *w)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct run_row rows[50];
	size_t got = ledger_runs(l, 0, a, rows, ARRAY_LEN(rows));

	for (size_t i = 0; i < got; i++) {
		run_json(t, &rows[i], w, NULL);
		if (!c->json)
			print_run(c, t->name, &rows[i], false);
	}
}

void
cli_change(const struct change *ch)
{
	if (ch->other_name) {
		fputs(": ", stdout);
		cli_text(stdout, ch->other_name);
	}
	if (ch->code) {
		printf("  FAILED [%s] ", ch->code);
		cli_text(stdout, ch->text);
	}
	putchar('\n');
	attrs_print_changes(stdout, &ch->before, &ch->after, "    ", 200);
}

static void
print_change(const struct cli *c, const char *target, const struct change *ch)
{
	char when[24];

	printf("%s  ", cli_time(ch->at, when));
	print_target(c, target);
	printf("%s %s ", op_class_name(ch->class), ch->kind->name);
	cli_text(stdout, ch->name ? ch->name : ch->anchor);
	cli_change(ch);
}

/* target: NULL where it is said around it */
static void
change_json(const struct change *ch, const char *target, struct jsonw *w, const char *name)
{
	jsonw_obj(w, name);
	if (target)
		jsonw_str(w, "target", target);
	jsonw_int(w, "run", ch->run);
	jsonw_int(w, "at", ch->at);
	jsonw_str(w, "op", op_class_name(ch->class));
	jsonw_str(w, "kind", ch->kind->name);
	jsonw_str(w, "id", ch->anchor);
	jsonw_str(w, "name", ch->name);
	if (ch->other)
		jsonw_str(w, "other", ch->other_name);
	if (ch->code) {
		jsonw_str(w, "code", ch->code);
		jsonw_str(w, "message", ch->text);
	}
	attrs_write(&ch->before, w, "before");
	attrs_write(&ch->after, w, "after");
	jsonw_end(w);
}

static void
history_held(struct cli *c, const char *target, struct ledger *l, int64_t run, struct jsonw *w)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct held list[64];
	int64_t skip = 0;
	size_t got;

	while ((got = ledger_held(l, run, skip, a, list, ARRAY_LEN(list)))) {
		for (size_t i = 0; i < got; i++) {
			const struct held *h = &list[i];

			if (c->json) {
				jsonw_obj(w, NULL);
				jsonw_str(w, "target", target);
				jsonw_str(w, "held", op_class_name(h->class));
				jsonw_str(w, "kind", h->kind->name);
				jsonw_str(w, "name", h->name);
				if (h->other)
					jsonw_str(w, "other", h->other);
				jsonw_end(w);
				continue;
			}
			fputs("HELD  ", stdout);
			print_target(c, target);
			printf("%s %s ", op_class_name(h->class), h->kind->name);
			cli_text(stdout, h->name);
			if (h->other) {
				fputs(": ", stdout);
				cli_text(stdout, h->other);
			}
			putchar('\n');
		}
		skip += (int64_t)got;
		arena_reset(a);
	}
}

static void
history_changes(struct cli *c, const char *target, struct ledger *l, int64_t run, struct jsonw *w)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct change cs[64];
	int64_t after = 0;
	size_t got;

	while ((got = ledger_changes(l, run, 0, after, a, cs, ARRAY_LEN(cs)))) {
		for (size_t i = 0; i < got; i++) {
			if (c->json)
				change_json(&cs[i], target, w, NULL);
			else
				print_change(c, target, &cs[i]);
		}
		after = cs[got - 1].id;
		arena_reset(a);
	}
	history_held(c, target, l, run, w);
}

/* --- following --- */

struct followed { /* one target, as far as it was shown */
	const struct conf_target *conf;
	struct ledger *l;
	int64_t change, run; /* the newest that were shown; the run's end, too, unless it is open */
	bool open;           /* the run has not ended */
};

static void
say_run(const struct cli *c, const struct followed *f, const struct run_row *r)
{
	CLEAN_BUF struct buf line = { 0 };
	struct jsonw w = jsonw(&line);

	if (!c->json) {
		print_run(c, f->conf->name, r, true);
		return;
	}
	jsonw_obj(&w, NULL);
	run_json(f->conf, r, &w, "run");
	jsonw_end(&w);
	puts(buf_cstr(&line));
}

static void
say_change(const struct cli *c, const struct followed *f, const struct change *ch)
{
	CLEAN_BUF struct buf line = { 0 };
	struct jsonw w = jsonw(&line);

	if (!c->json) {
		print_change(c, f->conf->name, ch);
		return;
	}
	jsonw_obj(&w, NULL);
	jsonw_str(&w, "target", f->conf->name);
	change_json(ch, NULL, &w, "operation");
	jsonw_end(&w);
	puts(buf_cstr(&line));
}

static void
follow_changes(const struct cli *c, struct followed *f)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct change cs[64];
	size_t got;

	while ((got = ledger_changes(f->l, 0, 0, f->change, a, cs, ARRAY_LEN(cs)))) {
		for (size_t i = 0; i < got; i++)
			say_change(c, f, &cs[i]);
		f->change = cs[got - 1].id;
		arena_reset(a);
	}
}

/* Begin and end of runs, and what was confirmed between them. */
static void
follow_target(const struct cli *c, struct followed *f)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct run_row rows[50];
	size_t got = ledger_runs(f->l, 0, a, rows, ARRAY_LEN(rows));

	while (got-- > 0) {
		struct run_row *r = &rows[got];

		if (r->run < f->run || (r->run == f->run && (!f->open || !r->ended)))
			continue;
		if (r->run > f->run && !r->ended)
			say_run(c, f, r);
		follow_changes(c, f);
		if (r->ended)
			say_run(c, f, r);
		f->run = r->run;
		f->open = !r->ended;
	}
	follow_changes(c, f);
}

/* What is there already was there before. The state may come later. */
static bool
follow_open(struct cli *c, struct followed *f, bool first, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct run_row last;

	if (f->l)
		return true;
	if (!cli_ledger(c, f->conf, true, &f->l, e))
		return strcmp(e->code, "no-state") == 0;
	if (!first)
		return true;
	f->change = ledger_change_last(f->l);
	if (ledger_runs(f->l, 0, a, &last, 1)) {
		f->run = last.run;
		f->open = !last.ended;
	}
	return true;
}

struct asked_for {
	const char *target; /* NULL = all */
	int64_t run;        /* 0 = all */
	bool follow;
};

static bool
is_meant(const struct asked_for *f, const struct conf_target *t)
{
	return !f->target || strcmp(f->target, t->name) == 0;
}

/* Until it is ended by a signal, or nobody reads it any more. */
static int
follow(struct cli *c, const struct asked_for *what)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct followed *list = arena_alloc(a, (c->conf->target_count + 1) * sizeof(*list));
	const struct clock *k = c->env.store.clock;
	struct err e = { 0 };
	size_t count = 0;

	for (size_t i = 0; i < c->conf->target_count; i++)
		if (is_meant(what, &c->conf->targets[i]))
			list[count++] = (struct followed){ .conf = &c->conf->targets[i] };
	for (bool first = true; fflush(stdout) == 0; first = false) {
		for (size_t i = 0; i < count; i++) {
			if (!follow_open(c, &list[i], first, &e))
				return cli_error(c, &e, 2);
			if (list[i].l)
				follow_target(c, &list[i]);
		}
		k->sleep_ms(k->ctx, 1000);
	}
	return 0;
}

static int
look_back(struct cli *c, const struct asked_for *what)
{
	CLEAN_BUF struct buf out = { 0 };
	struct jsonw w = jsonw(&out);
	struct err e = { 0 };

	jsonw_obj(&w, NULL);
	jsonw_arr(&w, what->run ? "operations" : "runs");
	for (size_t i = 0; i < c->conf->target_count; i++) {
		const struct conf_target *t = &c->conf->targets[i];
		struct ledger *l = NULL;

		if (!is_meant(what, t))
			continue;
		if (!cli_ledger(c, t, true, &l, &e)) {
			if (strcmp(e.code, "no-state") != 0)
				return cli_error(c, &e, 2);
			continue;
		}
		if (what->run)
			history_changes(c, t->name, l, what->run, &w);
		else
			history_runs(c, t, l, &w);
		ledger_close(&l);
	}
	jsonw_end(&w);
	jsonw_end(&w);
	if (c->json)
		puts(buf_cstr(&out));
	return 0;
}

int
cmd_history(struct cli *c, int argc, char **argv)
{
	struct asked_for what = { 0 };
	struct err e = { 0 };

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--follow") == 0)
			what.follow = true;
		else if (strcmp(argv[i], "--target") == 0 && i + 1 < argc)
			what.target = argv[++i];
		else if (what.run || !cli_number(argv[i], &what.run))
			return cli_usage(command_named("history"),
				"history takes the number of one run, or --follow, and --target "
				"NAME");
	}
	if (what.follow && what.run)
		return cli_usage(command_named("history"),
			"history tells of one run, or follows (--follow) all that come");
	if (what.target && !conf_target(c->conf, what.target)) {
		err_set(&e, ERR_CONFIG, "bad-usage", "%s has no target \"%s\"", c->conf_path,
			what.target);
		return cli_error(c, &e, 2);
	}
	return what.follow ? follow(c, &what) : look_back(c, &what);
}
