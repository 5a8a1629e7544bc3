/* lockstep drift: what the last reading of the targets found to differ (6.2). */
#include "cli_p.h"
#include "store/drift.h"

#include <string.h>

struct drifting {
	struct cli *c;
	const struct conf_target *target;
	struct ledger *ledger;
	struct jsonw *w;
	int64_t rows;
	bool no_refs, part_refs; /* references are not shown there; not all could be read */
};

static const char *const told[] = { [DRIFT_OURS] = "changed there, ours: set again",
	[DRIFT_ELSEWHERE] = "changed there, not ours: left alone",
	[DRIFT_MISSING] = "MISSING there: made again, a user only after a release" };

static void
print_drift(const struct drift *d, const struct object *ob)
{
	struct attrs all = attrs_new(d->was.arena);

	printf("  %s ", ob->kind->name);
	cli_text(stdout, ob->name ? ob->name : ob->anchor);
	printf(": %s\n", told[d->what]);
	/* Each name once, what is there now last. */
	for (size_t i = 0; i < d->was.count; i++)
		attrs_set(&all, d->was.list[i].name, NULL, 0);
	attrs_copy(&all, &d->now);
	attrs_print_changes(stdout, &d->was, &all, "      ", 200);
}

static void
json_drift(const struct drift *d, const struct object *ob, struct jsonw *w)
{
	jsonw_obj(w, NULL);
	jsonw_str(w, "kind", ob->kind->name);
	jsonw_str(w, "id", ob->anchor);
	jsonw_str(w, "name", ob->name);
	jsonw_str(w, "what", drift_what_name(d->what));
	attrs_write(&d->was, w, "was");
	attrs_write(&d->now, w, "now");
	jsonw_end(w);
}

static bool
each_drift(struct drifting *dr, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct drift list[64], last;
	const struct drift *after = NULL;
	struct object ob;
	size_t got;

	while ((got = ledger_drifts(dr->ledger, after, a, list, ARRAY_LEN(list)))) {
		for (size_t i = 0; i < got; i++) {
			if (!ledger_object(dr->ledger, list[i].o, a, &ob, e))
				return false;
			if (dr->c->json)
				json_drift(&list[i], &ob, dr->w);
			else
				print_drift(&list[i], &ob);
			dr->rows++;
		}
		last = list[got - 1];
		after = &last;
		arena_reset(a);
	}
	return true;
}

static void
print_head(struct drifting *dr, const struct json *listing)
{
	char when[24];

	printf("%s: read in run %lld at %s", dr->target->name,
		(long long)json_get_int(listing, "run", 0),
		cli_time(json_get_int(listing, "at", 0), when));
	for (int k = 0; k < KIND_COUNT; k++) {
		const struct json *one = json_get(listing, kinds[k].plural);

		if (one)
			printf(", %lld %s%s", (long long)json_get_int(one, "objects", 0),
				kinds[k].plural,
				json_get_bool(one, "complete", false) ? "" : " (NOT COMPLETE)");
	}
	putchar('\n');
	dr->no_refs = json_type(json_get(listing, "references")) != JSON_OBJECT;
	dr->part_refs =
		!dr->no_refs && !json_get_bool(json_get(listing, "references"), "complete", false);
	if (json_get_string(listing, "error")) {
		fputs("  not read to the end: ", stdout);
		cli_text(stdout, json_get_string(listing, "error"));
		putchar('\n');
	}
}

static bool
drift_target(struct drifting *dr, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_JSON struct json *j = NULL;
	const char *listing = ledger_get(dr->ledger, "listing", a);
	int64_t orphans = ledger_stranger_count(dr->ledger, true);

	if (dr->c->json) {
		jsonw_obj(dr->w, NULL);
		jsonw_str(dr->w, "target", dr->target->name);
		if (listing)
			jsonw_raw(dr->w, "listing", listing, strlen(listing));
		else
			jsonw_null(dr->w, "listing");
		jsonw_int(dr->w, "orphans", orphans);
		jsonw_arr(dr->w, "drift");
	} else if (!listing || !json_parse(str_c(listing), 0, &j, NULL)) {
		printf("%s: never read; `lockstep sync --full` reads it\n", dr->target->name);
		return true;
	} else {
		print_head(dr, j);
	}
	dr->rows = 0;
	if (!each_drift(dr, e))
		return false;
	if (dr->c->json) {
		jsonw_end(dr->w);
		jsonw_end(dr->w);
		return true;
	}
	if (!dr->rows)
		puts("  as we left it");
	if (dr->no_refs)
		puts("  members and managers: not known, this service does not show them");
	if (dr->part_refs)
		puts("  members: NOT ALL could be read");
	if (orphans)
		printf("  %lld orphans: `lockstep adopt --list` shows them\n", (long long)orphans);
	return true;
}

int
cmd_drift(struct cli *c, int argc, char **argv)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf out = { 0 };
	struct jsonw w = jsonw(&out);
	struct drifting dr = { .c = c, .w = &w };
	struct err e = { 0 };

	(void)argv;
	if (argc > 1)
		return cli_usage(command_named("drift"), "drift takes no arguments");
	jsonw_obj(&w, NULL);
	jsonw_arr(&w, "targets");
	for (size_t i = 0; i < c->conf->target_count; i++) {
		bool ok;

		dr.target = &c->conf->targets[i];
		if (!ledger_open(sync_target_path(c->conf, dr.target->name, a), &c->env.store, true,
			    &dr.ledger, &e)) {
			if (strcmp(e.code, "no-state") != 0)
				return cli_error(c, &e, 2);
			err_clear(&e);
			continue;
		}
		ok = drift_target(&dr, &e);
		ledger_close(&dr.ledger);
		if (!ok)
			return cli_error(c, &e, 2);
	}
	jsonw_end(&w);
	jsonw_end(&w);
	if (c->json)
		puts(buf_cstr(&out));
	return 0;
}

/* --- one line of status --- */

void
drift_status(struct ledger *l, FILE *f, struct jsonw *w)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_JSON struct json *j = NULL;
	const char *listing = ledger_get(l, "listing", a);
	int64_t orphans = ledger_stranger_count(l, true);
	struct drift_counts n;
	char when[24];

	if (!listing || !json_parse(str_c(listing), 0, &j, NULL))
		return;
	ledger_drift_counts(l, &n);
	jsonw_obj(w, "drift");
	jsonw_int(w, "run", json_get_int(j, "run", 0));
	jsonw_int(w, "at", json_get_int(j, "at", 0));
	jsonw_int(w, "ours", n.ours);
	jsonw_int(w, "elsewhere", n.elsewhere);
	jsonw_int(w, "missing", n.missing);
	jsonw_int(w, "orphans", orphans);
	jsonw_end(w);
	if (f && (n.ours || n.elsewhere || n.missing || orphans))
		fprintf(f,
			"  drift found at %s: %lld changed in what is ours, %lld in what is not, "
			"%lld missing, %lld orphans; `lockstep drift` shows them\n",
			cli_time(json_get_int(j, "at", 0), when), (long long)n.ours,
			(long long)n.elsewhere, (long long)n.missing, (long long)orphans);
}
