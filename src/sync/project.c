/*
 * Dirty list -> operations, one object at a time: scope, map, decide. Only here do rules and ledger
 * meet, and each step is a pure function of one object.
 */
#include "run_p.h"

#include <string.h>

#define PAGE 256

struct projecting {
	struct target_run *t;
	struct source_run *s;
	const char *source;
	struct arena *arena; /* one object's */
	struct err *e;
};

/* What the rules say about one entry. */
struct judged {
	const struct kind *kind;
	const struct lane
		*lane; /* whose scope it is in; the object's own lane when it is in none */
	bool in;
	struct mapped mapped;
	int64_t wake;
	bool pinned;   /* what stands here is what an undo holds (9.3) */
	bool unpinned; /* it did until now */
	enum leave leave;
};

/* First lane in file order whose scope the entry is in (2.4). */
static bool
judge(struct projecting *p, const struct entry *en, struct judged *j_r)
{
	struct verdict v;
	bool ok;

	j_r->kind = entry_present(en) ? entry_kind(en) : NULL;
	if (!j_r->kind)
		return true;
	for (size_t i = 0; i < p->t->lane_count; i++) {
		struct lane *lane = &p->t->lanes[i];

		if (lane->source != p->s)
			continue;
		ok = rules_scope(lane->rules, &lane->world, en, p->arena, &v, p->e);
		if (v.wake < j_r->wake)
			j_r->wake = v.wake;
		if (!ok)
			return false;
		if (!v.in)
			continue;
		j_r->in = true;
		j_r->lane = lane;
		ok = rules_map(
			lane->rules, &lane->world, en, j_r->kind, p->arena, &j_r->mapped, p->e);
		if (j_r->mapped.wake < j_r->wake)
			j_r->wake = j_r->mapped.wake;
		return ok;
	}
	return true;
}

/* Before the guard counts: what needs a person's consent by itself. lane NULL: of a sync that is gone. */
static enum op_hold
held_by(const struct op *op, const struct kind *kind, const struct lane *lane,
	const struct entry *en, bool protected)
{
	bool leaves = op->class == CLASS_DISABLE || op->class == CLASS_DELETE;

	if ((leaves || op->class == CLASS_SEEN_DISABLE) && protected)
		return HOLD_PROTECTED;
	if (op->class == CLASS_RECREATE && kind == &kinds[KIND_USER])
		return HOLD_APPROVAL; /* 6.4 */
	/* Not found by the first read of a mirror made anew: that alone is no proof (I1). */
	if (leaves && ledger_n_is_lost(en->n))
		return HOLD_APPROVAL;
	/* A group that cannot be found is not an empty one (I1 in spirit). */
	if (lane && entry_present(en) &&
		((leaves && rules_scope_lost(lane->rules, false)) ||
			(op->class == CLASS_CREATE && rules_scope_lost(lane->rules, true))))
		return HOLD_SCOPE;
	return HOLD_NONE;
}

static bool
put_ops(struct projecting *p, struct decision *d, int64_t o, const struct kind *kind,
	const struct lane *lane, const struct entry *en, const struct protect *pr)
{
	struct ledger *l = p->t->ledger;
	bool holding = false;

	for (size_t i = 0; i < d->op_count; i++) {
		struct op *op = &d->ops[i];
		int64_t id;

		op->o = o;
		op->held = held_by(op, kind, lane, en, pr->held);
		holding |= op->held == HOLD_PROTECTED;
		if (!ledger_op_add(l, op, &id, p->e))
			return false;
	}
	return !o || d->forget || protect_note(p->t, o, pr, holding, p->e);
}

/* The object row beside the operations: added, dropped, or brought to its new state. */
static bool
put_object(struct projecting *p, const struct entry *en, const struct judged *j, struct object *ob,
	const struct decision *d, int64_t *o_r)
{
	struct ledger *l = p->t->ledger;
	bool changed = false;

	*o_r = ob->o;
	if (d->forget)
		return ledger_object_drop(l, ob->o, p->e);
	if (d->add) {
		*ob = (struct object){ .anchor = en->id,
			.kind = j->kind,
			.state = OBJECT_NEW,
			.name = j->mapped.name,
			.sync = j->lane->conf->name,
			.source = p->source,
			.n = en->n,
			.wanted = true };
		return ledger_object_add(l, ob, o_r, p->e);
	}
	if (!ob->o)
		return true;
	if (ob->wanted != j->in || ob->state != d->state || ob->n != en->n ||
		strcmp(ob->source, p->source) != 0)
		changed = true;
	if (j->in && (strcmp(ob->sync, j->lane->conf->name) != 0 || ob->state == OBJECT_NEW ||
			     ob->state == OBJECT_DELETED))
		changed = true;
	if (!changed)
		return true;
	ob->wanted = j->in;
	ob->source = p->source;
	ob->n = en->n;
	if (j->in) {
		ob->sync = j->lane->conf->name;
		if (ob->state == OBJECT_NEW || ob->state == OBJECT_DELETED)
			ob->name = j->mapped.name;
	}
	if (ob->state == OBJECT_LINKED && d->state == OBJECT_LEFT && !ob->left_at)
		ob->left_at = target_now(p->t);
	if (d->state == OBJECT_LINKED)
		ob->left_at = 0;
	ob->state = d->state;
	return ledger_object_save(l, ob, p->e);
}

/* Of who is out of scope: does the directory say that the account is off, or when it will be? (I5) */
static bool
is_seen_off(struct projecting *p, const struct entry *en, struct judged *j, const struct object *ob,
	const struct lane *lane)
{
	const char *active = ob->o ? ob->kind->active_attribute : NULL;
	struct mapped m;
	struct err any;

	if (j->in || j->pinned || !active || j->kind != ob->kind || !lane || lane->source != p->s)
		return false;
	(void)rules_map(lane->rules, &lane->world, en, ob->kind, p->arena, &m, &any);
	if (m.wake < j->wake)
		j->wake = m.wake;
	return str_eqc(attrs_first(&m.wanted, active), "false");
}

static bool
decide(struct projecting *p, const struct entry *en, struct judged *j, struct object *ob,
	unsigned why)
{
	struct decide_input in = { .kind = ob->o ? ob->kind : j->kind,
		.object = ob->o ? ob : NULL,
		.wanted = j->in,
		.mapped = &j->mapped,
		.now = target_now(p->t) };
	const struct lane *lane = j->in ? j->lane : ob->o ? lane_of(p->t, ob->sync) : NULL;
	struct ledger *l = p->t->ledger;
	struct decision d;
	bool was_in = ob->o && ob->wanted && ob->state == OBJECT_LINKED &&
		      strcmp(ob->source, p->source) == 0;
	bool all = why & DIRTY_CONFIG, pin = j->unpinned || (why & DIRTY_PIN);
	const struct conf_kind *ck;
	struct protect pr;
	int64_t o;

	if (!in.kind)
		return ledger_dirty_done(l, p->source, en->n, p->e);
	ck = &(lane ? lane->conf : conf_of(p->t, ob->sync))->kind[in.kind - kinds];
	in.leave = j->pinned ? j->leave : ck->leave;
	in.grace = ck->grace;
	in.seen_off = is_seen_off(p, en, j, ob, lane);
	protect_judge(p->t, lane, en, ob->o, p->arena, &pr);
	plan_decide(&in, p->arena, &d);
	if (d.wake < j->wake)
		j->wake = d.wake;
	if (!put_object(p, en, j, ob, &d, &o) || !put_ops(p, &d, o, in.kind, lane, en, &pr) ||
		!ledger_wake_set(l, p->source, en->n, j->wake, p->e))
		return false;
	/* When everything is looked at, the owners' own turn brings the links that point here. */
	if (j->in && (!was_in || pin || all) &&
		!links_dirty_of(p->t, p->s, en->n, in.kind, pin || !all, p->arena, p->e))
		return false;
	/* Links that went while it was away, or the mirror was, were nobody's operation then. */
	if (o && !d.add && !d.forget && (pin || all || (j->in ? !was_in : d.leaves)) &&
		!links_dirty_refs(p->t, p->s, o, p->e))
		return false;
	if (!d.op_count)
		return ledger_dirty_done(l, p->source, en->n, p->e);
	return true;
}

/* A problem elsewhere does not hold up a disable (I5): whatever else is wrong, what says that the account is
 * off, or when it will be, is heard. */
static bool
disable_anyway(struct projecting *p, const struct entry *en, const struct judged *j,
	const struct object *ob, bool *any_r)
{
	const struct lane *lane =
		ob->o && ob->state == OBJECT_LINKED ? lane_of(p->t, ob->sync) : NULL;
	struct decision d;
	struct protect pr;
	struct mapped m;
	struct err not_now;

	*any_r = false;
	if (!lane || lane->source != p->s || j->kind != ob->kind)
		return ledger_wake_set(p->t->ledger, p->source, en->n, j->wake, p->e);
	(void)rules_map(lane->rules, &lane->world, en, ob->kind, p->arena, &m, &not_now);
	plan_disable(ob->kind, ob, &m, p->arena, &d);
	*any_r = d.op_count > 0;
	protect_judge(p->t, lane, en, ob->o, p->arena, &pr);
	return ledger_wake_set(
		       p->t->ledger, p->source, en->n, m.wake < j->wake ? m.wake : j->wake, p->e) &&
	       put_ops(p, &d, ob->o, ob->kind, lane, en, &pr);
}

/* An entry that cannot be what the rules want: the problem is named and stands until it is gone; the
 * object counts as present and is left alone. */
static bool
note_problem(struct projecting *p, const struct entry *en, const struct judged *j,
	const struct object *ob)
{
	struct problem pr = { .source = p->source,
		.id = en->id ? en->id : "",
		.code = p->e->code,
		.text = p->e->text,
		.n = en->n,
		.since = target_now(p->t) };
	struct err own = *p->e;
	bool planned;

	pr.code = own.code;
	pr.text = own.text;
	run_event(p->t->run, "object-problem", pr.id, "%s: %s", own.code, own.text);
	err_clear(p->e);
	return ledger_problem_set(p->t->ledger, &pr, p->e) &&
	       disable_anyway(p, en, j, ob, &planned) &&
	       (planned || ledger_dirty_done(p->t->ledger, p->source, en->n, p->e));
}

/* Another source that is still configured brings this object: it is not this one's to change. */
static bool
is_others(const struct projecting *p, const struct object *ob)
{
	if (!ob->o || strcmp(ob->source, p->source) == 0)
		return false;
	for (size_t i = 0; i < p->t->lane_count; i++)
		if (strcmp(p->t->lanes[i].source->conf->name, ob->source) == 0)
			return true;
	return false;
}

/* What forbids that the entry, in scope, is this object. */
static bool
identity_check(struct projecting *p, const struct entry *en, const struct judged *j,
	const struct object *ob)
{
	if (!en->id)
		return err_set(p->e, ERR_OBJECT, "no-identity", "the entry has no immutable id");
	if (is_others(p, ob))
		return err_set(p->e, ERR_OBJECT, "two-sources",
			"%s comes from source %s already; let only one of the two have it in scope",
			ob->name, ob->source);
	if (ob->o && ob->kind != j->kind)
		return err_set(p->e, ERR_OBJECT, "kind-changed", "%s was a %s and is now a %s",
			ob->name, ob->kind->name, j->kind->name);
	return true;
}

/* What is wanted, as far as a pin looks at it: references have pins of their own. Of who is out of scope it matters
 * whether he is still there, and enabled: such news end a pin (I5). */
static void
wants_digest(struct projecting *p, const struct entry *en, const struct object *ob,
	struct judged *j, char out[65])
{
	const struct lane *lane = lane_of(p->t, ob->sync);
	CLEAN_BUF struct buf text = { 0 };
	struct mapped m = { .wake = INT64_MAX };
	struct err any;

	if (j->in) {
		buf_addf(&text, "%s ", j->kind->name);
		attrs_pack_spelled(&j->mapped.wanted, &text);
	} else if (j->kind == ob->kind && ob->kind->active_attribute && lane &&
		   lane->source == p->s) {
		struct str active;

		(void)rules_map(lane->rules, &lane->world, en, ob->kind, p->arena, &m, &any);
		if (m.wake < j->wake)
			j->wake = m.wake;
		active = attrs_first(&m.wanted, ob->kind->active_attribute);
		buf_addf(&text, "out, %.*s", (int)active.n, active.n ? active.p : "");
	} else {
		buf_adds(&text, j->kind ? "out" : "gone");
	}
	sha256_hex(text.p, text.n, out);
}

/* An undo holds the object as it was, until what is wanted for it changes (9.3). */
static bool
take_pin(struct projecting *p, const struct entry *en, const struct object *ob, struct judged *j)
{
	struct pin pin;
	char wants[65];

	if (!ob->o || !ledger_pin(p->t->ledger, ob->o, p->arena, &pin))
		return true;
	wants_digest(p, en, ob, j, wants);
	if (strcmp(wants, pin.wants) != 0) {
		run_event(p->t->run, "unpinned", ob->name,
			"what is wanted for it has changed since run %lld was undone",
			(long long)pin.run);
		j->unpinned = true;
		return ledger_pin_drop(p->t->ledger, ob->o, p->e);
	}
	j->pinned = true;
	j->kind = ob->kind;
	j->lane = lane_of(p->t, ob->sync);
	if (!j->lane)
		j->lane = &p->t->lanes[0];
	j->in = pin.form == PIN_VALUES;
	j->leave = pin.form == PIN_GONE ? LEAVE_DELETE : LEAVE_DISABLE;
	if (j->in) {
		struct str name = attrs_first(&pin.attrs, ob->kind->name_attribute);

		j->mapped = (struct mapped){ .wanted = pin.attrs,
			.wake = INT64_MAX,
			.name = arena_strndup(p->arena, name.p, name.n) };
	}
	return true;
}

bool
project_wants(struct target_run *t, struct source_run *s, const struct object *ob, struct arena *a,
	char out[65], bool *in_r, struct err *e)
{
	struct projecting p = { .t = t, .s = s, .source = s->conf->name, .arena = a, .e = e };
	struct judged j = { .wake = INT64_MAX };
	struct entry en;

	if (!mirror_get(s->mirror, ob->n, a, &en, e)) {
		if (e->kind != ERR_OBJECT)
			return false;
		err_clear(e);
		en = (struct entry){ .n = ob->n, .presence = PRESENCE_GONE };
	}
	if (!judge(&p, &en, &j))
		return false;
	wants_digest(&p, &en, ob, &j, out);
	*in_r = j.in;
	return true;
}

static bool
project_one(struct projecting *p, const struct dirty *row)
{
	struct ledger *l = p->t->ledger;
	struct entry en;
	struct judged j = { .wake = INT64_MAX };
	struct object ob = { 0 };
	struct problem none = { .source = p->source, .n = row->n };
	int64_t o;

	if (!mirror_get(p->s->mirror, row->n, p->arena, &en, p->e)) {
		if (p->e->kind != ERR_OBJECT)
			return false;
		err_clear(p->e);
		en = (struct entry){
			.n = row->n, .presence = PRESENCE_GONE, .attrs = attrs_new(p->arena)
		};
	}
	o = en.id ? ledger_find(l, en.id) : 0;
	if (!en.id)
		o = ledger_find_entry(l, p->source, row->n);
	if (o && p->t->unsettled && ledger_op_open(l, o))
		return true; /* first what became of that; the next run plans anew */
	if (o && !ledger_object(l, o, p->arena, &ob, p->e))
		return false;
	if (o && !is_others(p, &ob) && !ledger_ops_drop_object(l, o, p->e))
		return false;
	if (!judge(p, &en, &j))
		return p->e->kind == ERR_OBJECT ? note_problem(p, &en, &j, &ob) : false;
	if (j.in && !identity_check(p, &en, &j, &ob))
		return note_problem(p, &en, &j, &ob);
	if (is_others(p, &ob))
		return ledger_problem_set(l, &none, p->e) &&
		       ledger_dirty_done(l, p->source, en.n, p->e);
	return ledger_problem_set(l, &none, p->e) && take_pin(p, &en, &ob, &j) &&
	       decide(p, &en, &j, &ob, row->why);
}

static bool
project_page(struct projecting *p, const struct dirty *list, size_t count, int64_t now)
{
	struct ledger *l = p->t->ledger;
	bool ok = ledger_begin(l, p->e) && mirror_hold(p->s->mirror, p->e);

	for (size_t i = 0; ok && i < count; i++) {
		arena_reset(p->arena);
		ok = project_one(p, &list[i]);
	}
	mirror_release(p->s->mirror);
	/* What could not be read is not what is not there (I1). */
	ok = ok && mirror_ok(p->s->mirror, p->e);
	ok = ok && ledger_dirty_planned(l, p->source, now, list[0].n, list[count - 1].n, p->e) &&
	     ledger_commit(l, p->e);
	if (!ok)
		ledger_rollback(l);
	return ok;
}

static bool
project_source(struct projecting *p)
{
	struct ledger *l = p->t->ledger;
	int64_t now = target_now(p->t), after = INT64_MIN, done = 0, total = ledger_dirty_count(l);
	struct dirty list[PAGE];
	size_t got;

	while ((got = ledger_dirty(l, p->source, now, after, list, PAGE))) {
		if (run_stopped(p->t->run, p->e) || !project_page(p, list, got, now))
			return false;
		after = list[got - 1].n;
		done += (int64_t)got;
		run_progress(p->t->run, "planning", p->t->conf->name, done, total);
	}
	return true;
}

bool
project_objects(struct target_run *t, struct err *e)
{
	bool ok = true;

	for (size_t i = 0; ok && i < t->run->source_count; i++) {
		struct projecting p = { .t = t,
			.s = &t->run->sources[i],
			.source = t->run->sources[i].conf->name,
			.arena = arena_new(),
			.e = e };
		for (size_t j = 0; j < t->lane_count; j++)
			if (t->lanes[j].source == p.s) {
				ok = project_source(&p);
				break;
			}
		arena_free(p.arena);
	}
	return ok;
}
