/* What a play finds: results, and the ledger as text. */
#include <stdlib.h>
#include <string.h>
#include "play.h"

/* --- the ledger as text --- */

/* Of a list our elements are there; others may have put more. */
static bool
same_values(const struct attr *a, const struct w_attr *b)
{
	size_t found = 0;

	for (size_t i = 0; b && i < b->count; i++)
		found += attr_has(a, str_c(b->values[i]));
	return found == a->count && (shadow_is_list(a->name) || (b && b->count == found));
}

static void
compare_object(struct play *p, const struct object *ob, struct buf *out)
{
	struct t_object *t = target_find_key(p->world, ob->key);

	if (ob->state != OBJECT_LINKED && ob->state != OBJECT_LEFT)
		return;
	if (!t || !t->external || strcmp(t->external, ob->anchor) != 0) {
		buf_addf(out, "\nMISMATCH %s: the target has no such object", ob->anchor);
		return;
	}
	for (size_t i = 0; i < ob->sent.count; i++)
		if (!p->world->normalize && !shadow_is_unknown(&ob->sent.list[i]) &&
			!same_values(
				&ob->sent.list[i], w_attr_find(t->attrs, ob->sent.list[i].name)))
			buf_addf(out, "\nMISMATCH %s: %s differs", ob->anchor,
				ob->sent.list[i].name);
}

static size_t
dump_refs(struct play *p, struct ledger *l, const struct object *ob, struct buf *out)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct t_object *t = target_find_key(p->world, ob->key);
	struct ref list[64], last;
	const struct ref *after = NULL;
	size_t got, all = 0, there = 0;

	while ((got = ledger_refs(l, ob->o, false, after, list, ARRAY_LEN(list)))) {
		for (size_t i = 0; i < got; i++) {
			const char *name = ob->kind->refs[list[i].attribute].attribute;
			struct object other;
			struct err e;
			bool found = false;

			all++;
			if (!ledger_object(l, list[i].other, a, &other, &e))
				continue;
			for (struct t_ref *r = t ? t->refs : NULL; r && other.key; r = r->next)
				found |= strcmp(r->attribute, name) == 0 &&
					 strcmp(r->key, other.key) == 0;
			there += found;
			if (!found)
				buf_addf(out, "\nMISMATCH %s: %s %s is not there", ob->anchor, name,
					other.anchor);
		}
		last = list[got - 1];
		after = &last;
		arena_reset(a);
	}
	(void)there;
	return all;
}

int
line_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *
dump_one(struct play *p, struct ledger *l, const struct object *ob)
{
	CLEAN_BUF struct buf b = { 0 };

	/* What was sent is compared with what is there, not from one play to another: after a lost answer to
	 * what is refused for ever it is rightly not known. */
	buf_addf(&b, "%s %s %s %s%s", ob->kind->name, ob->anchor, object_state_name(ob->state),
		ob->name ? ob->name : "", ob->wanted ? "" : " unwanted");
	compare_object(p, ob, &b);
	buf_addf(&b, " refs=%zu", dump_refs(p, l, ob, &b));
	return xstrdup(buf_cstr(&b));
}

bool
play_ledger(struct play *p, struct buf *out)
{
	CLEAN_FREE char *path = xasprintf("%s/state/target-hosted.db", p->dir);
	struct store_env env = { .clock = &p->clock, .sync_off = true };
	CLEAN_ARENA struct arena *a = arena_new();
	int64_t os[64], ns[64], after = 0;
	char **lines = NULL;
	size_t got, count = 0, cap = 0;
	struct ledger *l;
	struct err e;
	struct op op;

	if (!ledger_open(path, &env, true, &l, &e))
		return play_fail(p, "%s", e.text);
	if (ledger_ops_open(l, 0, a, &op, 1))
		buf_adds(out, "an operation is still open\n");
	while ((got = ledger_objects(l, "corp", after, os, ns, ARRAY_LEN(os)))) {
		for (size_t i = 0; i < got; i++) {
			struct object ob;

			if (!ledger_object(l, os[i], a, &ob, &e)) {
				ledger_close(&l);
				return play_fail(p, "%s", e.text);
			}
			if (ob.state == OBJECT_NEW)
				continue; /* not there yet: when it was first wanted is no matter */
			if (count == cap)
				lines = xrealloc(
					lines, (cap = cap ? cap * 2 : 64) * sizeof(*lines));
			lines[count++] = dump_one(p, l, &ob);
		}
		after = os[got - 1];
		arena_reset(a);
	}
	ledger_close(&l);
	if (count)
		qsort(lines, count, sizeof(*lines), line_order);
	for (size_t i = 0; i < count; i++) {
		buf_addf(out, "%s\n", lines[i]);
		free(lines[i]);
	}
	free(lines);
	return true;
}

/* --- results --- */

bool
step_has(const struct step *st, const char *word)
{
	const char *p = st->head;
	size_t n = strlen(word);

	while (*p) {
		size_t len = strcspn(p, " \t");

		if (len == n && strncmp(p, word, n) == 0)
			return true;
		p += len;
		p += strspn(p, " \t");
	}
	return false;
}

bool
play_keep(struct play *p)
{
	CLEAN_FREE char *path = xasprintf("%s/state/target-hosted.db", p->dir);
	struct store_env env = { .clock = &p->clock, .sync_off = true };
	struct ledger *l;
	struct err e;
	bool ok;

	if (!ledger_open(path, &env, false, &l, &e))
		return play_fail(p, "%s", e.text);
	ok = ledger_begin(l, &e) && ledger_plan_keep(l, KEPT_PLAN, world_now(p->world), &e) &&
	     ledger_commit(l, &e);
	ledger_close(&l);
	return ok || play_fail(p, "%s", e.text);
}

struct sync_options
play_options(const struct play *p, const struct step *st)
{
	return (struct sync_options){ .full = p->all_full || step_has(st, "full"),
		.plan_only = step_has(st, "plan"),
		.offline = step_has(st, "offline"),
		.insist = step_has(st, "retry"),
		.apply = step_has(st, "apply") ? KEPT_PLAN : NULL,
		.release = step_has(st, "release"),
		.undo = step_has(st, "undo") ? p->marked : 0,
		.undo_target = "hosted" };
}

bool
play_check_always(struct play *p)
{
	struct land *w = p->world;

	if (w->trouble[0])
		return play_fail(p, "protocol: %s", w->trouble);
	if (w->doubles)
		return play_fail(p, "two objects bore one externalId");
	if (w->members_over)
		return play_fail(p, "more members in one operation than the target takes");
	return true;
}

/* What stands after NAME: "=3", "<=3", ">=3". NULL when it is not among the words. */
static const char *
relation_of(const struct row *r, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 1; i < r->count; i++)
		if (strncmp(r->words[i], name, n) == 0 && strchr("<>=", r->words[i][n]) &&
			r->words[i][n])
			return r->words[i] + n;
	return NULL;
}

static bool
check_count(
	struct play *p, const struct step *st, const char *name, int64_t value, const char *wanted)
{
	char relation = *wanted;
	int64_t n = strtoll(wanted + strspn(wanted, "<>="), NULL, 10);

	if (relation == '<' ? value <= n : relation == '>' ? value >= n : value == n)
		return true;
	return play_fail(p, "line %d: %s is %lld, expected %s", st->line, name, (long long)value,
		wanted + (relation == '='));
}

bool
play_check_run(struct play *p, const struct step *st, const struct sync_result *r)
{
	const struct {
		const char *name;
		int64_t value;
		bool otherwise;
	} counts[] = { { "created", r->created, true }, { "adopted", r->adopted, true },
		{ "updated", r->updated, true }, { "enabled", r->enabled, true },
		{ "disabled", r->disabled, true }, { "deleted", r->deleted, true },
		{ "recreated", r->recreated, true }, { "members_added", r->members_added, true },
		{ "members_removed", r->members_removed, true }, { "failed", r->failed, true },
		{ "held", r->held, true }, { "waiting", r->waiting, true },
		/* what only a reading of the target says, every run of the pass "full" says */
		{ "drifted", r->drifted, !p->all_full }, { "missing", r->missing, !p->all_full },
		{ "orphans", r->orphans, !p->all_full }, { "exit", r->exit, true },
		{ "unchanged", r->unchanged, false }, { "read", r->read, false },
		{ "lag", r->lag.count, false }, { "lag_max", r->lag.max_ms, false },
		{ "canary",
			r->canary.changed_at ? r->canary.confirmed_at - r->canary.changed_at : -1,
			false },
		{ "behind", r->as_of ? world_now(p->world) - r->as_of : -1, false },
		{ "due", r->next_wake ? r->next_wake - world_now(p->world) : 0, false },
		{ "calls", p->world->calls - p->calls_before, false },
		{ "writes", p->world->writes - p->writes_before, false },
		{ "reads", p->world->reads - p->reads_before, false },
		{ "events", p->events, false }, { "notes", (int64_t)p->notes, true } };
	CLEAN_ARENA struct arena *a = arena_new();
	bool ok = true;
	struct err e = { 0 };
	struct row row;
	CLEAN_FREE char *text = xasprintf("run %s", st->head);
	const char *code;

	if (!row_split(text, a, &row, &e))
		return play_fail(p, "line %d: %s", st->line, e.text);
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		const char *wanted = relation_of(&row, counts[i].name);

		if (p->all_full && !counts[i].otherwise)
			continue;
		if (wanted || counts[i].otherwise)
			ok &= check_count(
				p, st, counts[i].name, counts[i].value, wanted ? wanted : "=0");
	}
	code = row_value(&row, "code");
	if (code && strcmp(r->error.code, code) != 0)
		ok = play_fail(
			p, "line %d: the error is %s, expected %s", st->line, r->error.code, code);
	if (row_value(&row, "kind") && !p->all_full &&
		strcmp(r->kind, row_value(&row, "kind")) != 0)
		ok = play_fail(p, "line %d: a %s run", st->line, r->kind);
	if (!ok && r->error.kind != ERR_NONE)
		play_fail(p, "(%s: %s)", r->error.code, r->error.text);
	return ok;
}
