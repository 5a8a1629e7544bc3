/*
 * References as the target has them (6.2, 6.3): members group by group, in chunks through the table listed_ref, so that
 * memory does not grow with a group. What we put there and is gone is drift in what is ours: its link is looked at
 * again, and the plan of this run puts it back. What others put there is reported and left - or, with members =
 * "exact", noted as theirs and taken away as any member is: counted by the guard, in the history, and brought back by
 * an undo.
 */
#include "listing_p.h"

#include <stdlib.h>
#include <string.h>

#define PAGE        256
#define OWNERS_MAX  64    /* asked for at once */
#define COMMIT_EACH 20000 /* references */
#define NAMES_MAX   50    /* in one report */

struct owner {
	int64_t id; /* of the question */
	struct object ob;
	int64_t came;
	bool answered, complete;
	struct err why;
};

struct reading {
	struct target_run *t;
	const struct kind *kind;
	int attribute;
	struct arena *arena, *line,
		*names; /* of a page of owners, of one line, of a page of ends */
	int64_t since_commit;
	bool only_shown; /* what was put there again: to see whether it shows */
	bool incomplete;
	int64_t owners;
};

static const char *
attribute_of(const struct reading *rd)
{
	return rd->kind->refs[rd->attribute].attribute;
}

static bool
ask(struct reading *rd, struct owner *list, size_t count, size_t *asked_r, struct err *e)
{
	*asked_r = 0;
	for (size_t i = 0; i < count; i++) {
		struct owner *ow = &list[i];
		struct wire_op w = { .type = OP_LIST_REFS,
			.kind = rd->kind->name,
			.external = ow->ob.anchor,
			.key = ow->ob.key,
			.attribute = attribute_of(rd) };

		if (ow->answered)
			continue;
		ow->came = 0;
		w.id = ow->id = ++rd->t->next_wire_id;
		++*asked_r;
		if (!ledger_listed_refs_drop(rd->t->ledger, ow->ob.o, e) ||
			!wire_op_send(rd->t->conn, &w, e))
			return false;
	}
	return true;
}

static bool
take_part(struct reading *rd, struct owner *ow, const struct wire_result *r, struct err *e)
{
	struct ledger *l = rd->t->ledger;

	for (size_t i = 0; i < r->ref_count; i++) {
		const struct kind *k = r->refs[i].kind ? kind_find(r->refs[i].kind) : NULL;

		if (!ledger_listed_ref_add(l, ow->ob.o, rd->attribute, r->refs[i].key, k, e))
			return false;
	}
	ow->came += (int64_t)r->ref_count;
	rd->since_commit += (int64_t)r->ref_count;
	if (rd->since_commit < COMMIT_EACH)
		return true;
	rd->since_commit = 0;
	return ledger_commit(l, e) && ledger_begin(l, e);
}

static void
take_result(struct owner *ow, const struct wire_result *r)
{
	ow->answered = true;
	ow->why = r->error;
	ow->complete = r->ok && (int64_t)r->ref_count == ow->came;
	if (r->ok && !ow->complete)
		err_set(&ow->why, ERR_RETRY, "counts-differ",
			"the connector says it sent %zu references, %lld arrived", r->ref_count,
			(long long)ow->came);
}

static bool
listen(struct reading *rd, struct owner *list, size_t count, size_t asked, struct err *e)
{
	for (size_t answers = 0; answers < asked;) {
		struct wire_result r;
		size_t i = 0;

		arena_reset(rd->line);
		if (wire_result_next(rd->t->conn, -1, rd->line, &r, e) < 0)
			return false;
		while (i < count && (list[i].answered || list[i].id != r.id))
			i++;
		if (i == count)
			continue;
		if (r.part) {
			if (!take_part(rd, &list[i], &r, e))
				return false;
			continue;
		}
		answers++;
		take_result(&list[i], &r);
	}
	return true;
}

static bool
is_passing(const struct err *why)
{
	return why->kind == ERR_RETRY || why->kind == ERR_WAIT || why->kind == ERR_UNKNOWN;
}

/* Those that could not be read just now are asked for again, after the wait that is asked of us. */
static bool
ask_patiently(struct reading *rd, struct owner *list, size_t count, struct err *e)
{
	const struct clock *c = rd->t->run->env->store.clock;
	size_t asked;

	for (int round = 0; round < 3; round++) {
		int64_t wait = 0;

		if (!ask(rd, list, count, &asked, e) || !listen(rd, list, count, asked, e))
			return false;
		for (size_t i = 0; round < 2 && i < count; i++) {
			if (list[i].complete || !is_passing(&list[i].why))
				continue;
			list[i].answered = false;
			wait = wait ? wait : 1;
			wait = list[i].why.wait > wait ? list[i].why.wait : wait;
		}
		if (!wait)
			break;
		c->sleep_ms(c->ctx, wait * 1000);
	}
	return true;
}

/* Names for a report; nothing is cut silently. */
static void
report(struct attrs *as, const char *name, const struct listed_ref *r, int64_t count)
{
	if (count <= NAMES_MAX)
		attrs_add(as, name, str_c(refs_label(r)));
}

static void
report_rest(struct attrs *as, const char *name, int64_t count)
{
	if (count > NAMES_MAX)
		attrs_add(as, name,
			str_c(arena_printf(
				as->arena, "... and %lld more", (long long)(count - NAMES_MAX))));
}

static bool
conclude_lost(struct reading *rd, struct owner *ow, struct drift *d, int64_t *lost_r, struct err *e)
{
	struct listed_ref list[PAGE];
	int64_t after = 0;
	size_t got;

	*lost_r = 0;
	while ((got = ledger_refs_lost_there(
			rd->t->ledger, ow->ob.o, rd->attribute, after, rd->names, list, PAGE))) {
		for (size_t i = 0; i < got; i++) {
			after = list[i].other;
			/* Never shown, though it was sent twice: the service does not show it. */
			if (list[i].shown == REF_RESENT)
				continue;
			if (list[i].shown != REF_THEIRS)
				report(&d->was, attribute_of(rd), &list[i], ++*lost_r);
			if (!ledger_ref_gone(rd->t->ledger, ow->ob.o, rd->attribute, &list[i], e) ||
				!refs_look_at(rd->t, &ow->ob, rd->attribute, list[i].other, e))
				return false;
		}
		arena_reset(rd->names);
	}
	report_rest(&d->was, attribute_of(rd), *lost_r);
	return true;
}

static bool
is_exact(const struct target_run *t, const struct object *ob)
{
	const struct lane *lane = lane_of(t, ob->sync);

	return lane && lane->conf->members_exact;
}

/* What people call an object that is none of ours; its key when that cannot be had. */
static bool
name_there(struct reading *rd, const struct kind *k, const char *key, const char **name_r,
	struct err *e)
{
	struct target_run *t = rd->t;
	struct wire_op w = { .id = ++t->next_wire_id, .type = OP_GET, .kind = k->name, .key = key };
	struct wire_result r;
	struct str name;

	if (!wire_op_send(t->conn, &w, e))
		return false;
	do {
		arena_reset(rd->line);
		if (wire_result_next(t->conn, -1, rd->line, &r, e) < 0)
			return false;
	} while (r.id != w.id || r.part);
	name = attrs_first(&r.seen, k->name_attribute);
	*name_r = name.n ? arena_strndup(rd->names, name.p, name.n) : key;
	return true;
}

/* From now on known as theirs; its link is looked at, and it goes. */
static bool
take_away(struct reading *rd, struct owner *ow, const struct listed_ref *r, struct err *e)
{
	struct ledger *l = rd->t->ledger;
	const struct kind *k = r->kind ? r->kind : &kinds[KIND_USER];
	int64_t other = r->other ? r->other : ledger_foreign_find(l, k, r->key);
	const char *name;

	if (!other && (!name_there(rd, k, r->key, &name, e) ||
			      !ledger_foreign_add(l, k, r->key, name, &ow->ob, &other, e)))
		return false;
	return ledger_ref_mark(l, ow->ob.o, rd->attribute, other, REF_THEIRS, e) &&
	       refs_look_at(rd->t, &ow->ob, rd->attribute, other, e);
}

static bool
conclude_extra(
	struct reading *rd, struct owner *ow, struct drift *d, int64_t *extra_r, struct err *e)
{
	bool exact = is_exact(rd->t, &ow->ob);
	struct listed_ref list[PAGE];
	CLEAN_FREE char *after = NULL;
	size_t got;

	*extra_r = 0;
	while ((got = ledger_refs_extra(
			rd->t->ledger, ow->ob.o, rd->attribute, after, rd->names, list, PAGE))) {
		for (size_t i = 0; i < got; i++) {
			report(&d->now, attribute_of(rd), &list[i], ++*extra_r);
			if (exact && !take_away(rd, ow, &list[i], e))
				return false;
		}
		free(after);
		after = xstrdup(list[got - 1].key);
		arena_reset(rd->names);
	}
	report_rest(&d->now, attribute_of(rd), *extra_r);
	return true;
}

static void
tell(const struct reading *rd, const struct owner *ow, int64_t lost, int64_t more)
{
	if (lost)
		run_event(rd->t->run, "drift", ow->ob.name,
			"somebody took away %lld of the %s that we put there; they are put back",
			(long long)lost, attribute_of(rd));
	if (more)
		run_event(rd->t->run, "drift", ow->ob.name,
			"somebody added %lld %s; they are taken away (members = \"exact\")",
			(long long)more, attribute_of(rd));
}

static bool
conclude(struct reading *rd, struct owner *ow, struct err *e)
{
	struct ledger *l = rd->t->ledger;
	struct drift ours = drift_of(&ow->ob, DRIFT_OURS);
	struct drift elsewhere = drift_of(&ow->ob, DRIFT_ELSEWHERE);
	bool exact = is_exact(rd->t, &ow->ob);
	int64_t lost = 0, more = 0;

	if (!ledger_refs_shown(l, ow->ob.o, rd->attribute, e))
		return false;
	if (rd->only_shown)
		return ledger_listed_refs_drop(l, ow->ob.o, e);
	if (!conclude_lost(rd, ow, &ours, &lost, e) ||
		!conclude_extra(rd, ow, exact ? &ours : &elsewhere, &more, e) ||
		!ledger_listed_refs_drop(l, ow->ob.o, e))
		return false;
	tell(rd, ow, lost, exact ? more : 0);
	return (!(lost || (more && exact)) || ledger_drift_add(l, &ours, e)) &&
	       (!more || exact || ledger_drift_add(l, &elsewhere, e)) &&
	       (!lost || ledger_listed_add(l, ow->ob.o, LISTED_AGAIN, e));
}

static bool
conclude_one(struct reading *rd, struct owner *ow, struct err *e)
{
	rd->owners++;
	if (ow->complete)
		return conclude(rd, ow, e);
	if (!ledger_listed_refs_drop(rd->t->ledger, ow->ob.o, e))
		return false;
	if (ow->why.kind == ERR_OBJECT && strcmp(ow->why.code, "gone") == 0)
		return true; /* the listing said so, or the next one will */
	if (ow->why.kind == ERR_SIDE || ow->why.kind == ERR_CONFIG) {
		*e = ow->why;
		return false;
	}
	rd->incomplete = true;
	run_event(
		rd->t->run, "not-looked-at", ow->ob.name, "%s: %s", attribute_of(rd), ow->why.text);
	return true;
}

static bool
read_page(struct reading *rd, const int64_t *os, size_t count, struct err *e)
{
	struct ledger *l = rd->t->ledger;
	struct owner *list = arena_alloc(rd->arena, (count + 1) * sizeof(*list));
	size_t n = 0;
	bool ok;

	for (size_t i = 0; i < count; i++) {
		list[n] = (struct owner){ 0 };
		if (!ledger_object(l, os[i], rd->arena, &list[n].ob, e))
			return false;
		if (list[n].ob.key && list[n].ob.kind == rd->kind &&
			refs_compared(rd->t, &list[n].ob) &&
			refs_mapped(rd->t, &list[n].ob, rd->attribute))
			n++;
	}
	if (!ledger_begin(l, e))
		return false;
	ok = ask_patiently(rd, list, n, e);
	for (size_t i = 0; ok && i < n; i++)
		ok = conclude_one(rd, &list[i], e);
	if (ok && ledger_commit(l, e))
		return true;
	ledger_rollback(l);
	return false;
}

static bool
read_attribute(struct reading *rd, struct err *e)
{
	size_t got, most = rd->t->hello.window < OWNERS_MAX ? rd->t->hello.window : OWNERS_MAX;
	int64_t os[OWNERS_MAX], after = 0;
	struct ledger *l = rd->t->ledger;

	while ((got = rd->only_shown ? ledger_listed(l, LISTED_AGAIN, after, os, most)
				     : ledger_ref_owners(l, rd->kind, after, os, most))) {
		if (!read_page(rd, os, got, e))
			return false;
		after = os[got - 1];
		arena_reset(rd->arena);
		run_progress(rd->t->run, "reading members at", rd->t->conf->name, rd->owners, 0);
	}
	return true;
}

static bool
read_all(struct reading *rd, struct err *e)
{
	bool ok = true;

	rd->arena = arena_new();
	rd->line = arena_new();
	rd->names = arena_new();
	for (int k = 0; ok && k < KIND_COUNT; k++)
		for (int i = 0; ok && kinds[k].refs[i].attribute; i++) {
			rd->kind = &kinds[k];
			rd->attribute = i;
			ok = !kinds[k].refs[i].multi || read_attribute(rd, e);
		}
	arena_free(rd->arena);
	arena_free(rd->line);
	arena_free(rd->names);
	return ok;
}

bool
refs_read(struct target_run *t, int64_t *owners_r, bool *incomplete_r, struct err *e)
{
	struct reading rd = { .t = t };
	bool ok = read_all(&rd, e);

	*owners_r = rd.owners;
	*incomplete_r = rd.incomplete;
	return ok;
}

bool
refs_look_after(struct target_run *t, struct err *e)
{
	struct reading rd = { .t = t, .only_shown = true };

	return !t->hello.list_refs || read_all(&rd, e);
}
