/* What was found at a target in place of our own, for people: the list, and their consent (3.2). */
#include "run_p.h"
#include "store/drift.h"

#include <string.h>

#define PAGE 256

const char *
adopt_how_name(enum adopt_how h)
{
	static const char *const names[] = { "identity", "address", "takeover", "ambiguous" };

	return names[h];
}

static enum adopt_how
how_of(const struct match *list, size_t count)
{
	if (count != 1)
		return ADOPT_AMBIGUOUS;
	if (list->hard)
		return ADOPT_IDENTITY;
	return list->external && list->external[0] ? ADOPT_TAKEOVER : ADOPT_ADDRESS;
}

/* The matches of one object; *row_r stays false when it waits for nothing any more. */
static bool
row_of(struct ledger *l, const struct match *list, size_t count, struct arena *a,
	struct adopt_row *row_r, bool *waits_r, struct err *e)
{
	*row_r = (struct adopt_row){ .list = list, .count = count, .how = how_of(list, count) };
	if (!ledger_object(l, list->o, a, &row_r->ob, e))
		return false;
	*waits_r = row_r->ob.wanted &&
		   (row_r->ob.state == OBJECT_NEW || row_r->ob.state == OBJECT_MISSING);
	row_r->approved = ledger_adopt_approved(l, list->o);
	return true;
}

bool
adopt_each(struct ledger *l, bool (*each)(void *ctx, const struct adopt_row *row, struct err *e),
	void *ctx, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct match list[PAGE];
	struct adopt_row row;
	int64_t after = 0;
	size_t got;

	while ((got = ledger_matches(l, after, a, list, PAGE))) {
		for (size_t i = 0, n; i < got; i += n) {
			bool waits;

			for (n = 1; i + n < got && list[i + n].o == list[i].o;)
				n++;
			if (!row_of(l, &list[i], n, a, &row, &waits, e) ||
				(waits && !each(ctx, &row, e)))
				return false;
		}
		after = list[got - 1].o;
		arena_reset(a);
	}
	return true;
}

struct consenting {
	struct ledger *ledger;
	const char *who, *key;
	int64_t o, found, count;
};

static bool
consent_exact(void *ctx, const struct adopt_row *row, struct err *e)
{
	struct consenting *c = ctx;

	if (row->how == ADOPT_AMBIGUOUS || row->approved)
		return true;
	c->count++;
	return ledger_adopt_approve(c->ledger, row->ob.o, row->list[0].key, e);
}

bool
adopt_all_exact(struct ledger *l, int64_t *count_r, struct err *e)
{
	struct consenting c = { .ledger = l };

	if (!adopt_each(l, consent_exact, &c, e))
		return false;
	*count_r = c.count;
	return true;
}

static bool
same_name(const char *a, const char *b)
{
	CLEAN_BUF struct buf x = { 0 }, y = { 0 };

	if (!a)
		return false;
	utf8_fold(a, strlen(a), &x);
	utf8_fold(b, strlen(b), &y);
	return str_eq(buf_str(&x), buf_str(&y));
}

static bool
consent_one(void *ctx, const struct adopt_row *row, struct err *e)
{
	struct consenting *c = ctx;
	bool meant = row->ob.o == c->o || strcmp(row->ob.anchor, c->who) == 0 ||
		     same_name(row->ob.name, c->who);

	for (size_t i = 0; i < row->count; i++) {
		const struct match *m = &row->list[i];

		if (!meant && strcmp(m->key, c->who) != 0)
			continue;
		c->found++;
		if (c->key ? strcmp(m->key, c->key) != 0 : row->count > 1 && meant)
			continue;
		c->count++;
		if (!ledger_adopt_approve(c->ledger, row->ob.o, m->key, e))
			return false;
	}
	return true;
}

bool
adopt_one(struct ledger *l, const char *who, int64_t o, const char *key, struct err *e)
{
	struct consenting c = { .ledger = l, .who = who, .key = key, .o = o };

	if (!adopt_each(l, consent_one, &c, e))
		return false;
	if (c.count == 1)
		return true;
	if (!c.found)
		return err_set(e, ERR_CONFIG, "nothing-to-adopt",
			"nothing at the target waits to be adopted for %s; `lockstep adopt --list` "
			"shows what does",
			who);
	if (key && !c.count)
		return err_set(e, ERR_CONFIG, "not-a-candidate",
			"%s is none of what was found for %s; `lockstep adopt --list` shows the "
			"candidates",
			key, who);
	return err_set(e, ERR_CONFIG, "ambiguous",
		"several objects at the target fit %s: say which, `lockstep adopt %s KEY`; "
		"`lockstep adopt --list` shows them",
		who, who);
}

/* --- orphans --- */

bool
adopt_orphans(struct ledger *l, int64_t *count_r, int64_t *left_r, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct stranger list[PAGE];
	int64_t after = 0;
	size_t got;

	*count_r = *left_r = 0;
	while ((got = ledger_strangers(l, false, after, a, list, PAGE))) {
		after = list[got - 1].id;
		for (size_t i = 0; i < got; i++) {
			*left_r += list[i].proof == PROOF_NONE && !list[i].approved;
			if (list[i].proof <= PROOF_NONE || list[i].approved)
				continue;
			++*count_r;
			if (!ledger_stranger_approve(l, list[i].id, e))
				return false;
		}
		arena_reset(a);
	}
	return true;
}

bool
adopt_orphan(struct ledger *l, const char *who, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct stranger list[PAGE];
	int64_t after = 0, found = 0;
	size_t got;

	while ((got = ledger_strangers(l, false, after, a, list, PAGE))) {
		after = list[got - 1].id;
		for (size_t i = 0; i < got; i++) {
			const struct stranger *s = &list[i];

			if (s->proof == PROOF_FOREIGN ||
				(strcmp(s->external, who) != 0 && strcmp(s->key, who) != 0 &&
					!same_name(s->name, who)))
				continue;
			found++;
			if (!ledger_stranger_approve(l, s->id, e))
				return false;
		}
		arena_reset(a);
	}
	return found == 1 ||
	       err_set(e, ERR_CONFIG, found ? "ambiguous" : "nothing-to-adopt",
		       found ? "several orphans at the target are called %s: say the key of one"
			     : "nothing at the target waits to be adopted for %s; `lockstep adopt "
			       "--list` shows what does",
		       who);
}
