/*
 * What changed in the mirrors -> dirty list (5.1): an entry changed, an ancestor moved, a scope group's
 * closure changed, a link or its other end's DN that a rule reads changed, a wake-up is due, the configuration
 * changed. Nothing else. The list
 * and the position up to which the mirror was looked at move in one transaction, so that nothing is
 * looked at twice nor left out.
 */
#include "run_p.h"

#include "base/map.h"

#include <inttypes.h>

#include <stdio.h>

#include <stdlib.h>
#include <string.h>

#define PAGE 512

struct collect {
	struct target_run *t;
	struct source_run *s;
	const char *source;
	int64_t since;
	bool by_groups; /* some lane's verdicts hang on groups, */
	bool memberof;  /* on any group at all, */
	bool ends;      /* on the DNs of other ends of links */
	struct arena *arena;
	struct err *e;
};

static bool
uses_memberof(const struct collect *c)
{
	for (size_t i = 0; i < c->t->lane_count; i++)
		if (c->t->lanes[i].source == c->s && rules_uses_memberof(c->t->lanes[i].rules))
			return true;
	return false;
}

static bool add_below(struct collect *c, int64_t n, struct map *groups);

/* A rule that sees memberOf sees the DNs of the groups above an entry. */
static bool
add_members(struct collect *c, int64_t n)
{
	struct map *groups;
	bool ok;

	if (!c->memberof)
		return true;
	groups = map_new();
	ok = add_below(c, n, groups);
	map_free(groups, NULL);
	return ok;
}

/* The link attributes that rules of this source read, one by one; zero at first. */
struct link_pos {
	size_t lane, i;
};

static const struct rules_link *
next_link(const struct collect *c, struct link_pos *at)
{
	for (; at->lane < c->t->lane_count; at->lane++, at->i = 0) {
		const struct rules_link *list;
		const struct lane *l = &c->t->lanes[at->lane];

		if (l->source == c->s && at->i < rules_links(l->rules, &list))
			return &list[at->i++];
	}
	return NULL;
}

static bool
reads_ends(const struct collect *c)
{
	struct link_pos at = { 0 };
	const struct rules_link *l;

	while ((l = next_link(c, &at)))
		if (l->dn)
			return true;
	return false;
}

/* Whose rules see the DN of this entry at the other end of a link. */
static bool
add_pointing(struct collect *c, int64_t n)
{
	int64_t *owners;

	struct link_pos at = { 0 };
	const struct rules_link *l;

	while ((l = next_link(c, &at))) {
		size_t count;

		if (!l->dn)
			continue;
		arena_reset(c->arena);
		count = mirror_links_of(
			c->s->mirror, n, l->attribute, true, c->since, c->arena, &owners);
		for (size_t i = 0; i < count; i++)
			if (!ledger_dirty_add(
				    c->t->ledger, c->source, owners[i], DIRTY_GROUP, c->e))
				return false;
	}
	return true;
}

static bool
add_moved(void *ctx, int64_t n)
{
	struct collect *c = ctx;

	return ledger_dirty_add(c->t->ledger, c->source, n, DIRTY_MOVED, c->e) &&
	       add_members(c, n) && (!c->ends || add_pointing(c, n));
}

/* Who else sees a changed entry. */
static bool
add_around(struct collect *c, int64_t n)
{
	return add_members(c, n) &&
	       (!c->ends || !mirror_place_changed(c->s->mirror, n, c->since) || add_pointing(c, n));
}

static bool
add_entries(struct collect *c, enum dirty_why why)
{
	int64_t ns[PAGE], after = 0;
	size_t got;

	while ((got = mirror_changed_entries(c->s->mirror, c->since, after, ns, PAGE))) {
		for (size_t i = 0; i < got; i++)
			if (!ledger_dirty_add(c->t->ledger, c->source, ns[i], why, c->e) ||
				(why != DIRTY_CONFIG && !add_around(c, ns[i])))
				return false;
		after = ns[got - 1];
	}
	return true;
}

/* Entries still to be looked at, and the groups that were. Who has no members is not remembered: there
 * may be very many, and to look at them twice is harmless. */
struct walk {
	struct map *seen;
	int64_t *todo;
	size_t count, max;
};

static void
walk_push(struct walk *w, const int64_t *ns, size_t count)
{
	if (w->count + count > w->max) {
		w->max = 2 * (w->count + count);
		w->todo = xrealloc(w->todo, w->max * sizeof(*w->todo));
	}
	for (size_t i = 0; i < count; i++)
		w->todo[w->count++] = ns[i];
}

/* True the first time. */
static bool
walk_first(struct walk *w, int64_t n)
{
	struct str key = { (const char *)&n, sizeof(n) };

	if (map_has(w->seen, key))
		return false;
	map_set(w->seen, key, w->seen);
	return true;
}

/* Does a verdict hang on this very group? */
static bool
is_scope_group(const struct collect *c, int64_t group)
{
	for (size_t i = 0; i < c->t->lane_count; i++) {
		const int64_t *groups;
		struct lane *lane = &c->t->lanes[i];
		size_t n;

		if (lane->source != c->s)
			continue;
		if (rules_uses_memberof(lane->rules))
			return true;
		n = rules_scope_groups(lane->rules, &groups);
		for (size_t g = 0; g < n; g++)
			if (groups[g] == group)
				return true;
		for (size_t g = 0; g < lane->protect_group_count; g++)
			if (lane->protect_groups[g] == group)
				return true;
	}
	return false;
}

/* Upwards from a group, links removed since included: is it, or was it, part of a group that scope
 * hangs on? */
static bool
above_scope(struct collect *c, int64_t group)
{
	struct walk w = { .seen = map_new() };
	bool found = false;

	walk_push(&w, &group, 1);
	while (w.count && !found) {
		int64_t *up, n = w.todo[--w.count];
		size_t count;

		if (!walk_first(&w, n))
			continue;
		found = is_scope_group(c, n);
		arena_reset(c->arena);
		count = mirror_links_of(c->s->mirror, n, "memberOf", true, c->since, c->arena, &up);
		walk_push(&w, up, count);
	}
	map_free(w.seen, NULL);
	free(w.todo);
	return found;
}

/* Downwards: everyone whose nested membership may have changed with this link. */
static bool
add_below(struct collect *c, int64_t n, struct map *groups)
{
	struct walk w = { .seen = groups };
	bool ok = true;

	walk_push(&w, &n, 1);
	while (ok && w.count) {
		int64_t *down, one = w.todo[--w.count];
		size_t count;

		ok = ledger_dirty_add(c->t->ledger, c->source, one, DIRTY_GROUP, c->e);
		arena_reset(c->arena);
		count = mirror_links_of(
			c->s->mirror, one, "member", false, c->since, c->arena, &down);
		if (count && walk_first(&w, one))
			walk_push(&w, down, count);
	}
	free(w.todo);
	return ok;
}

/* Upwards along an attribute: everybody whose chain of links passes here, or did. */
static bool
add_chain(struct collect *c, int64_t n, const char *attribute)
{
	struct walk w = { .seen = map_new() };
	bool ok = true;

	walk_push(&w, &n, 1);
	while (ok && w.count) {
		int64_t *up, one = w.todo[--w.count];
		size_t count;

		if (!walk_first(&w, one))
			continue;
		ok = ledger_dirty_add(c->t->ledger, c->source, one, DIRTY_GROUP, c->e);
		arena_reset(c->arena);
		count = mirror_links_of(
			c->s->mirror, one, attribute, true, c->since, c->arena, &up);
		walk_push(&w, up, count);
	}
	map_free(w.seen, NULL);
	free(w.todo);
	return ok;
}

/* A link changed that rules read as a value of its owner. */
static bool
add_owner(struct collect *c, const struct mirror_link *changed)
{
	struct link_pos at = { 0 };
	const struct rules_link *l;

	while ((l = next_link(c, &at))) {
		if (!ascii_ieq(l->attribute, changed->attribute))
			continue;
		if (l->chain ? !add_chain(c, changed->owner, l->attribute)
			     : !ledger_dirty_add(
				       c->t->ledger, c->source, changed->owner, DIRTY_GROUP, c->e))
			return false;
	}
	return true;
}

static int
ref_index(const struct kind *k, const char *link)
{
	for (int i = 0; k->refs[i].attribute; i++)
		if (strcmp(k->refs[i].link, link) == 0)
			return i;
	return -1;
}

/* The row of a changed link, under each kind whose references it feeds. */
static bool
add_link_row(struct collect *c, const struct mirror_link *l)
{
	for (int k = 0; k < KIND_COUNT; k++) {
		int index = ref_index(&kinds[k], l->attribute);
		struct dirty_link d = { .owner = l->owner, .other = l->other, .attribute = index };

		if (index >= 0)
			return ledger_dirty_link_add(c->t->ledger, c->source, &d, c->e);
	}
	return true;
}

static bool
add_links(struct collect *c)
{
	struct mirror_link_pos pos = { 0 };
	struct mirror_link ls[PAGE];
	struct map *below = map_new();
	bool ok = true;
	size_t got;

	while (ok && (got = mirror_changed_links(c->s->mirror, c->since, &pos, ls, PAGE)))
		for (size_t i = 0; ok && i < got; i++) {
			ok = add_link_row(c, &ls[i]) && add_owner(c, &ls[i]);
			if (!ok || !c->by_groups || strcmp(ls[i].attribute, "member") != 0)
				continue;
			if (above_scope(c, ls[i].owner))
				ok = add_below(c, ls[i].other, below);
		}
	map_free(below, NULL);
	return ok;
}

static int64_t
find_anchor(void *ctx, const char *anchor)
{
	return mirror_find_id(ctx, anchor);
}

/* What the rules of all lanes over this source are, as one digest; which entries their groups are belongs to
 * it, for a group that is renamed or deleted is another scope for everybody. */
static void
digest_of(struct target_run *t, struct source_run *s, char out[65])
{
	CLEAN_BUF struct buf all = { 0 };
	char one[65];

	for (size_t i = 0; i < t->lane_count; i++) {
		const struct lane *lane = &t->lanes[i];
		const int64_t *groups;
		size_t count;

		/* An object is one source's: another one that comes or goes matters. */
		buf_addf(&all, "%s\n", lane->source->conf->name);
		if (lane->source != s)
			continue;
		count = rules_scope_groups(lane->rules, &groups);
		conf_sync_digest(lane->conf, one);
		buf_adds(&all, one);
		for (size_t g = 0; g < count; g++)
			buf_addf(&all, " %" PRId64, groups[g]);
		for (size_t g = 0; g < lane->protect_group_count; g++)
			buf_addf(&all, " p%" PRId64, lane->protect_groups[g]);
		rules_named(lane->rules, &all);
	}
	sha256_hex(all.p, all.n, out);
}

static bool
depends_on_groups(struct target_run *t, struct source_run *s)
{
	for (size_t i = 0; i < t->lane_count; i++) {
		struct lane *lane = &t->lanes[i];
		const int64_t *groups;

		if (lane->source == s && (rules_uses_memberof(lane->rules) ||
						 rules_scope_groups(lane->rules, &groups) ||
						 lane->conf->guard.protect_group.count))
			return true;
	}
	return false;
}

/* Everything of a source: first run, other rules, rebuilt mirror. Objects whose entries are not in the
 * mirror any more are looked at as well. */
static bool
add_all(struct collect *c)
{
	int64_t os[PAGE], ns[PAGE], after = 0;
	size_t got;

	c->since = 0;
	if (!add_entries(c, DIRTY_CONFIG))
		return false;
	while ((got = ledger_objects(c->t->ledger, c->source, after, os, ns, PAGE))) {
		for (size_t i = 0; i < got; i++)
			if (ns[i] && !ledger_dirty_add(
					     c->t->ledger, c->source, ns[i], DIRTY_CONFIG, c->e))
				return false;
		after = os[got - 1];
	}
	return true;
}

static bool
collect_source(struct target_run *t, struct source_run *s, struct err *e)
{
	struct collect c = {
		.t = t, .s = s, .source = s->conf->name, .arena = arena_new(), .e = e
	};
	struct projected was, now = { 0 };
	struct mirror_info info;
	bool ok =
		ledger_projected(t->ledger, c.source, &was, e) && mirror_info(s->mirror, &info, e);
	bool rebuilt;

	if (!ok)
		goto out;
	now.rev = info.rev;
	digest_of(t, s, now.digest);
	snprintf(now.mirror, sizeof(now.mirror), "%s", info.incarnation ? info.incarnation : "");
	rebuilt = was.mirror[0] && strcmp(was.mirror, now.mirror) != 0;
	c.since = was.rev;
	c.by_groups = depends_on_groups(t, s);
	c.memberof = uses_memberof(&c);
	c.ends = reads_ends(&c);
	if (rebuilt)
		ok = ledger_renumber(t->ledger, c.source, find_anchor, s->mirror, e);
	if (!ok)
		goto out;
	if (rebuilt || !was.rev || strcmp(was.digest, now.digest) != 0)
		ok = add_all(&c);
	else if (now.rev > was.rev)
		ok = add_entries(&c, DIRTY_ENTRY) && add_links(&c) &&
		     mirror_moved_below(s->mirror, c.since, add_moved, &c, e);
	ok = ok && ledger_wake_due(t->ledger, c.source, source_now(t->run, s), e);
	ok = ok && mirror_ok(s->mirror, e);
	ok = ok && ledger_projected_set(t->ledger, c.source, &now, e);
out:
	arena_free(c.arena);
	return ok;
}

bool
dirty_collect(struct target_run *t, struct err *e)
{
	for (size_t i = 0; i < t->run->source_count; i++) {
		struct source_run *s = &t->run->sources[i];
		bool used = false;

		for (size_t j = 0; j < t->lane_count; j++)
			used |= t->lanes[j].source == s;
		if (!used)
			continue;
		if (!ledger_begin(t->ledger, e))
			return false;
		if (!collect_source(t, s, e)) {
			ledger_rollback(t->ledger);
			return false;
		}
		if (!ledger_commit(t->ledger, e))
			return false;
	}
	return true;
}
