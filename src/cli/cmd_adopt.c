/* lockstep adopt: what was found at the targets in place of our own, and consent to take it over (3.2). */
#include "cli_p.h"

#include <string.h>

struct adopting {
	struct cli *c;
	const struct conf_target *target;
	struct jsonw *w;
	struct arena *arena;
	int64_t rows, ambiguous, waiting;
};

static const char *
dn_of(struct cli *c, const struct object *ob, struct arena *a)
{
	struct mirror *m = NULL;
	const char *dn = "";
	struct err e;

	if (!mirror_open(sync_source_path(c->conf, ob->source, a), &c->env.store, true, &m, &e))
		return "";
	if (mirror_find_id(m, ob->anchor))
		dn = mirror_dn(m, mirror_find_id(m, ob->anchor), a);
	mirror_close(&m);
	return dn;
}

static void
print_match(const struct match *m)
{
	fputs("    ", stdout);
	cli_text(stdout, m->key);
	fputs(m->hard ? ", it bears our identity" : ", by its name ", stdout);
	if (!m->hard)
		cli_text(stdout, m->name);
	if (!m->hard && m->external && m->external[0]) {
		fputs(", its externalId ", stdout);
		cli_text(stdout, m->external);
		fputs(" is not ours and is replaced", stdout);
	}
	putchar('\n');
}

static void
print_row(const struct adopting *ad, const struct adopt_row *row)
{
	printf("%s: %s ", ad->target->name, row->ob.kind->name);
	cli_text(stdout, row->ob.name ? row->ob.name : row->ob.anchor);
	fputs(" (", stdout);
	cli_text(stdout, dn_of(ad->c, &row->ob, ad->arena));
	printf("): %s\n", row->approved                 ? "approved, the next sync adopts it"
			  : row->how == ADOPT_AMBIGUOUS ? "AMBIGUOUS, several fit"
							: "exact");
	for (size_t i = 0; i < row->count; i++)
		print_match(&row->list[i]);
}

static void
json_row(const struct adopting *ad, const struct adopt_row *row)
{
	struct jsonw *w = ad->w;

	jsonw_obj(w, NULL);
	jsonw_str(w, "target", ad->target->name);
	jsonw_str(w, "kind", row->ob.kind->name);
	jsonw_str(w, "id", row->ob.anchor);
	jsonw_str(w, "name", row->ob.name);
	jsonw_str(w, "dn", dn_of(ad->c, &row->ob, ad->arena));
	jsonw_str(w, "match", adopt_how_name(row->how));
	jsonw_bool(w, "approved", row->approved);
	jsonw_arr(w, "candidates");
	for (size_t i = 0; i < row->count; i++) {
		const struct match *m = &row->list[i];

		jsonw_obj(w, NULL);
		jsonw_str(w, "key", m->key);
		jsonw_str(w, "by", m->hard ? "external" : "name");
		if (m->name)
			jsonw_str(w, "name", m->name);
		if (m->external)
			jsonw_str(w, "external", m->external);
		jsonw_end(w);
	}
	jsonw_end(w);
	jsonw_end(w);
}

static bool
list_one(void *ctx, const struct adopt_row *row, struct err *e)
{
	struct adopting *ad = ctx;

	(void)e;
	arena_reset(ad->arena);
	ad->rows++;
	ad->waiting += !row->approved;
	ad->ambiguous += row->how == ADOPT_AMBIGUOUS && !row->approved;
	if (ad->c->json)
		json_row(ad, row);
	else
		print_row(ad, row);
	return true;
}

static bool
list_target(struct adopting *ad, struct err *e)
{
	struct ledger *l = NULL;
	bool ok;

	if (!ledger_open(sync_target_path(ad->c->conf, ad->target->name, ad->arena),
		    &ad->c->env.store, true, &l, e)) {
		ok = strcmp(e->code, "no-state") == 0;
		err_clear(e);
		return ok;
	}
	ok = adopt_each(l, list_one, ad, e);
	ledger_close(&l);
	return ok;
}

static int
list_all(struct cli *c)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf out = { 0 };
	struct jsonw w = jsonw(&out);
	struct adopting ad = { .c = c, .w = &w, .arena = a };
	struct err e = { 0 };

	jsonw_obj(&w, NULL);
	jsonw_arr(&w, "adoptions");
	for (size_t i = 0; i < c->conf->target_count; i++) {
		ad.target = &c->conf->targets[i];
		if (!list_target(&ad, &e))
			return cli_error(c, &e, 2);
	}
	jsonw_end(&w);
	jsonw_end(&w);
	if (c->json)
		puts(buf_cstr(&out));
	else if (!ad.rows)
		puts("Nothing waits to be adopted.");
	else if (ad.waiting)
		printf("%lld wait, %lld of them ambiguous. `lockstep adopt WHO [KEY]` takes one "
		       "over, `lockstep adopt --all-exact` all but the ambiguous ones.\n",
			(long long)ad.waiting, (long long)ad.ambiguous);
	return 0;
}

/* --- consent --- */

struct consent {
	const char *who, *key; /* who NULL: all that is exact */
	int64_t count;
};

/* The object of an entry named otherwise than the target names it: by DN, account name, other addresses. */
static int64_t
object_of(struct cli *c, struct ledger *l, const char *who, struct arena *a)
{
	int64_t o = 0;
	struct err e;

	for (size_t i = 0; !o && i < c->conf->source_count; i++) {
		const char *source = c->conf->sources[i].name;
		struct mirror *m = NULL;

		if (!mirror_open(sync_source_path(c->conf, source, a), &c->env.store, true, &m, &e))
			continue;
		if (sync_entry_find(m, who))
			o = ledger_find_entry(l, source, sync_entry_find(m, who));
		mirror_close(&m);
	}
	return o;
}

static bool
consent_in(struct cli *c, const struct conf_target *t, struct consent *k, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	const char *path = sync_target_path(c->conf, t->name, a);
	CLEAN_FD int lock = -1;
	struct ledger *l = NULL;
	int64_t count = 1;
	bool ok;

	if (!sync_lock(path, &lock, e) || !ledger_open(path, &c->env.store, false, &l, e))
		return false;
	ok = ledger_begin(l, e) &&
	     (k->who ? adopt_one(l, k->who, object_of(c, l, k->who, a), k->key, e)
		     : adopt_all_exact(l, &count, e)) &&
	     ledger_commit(l, e);
	if (!ok)
		ledger_rollback(l);
	ledger_close(&l);
	k->count += ok ? count : 0;
	return ok;
}

static int
consent_all(struct cli *c, struct consent *k)
{
	struct err e = { 0 }, worst = { 0 };

	for (size_t i = 0; i < c->conf->target_count; i++) {
		if (consent_in(c, &c->conf->targets[i], k, &e))
			continue;
		/* One target's "nothing of that name" says less than another's "several". */
		if (worst.kind == ERR_NONE || strcmp(worst.code, "nothing-to-adopt") == 0)
			worst = e;
	}
	if (!k->count && worst.kind != ERR_NONE)
		return cli_error(c, &worst, 2);
	if (c->json)
		printf("{\"approved\":%lld}\n", (long long)k->count);
	else if (k->count)
		printf("%lld approved: the next sync adopts what is still there.\n",
			(long long)k->count);
	else
		puts("Nothing exact waits to be adopted.");
	return 0;
}

int
cmd_adopt(struct cli *c, int argc, char **argv)
{
	struct consent k = { 0 };

	if (argc == 1 || (argc == 2 && strcmp(argv[1], "--list") == 0))
		return list_all(c);
	if (argc == 2 && strcmp(argv[1], "--all-exact") == 0)
		return consent_all(c, &k);
	if (argc > 3 || argv[1][0] == '-')
		return cli_usage(command_named("adopt"),
			"adopt takes --list, --all-exact, or WHO and the key of one candidate");
	k.who = argv[1];
	k.key = argc == 3 ? argv[2] : NULL;
	return consent_all(c, &k);
}
