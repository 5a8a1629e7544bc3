/* lockstep adopt: what was found at the targets in place of our own, and consent to take it over (3.2). */
#include "cli_p.h"
#include "store/drift.h"

#include <string.h>

struct adopting {
	struct cli *c;
	const struct conf_target *target;
	struct jsonw *w;
	struct arena *arena;
	int64_t rows, ambiguous, waiting, orphans;
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

/* --- orphans --- */

static const char *const traces[] = { [PROOF_NONE] = "no trace in the directory: it may be another "
						     "one's; only by name",
	[PROOF_TOMBSTONE] = "the directory has deleted it",
	[PROOF_OUT] = "its entry is in no scope",
	[PROOF_EXCLUSIVE] = "no trace in the directory, and the target is ours alone" };

static const char *
trace_dn(const struct adopting *ad, const struct stranger *s)
{
	struct object ob = { .source = s->source, .anchor = s->external };

	return s->source ? dn_of(ad->c, &ob, ad->arena) : "";
}

static void
print_orphan(const struct adopting *ad, const struct stranger *s)
{
	printf("%s: orphan %s ", ad->target->name, s->kind->name);
	cli_text(stdout, s->name ? s->name : s->key);
	printf(" (%s", s->external);
	if (*trace_dn(ad, s)) {
		fputs(", ", stdout);
		cli_text(stdout, trace_dn(ad, s));
	}
	printf("): %s\n", s->approved ? "approved, the next sync takes it over" : traces[s->proof]);
}

static void
json_orphan(const struct adopting *ad, const struct stranger *s)
{
	struct jsonw *w = ad->w;

	jsonw_obj(w, NULL);
	jsonw_str(w, "target", ad->target->name);
	jsonw_str(w, "kind", s->kind->name);
	jsonw_str(w, "key", s->key);
	jsonw_str(w, "id", s->external);
	jsonw_str(w, "name", s->name);
	jsonw_str(w, "trace", stranger_proof_name(s->proof));
	jsonw_str(w, "dn", trace_dn(ad, s));
	jsonw_bool(w, "approved", s->approved);
	jsonw_end(w);
}

static void
list_orphans(struct adopting *ad, struct ledger *l)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct stranger list[64];
	int64_t after = 0;
	size_t got;

	while ((got = ledger_strangers(l, false, after, a, list, ARRAY_LEN(list)))) {
		for (size_t i = 0; i < got; i++) {
			if (list[i].proof == PROOF_FOREIGN)
				continue;
			ad->rows++;
			ad->orphans += !list[i].approved;
			(ad->c->json ? json_orphan : print_orphan)(ad, &list[i]);
		}
		after = list[got - 1].id;
		arena_reset(a);
	}
}

enum part { PART_ADOPTIONS, PART_ORPHANS };

static bool
list_target(struct adopting *ad, enum part part, struct err *e)
{
	struct ledger *l = NULL;
	bool ok = true;

	if (!ledger_open(sync_target_path(ad->c->conf, ad->target->name, ad->arena),
		    &ad->c->env.store, true, &l, e)) {
		ok = strcmp(e->code, "no-state") == 0;
		err_clear(e);
		return ok;
	}
	if (part == PART_ORPHANS)
		list_orphans(ad, l);
	else
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
	for (int part = PART_ADOPTIONS; part <= PART_ORPHANS; part++) {
		jsonw_arr(&w, part == PART_ADOPTIONS ? "adoptions" : "orphans");
		for (size_t i = 0; i < c->conf->target_count; i++) {
			ad.target = &c->conf->targets[i];
			if (!list_target(&ad, (enum part)part, &e))
				return cli_error(c, &e, 2);
		}
		jsonw_end(&w);
	}
	jsonw_end(&w);
	if (c->json)
		puts(buf_cstr(&out));
	else if (!ad.rows)
		puts("Nothing waits to be adopted.");
	if (!c->json && ad.waiting)
		printf("%lld wait, %lld of them ambiguous. `lockstep adopt WHO [KEY]` takes one "
		       "over, `lockstep adopt --all-exact` all but the ambiguous ones.\n",
			(long long)ad.waiting, (long long)ad.ambiguous);
	if (!c->json && ad.orphans)
		printf("%lld orphans. `lockstep adopt --orphans` takes over those of which the "
		       "directory has a trace: the next sync then does with them what is done with "
		       "leavers.\n",
			(long long)ad.orphans);
	return 0;
}

/* --- consent --- */

struct consent {
	const char *who, *key; /* who NULL: all that is exact, or */
	bool orphans;          /* all orphans with a trace */
	int64_t count, left;
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

/* One that is to be created, else an orphan. */
static bool
consent_one(
	struct cli *c, struct ledger *l, const struct consent *k, struct arena *a, struct err *e)
{
	struct err orphan = { 0 };

	if (adopt_one(l, k->who, object_of(c, l, k->who, a), k->key, e))
		return true;
	if (strcmp(e->code, "nothing-to-adopt") != 0)
		return false;
	if (!adopt_orphan(l, k->who, &orphan)) {
		if (strcmp(orphan.code, "nothing-to-adopt") != 0)
			*e = orphan;
		return false;
	}
	err_clear(e);
	return true;
}

static bool
consent_in(struct cli *c, const struct conf_target *t, struct consent *k, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	const char *path = sync_target_path(c->conf, t->name, a);
	CLEAN_FD int lock = -1;
	struct ledger *l = NULL;
	int64_t count = 1, left = 0;
	bool ok;

	if (!sync_lock(path, &lock, e) || !ledger_open(path, &c->env.store, false, &l, e))
		return false;
	ok = ledger_begin(l, e) &&
	     (k->who              ? consent_one(c, l, k, a, e)
		     : k->orphans ? adopt_orphans(l, &count, &left, e)
				  : adopt_all_exact(l, &count, e)) &&
	     ledger_commit(l, e);
	if (!ok)
		ledger_rollback(l);
	ledger_close(&l);
	k->count += ok ? count : 0;
	k->left += left;
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
		puts(k->orphans ? "No orphan of which the directory has a trace."
				: "Nothing exact waits to be adopted.");
	if (!c->json && k->left)
		printf("%lld without any trace are left: `lockstep adopt WHO` takes over one.\n",
			(long long)k->left);
	return 0;
}

int
cmd_adopt(struct cli *c, int argc, char **argv)
{
	struct consent k = { 0 };

	if (argc == 1 || (argc == 2 && strcmp(argv[1], "--list") == 0))
		return list_all(c);
	k.orphans = argc == 2 && strcmp(argv[1], "--orphans") == 0;
	if (k.orphans || (argc == 2 && strcmp(argv[1], "--all-exact") == 0))
		return consent_all(c, &k);
	if (argc > 3 || argv[1][0] == '-')
		return cli_usage(command_named("adopt"),
			"adopt takes --list, --all-exact, --orphans, or WHO and the key of one "
			"candidate");
	k.who = argv[1];
	k.key = argc == 3 ? argv[2] : NULL;
	return consent_all(c, &k);
}
