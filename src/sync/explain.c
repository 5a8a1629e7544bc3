/*
 * Everything about one entry (N5): the same pure functions as a run's, over the same state, read only.
 */
#include "run_p.h"

#include <stdlib.h>
#include <string.h>

#define PATHS_MAX   16
#define DEPTH_MAX   32
#define CHANGES_MAX 200

struct explaining {
	const struct conf *conf;
	const struct conf_sync *sync;
	struct mirror *mirror;
	struct ledger *ledger;
	struct rules *rules;
	struct world world;
	struct arena *arena;
};

static void
close_all(struct explaining *x)
{
	rules_free(&x->rules);
	mirror_close(&x->mirror);
	ledger_close(&x->ledger);
}

static bool
open_all(struct explaining *x, const struct sync_env *env, struct err *e)
{
	struct source_run s = { 0 };
	struct run r = { .env = env };
	struct schema_rows *rows = arena_alloc(x->arena, sizeof(*rows));
	struct rules_schema schema = schema_of(rows);
	char *fact = arena_printf(x->arena, "schema.%s", x->sync->from);
	const char *text;

	if (!mirror_open(sync_source_path(x->conf, x->sync->from, x->arena), &env->store, true,
		    &x->mirror, e) ||
		!ledger_open(sync_target_path(x->conf, x->sync->to, x->arena), &env->store, true,
			&x->ledger, e)) {
		if (strcmp(e->code, "no-state") == 0)
			err_set(e, ERR_CONFIG, "never-read",
				"nothing has been read for sync %s yet: run `lockstep plan` first",
				x->sync->name);
		return false;
	}
	text = ledger_get(x->ledger, fact, x->arena);
	if (!text || !schema_parse(text, x->arena, rows))
		return err_set(e, ERR_CONFIG, "never-read",
			"source %s has not been read yet: run `lockstep plan` first",
			x->sync->from);
	if (!rules_compile(x->conf, x->sync, &schema, &x->rules, e))
		return false;
	s.mirror = x->mirror;
	world_of(&r, &s, &x->world);
	rules_resolve(x->rules, &x->world);
	return true;
}

/* --- group paths: upwards from the entry to each scope group --- */

struct climb {
	struct explaining *x;
	const char **paths;
	size_t count;
	int64_t way[DEPTH_MAX];
};

static void
note_path(struct climb *c, int depth)
{
	CLEAN_BUF struct buf text = { 0 };

	for (int i = 1; i <= depth; i++)
		buf_addf(&text, "%s%s", i > 1 ? " > " : "",
			mirror_dn(c->x->mirror, c->way[i], c->x->arena));
	c->paths[c->count++] = arena_strdup(c->x->arena, buf_cstr(&text));
}

static bool
is_scope_group(const struct explaining *x, int64_t n)
{
	const int64_t *groups;
	size_t count = rules_scope_groups(x->rules, &groups);

	for (size_t i = 0; i < count; i++)
		if (groups[i] == n)
			return true;
	return false;
}

static void
climb(struct climb *c, int depth)
{
	int64_t *up;
	size_t count;

	if (depth && is_scope_group(c->x, c->way[depth]))
		note_path(c, depth);
	if (depth + 1 >= DEPTH_MAX)
		return;
	count = mirror_links_of(c->x->mirror, c->way[depth], "memberOf", true, 0, c->x->arena, &up);
	for (size_t i = 0; i < count && c->count < PATHS_MAX; i++) {
		bool loop = false;

		for (int j = 0; j <= depth; j++)
			loop |= c->way[j] == up[i];
		if (loop)
			continue;
		c->way[depth + 1] = up[i];
		climb(c, depth + 1);
	}
}

/* --- values --- */

static const char *
join_values(const struct attr *at, struct arena *a)
{
	CLEAN_BUF struct buf text = { 0 };

	if (!at || !at->count || shadow_is_unknown(at))
		return NULL;
	for (size_t i = 0; i < at->count; i++) {
		if (i)
			buf_adds(&text, ", ");
		text_escape(at->values[i].p, at->values[i].n, 0, &text);
	}
	return arena_strdup(a, buf_cstr(&text));
}

static void
explain_values(struct explaining *x, struct explain *ex, const struct mapped *m)
{
	struct arena *a = x->arena;

	ex->values =
		arena_alloc(a, (m->step_count + ex->object.sent.count + 1) * sizeof(*ex->values));
	for (size_t i = 0; i < m->step_count; i++) {
		const struct map_step *s = &m->steps[i];

		ex->values[ex->value_count++] = (struct explain_value){
			.name = s->name,
			.wanted = join_values(attrs_get(&m->wanted, s->name), a),
			.sent = join_values(attrs_get(&ex->object.sent, s->name), a),
			.seen = join_values(attrs_get(&ex->object.seen, s->name), a),
			.expr = s->expr,
			.rule = s->is_default ? "default map" : arena_printf(a, "line %d", s->line),
			.error = s->error,
		};
	}
	for (size_t i = 0; i < ex->object.sent.count; i++) {
		const struct attr *at = &ex->object.sent.list[i];
		bool named = false;

		for (size_t j = 0; j < m->step_count; j++)
			named |= strcasecmp(m->steps[j].name, at->name) == 0;
		if (!named)
			ex->values[ex->value_count++] = (struct explain_value){ .name = at->name,
				.sent = join_values(at, a),
				.seen = join_values(attrs_get(&ex->object.seen, at->name), a) };
	}
}

/* Of who is out of scope: the directory says that the account is off (I5). */
static bool
is_off(struct explaining *x, const struct explain *ex, const struct kind *k)
{
	struct mapped m;
	struct err any;

	if (ex->verdict.in || !k->active_attribute || entry_kind(&ex->entry) != k ||
		!entry_present(&ex->entry))
		return false;
	(void)rules_map(x->rules, &x->world, &ex->entry, k, x->arena, &m, &any);
	return str_eqc(attrs_first(&m.wanted, k->active_attribute), "false");
}

/* What would be sent now: decided anew, as the next run would. */
static void
explain_decision(
	struct explaining *x, struct explain *ex, const struct kind *k, const struct mapped *m)
{
	const struct conf_kind *ck = &x->sync->kind[k - kinds];
	struct decide_input in = { .kind = k,
		.object = ex->has_object ? &ex->object : NULL,
		.wanted = ex->verdict.in,
		.mapped = m,
		.leave = ck->leave,
		.grace = ck->grace,
		.now = x->world.now };
	struct decision *d = arena_alloc(x->arena, sizeof(*d));

	if (ex->problem && ex->has_object && ex->object.state == OBJECT_LINKED) {
		plan_disable(k, &ex->object, m, x->arena, d);
	} else if (!ex->pinned && !ex->problem) { /* else it is left alone */
		in.seen_off = is_off(x, ex, k);
		plan_decide(&in, x->arena, d);
	}
	ex->ops = d->ops;
	ex->op_count = d->op_count;
}

static bool
explain_object(struct explaining *x, struct explain *ex, struct err *e)
{
	struct arena *a = x->arena;
	struct pin pin;
	int64_t o = ex->entry.id ? ledger_find(x->ledger, ex->entry.id) : 0;

	if (!o)
		return true;
	ex->has_object = true;
	ex->changes = arena_alloc(a, CHANGES_MAX * sizeof(*ex->changes));
	if (!ledger_object(x->ledger, o, a, &ex->object, e))
		return false;
	ex->change_count = ledger_changes(x->ledger, 0, o, 0, a, ex->changes, CHANGES_MAX);
	ex->pinned = ledger_pin(x->ledger, o, a, &pin) ? pin.run : 0;
	ex->has_attempt = ledger_attempt(x->ledger, o, a, &ex->attempt);
	return true;
}

static bool
explain_entry(struct explaining *x, int64_t n, struct explain *ex, struct err *e)
{
	struct mapped m = { .wake = INT64_MAX };
	const struct kind *k;
	struct climb c = { .x = x };

	if (!mirror_get(x->mirror, n, x->arena, &ex->entry, e))
		return false;
	ex->found = true;
	ex->dn = mirror_dn(x->mirror, n, x->arena);
	ex->bad_note = mirror_bad_note(x->mirror, n, x->arena);
	c.paths = ex->group_paths = arena_alloc(x->arena, PATHS_MAX * sizeof(*ex->group_paths));
	c.way[0] = n;
	climb(&c, 0);
	ex->group_path_count = c.count;
	if (!explain_object(x, ex, e))
		return false;
	k = entry_kind(&ex->entry);
	if (!k && ex->has_object)
		k = ex->object.kind;
	if (!k) {
		ex->verdict.why = "it is neither a user nor a group";
		return true;
	}
	if (!entry_present(&ex->entry))
		ex->verdict.why = "it was deleted in the directory";
	else if (!rules_scope(x->rules, &x->world, &ex->entry, x->arena, &ex->verdict, e))
		return false;
	if (ex->verdict.in && !rules_map(x->rules, &x->world, &ex->entry, k, x->arena, &m, e)) {
		if (e->kind != ERR_OBJECT)
			return false;
		ex->problem = arena_strdup(x->arena, e->text);
		err_clear(e);
	}
	explain_values(x, ex, &m);
	explain_decision(x, ex, k, &m);
	return true;
}

/* By any name in the directory; who is not there any more, by what we made of him. */
static int64_t
find_entry(const struct explaining *x, const char *who)
{
	int64_t n = sync_entry_find(x->mirror, who), o = n ? 0 : ledger_find(x->ledger, who);
	struct object_brief b;

	if (!n && !o)
		o = ledger_find_name(x->ledger, who);
	if (o && ledger_brief(x->ledger, o, &b) && b.n > 0)
		n = b.n;
	return n;
}

bool
sync_explain(const struct conf *c, const struct sync_env *env, const char *who, struct arena *a,
	struct explain **list_r, size_t *count_r, struct err *e)
{
	*list_r = arena_alloc(a, (c->sync_count + 1) * sizeof(**list_r));
	*count_r = 0;
	for (size_t i = 0; i < c->sync_count; i++) {
		struct explaining x = { .conf = c, .sync = &c->syncs[i], .arena = a };
		struct explain *ex = &(*list_r)[*count_r];
		bool ok = open_all(&x, env, e);
		int64_t n = ok ? find_entry(&x, who) : 0;

		ex->source = x.sync->from;
		ex->sync = x.sync->name;
		ex->target = x.sync->to;
		if (ok && n)
			ok = explain_entry(&x, n, ex, e);
		close_all(&x);
		if (!ok)
			return false;
		++*count_r;
	}
	return true;
}
