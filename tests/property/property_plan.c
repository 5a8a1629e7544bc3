/*
 * 9.2 under random interleavings: a plan is kept, then things change - in the directory, at the target, both, or
 * nowhere -, then it is applied, with a fault or without.
 *   it is refused as outdated: it names what differs, and nothing was written
 *   or it is carried out: the target is as a sync at the moment of the plan would have left it, to the letter;
 *   all that came later waits
 * What the sync would have done is tried out in the same world, which is then put back.
 */
#include <stdio.h>
#include <string.h>
#include "property.h"

enum where { NOWHERE = 0, DIRECTORY = 1, TARGET = 2 };

/* What a sync would make of the target now. Empty: it would not come to an end, or something is held, and what comes
 * may lift that: of a plan's operation that is not held any more nobody can say that it was not planned. */
static bool
try_out(struct test *t, enum where where, struct buf *planned)
{
	struct play *p = &t->play;
	struct sync_options plain = { 0 };
	struct saved now = { 0 };
	struct sync_result r;
	bool ok;

	play_save(p, &now);
	buf_adds(&t->rows, "# (tried out, and put back:)\n");
	ok = run_as(t, "as planned", &plain, &r);
	if (ok && (r.exit == SYNC_OK || (r.exit == SYNC_HELD && where == NOWHERE)))
		target_dump(p->world, planned);
	play_restore(p, &now);
	saved_free(&now);
	return ok;
}

/* Somebody else changes something of somebody whom the directory has. */
static bool
change_there(struct test *t)
{
	char who[32], text[96];

	any_of(t, "u", t->users, who, sizeof(who));
	switch (roll(t, 3)) {
	case 0:
		snprintf(text, sizeof(text), "edit %s title=Tea", who);
		break;
	case 1:
		snprintf(text, sizeof(text), "edit %s active=%s", who,
			roll(t, 2) ? "true" : "false");
		break;
	default:
		any_of(t, "g", t->groups, who, sizeof(who));
		snprintf(text, sizeof(text), "vanish %s", who);
		break;
	}
	if (!is_there(t, who) ||
		!target_find_external(t->play.world, dir_find(t->play.world, who)->id))
		return true;
	return target_does(t, text);
}

static enum where
somewhere(struct test *t)
{
	unsigned w = roll(t, 2) ? DIRECTORY : NOWHERE;

	/* Where not everybody is in scope, who left keeps what others do to it. */
	if (strcmp(t->config->name, "all") == 0 && roll(t, 4))
		w |= TARGET;
	return (enum where)w;
}

static bool
interleave(struct test *t, enum where where)
{
	if (where & DIRECTORY) {
		buf_adds(&t->rows, "#change\n");
		if (!change_some(t))
			return false;
	}
	for (uint64_t i = where & TARGET ? 1 + roll(t, 3) : 0; i > 0; i--)
		if (!change_there(t))
			return false;
	return true;
}

/* Does the object's line in `text` have this word, an attribute or a reference? */
static bool
has_word(const char *text, const char *line, const char *word, size_t n)
{
	const char *l = line_of(text, line, head_of(line));

	for (; l && *l && *l != '\n'; l += strcspn(l, " \n"), l += *l == ' ')
		if (strcspn(l, " \n") == n && strncmp(l, word, n) == 0)
			return true;
	return false;
}

/* Others wrote there meanwhile: each value is as planned, or as they left it. */
static bool
nothing_else(struct test *t, const char *before, const char *planned, const char *after)
{
	for (const char *l = after; *l; l += strcspn(l, "\n") + 1) {
		const char *w = l + head_of(l);

		for (w += *w == ' '; *w && *w != '\n'; w += strcspn(w, " \n"), w += *w == ' ') {
			size_t n = strcspn(w, " \n");

			if (!has_word(planned, l, w, n) && !has_word(before, l, w, n))
				return play_fail(&t->play,
					"9.2: %.*s is neither planned nor was there:\n# %.*s",
					(int)n, w, (int)strcspn(l, "\n"), l);
		}
	}
	return true;
}

static bool
outdated(struct test *t, enum where where, bool faulty, const char *before)
{
	CLEAN_BUF struct buf after = { 0 };
	struct play *p = &t->play;

	target_dump(p->world, &after);
	if (p->world->writes != p->writes_before)
		return play_fail(p, "9.2: an outdated plan wrote");
	if (!p->notes)
		return play_fail(p, "9.2: an outdated plan names nothing that differs");
	if (faulty || where & TARGET)
		return true; /* it may have begun, and be outdated when it is gone on with */
	if (where == NOWHERE)
		return play_fail(p, "9.2: outdated, and nothing had changed");
	return strcmp(before, buf_cstr(&after)) == 0 ||
	       play_fail(p, "9.2: an outdated plan changed\n%sto\n%s", before, buf_cstr(&after));
}

/* Nothing had changed: nothing is left to do. */
static bool
nothing_left(struct test *t)
{
	struct sync_result r;

	if (!run(t, false, &r))
		return false;
	return !changes_of(&r) ||
	       play_fail(&t->play, "9.2: %lld changes were left by an applied plan",
		       (long long)changes_of(&r));
}

static bool
carried_out(struct test *t, enum where where, bool faulty, const struct sync_result *r,
	const char *before, const char *planned)
{
	CLEAN_BUF struct buf after = { 0 };
	struct play *p = &t->play;

	target_dump(p->world, &after);
	if (where & TARGET)
		return !*planned || nothing_else(t, before, planned, buf_cstr(&after));
	/* What is held now, as nobody knows any more who is in scope, was perhaps not held then. */
	if (*planned && (r->exit == SYNC_OK || (r->exit == SYNC_HELD && where == NOWHERE)) &&
		strcmp(planned, buf_cstr(&after)) != 0)
		return play_fail(
			p, "9.2: planned was\n%sapplied is\n%s", planned, buf_cstr(&after));
	return where != NOWHERE || faulty || r->exit != SYNC_OK || nothing_left(t);
}

/* What others did there is mended by full runs (6.2), so that all that follows is as ever. */
static bool
mend(struct test *t)
{
	struct play *p = &t->play;
	struct sync_result r;

	for (int i = 0; i < 12; i++) {
		if (!run(t, true, &r))
			return false;
		if (r.exit == SYNC_OK && !changes_of(&r))
			return true;
		p->world->now_ms += 130 * 1000;
	}
	return play_fail(p, "9.2: full runs do not mend it: exit %d (%s)", r.exit, r.error.text);
}

/* What somebody took away there stays a failure of the plan: tried a few times. */
static bool
apply_kept(struct test *t, enum where where, struct sync_result *r_r)
{
	struct sync_options apply = { .apply = KEPT_PLAN };
	struct play *p = &t->play;

	if (!(where & TARGET))
		return again_and_again(t, "apply", &apply, r_r);
	for (int i = 0; i < 3; i++) {
		if (!run_as(t, "apply", &apply, r_r))
			return false;
		p->way = WAY_NONE;
		if (strcmp(r_r->error.code, "plan-outdated") == 0)
			break;
		p->world->now_ms += r_r->exit == SYNC_OK ? 0 : 130 * 1000;
	}
	return true;
}

bool
plan_and_apply(struct test *t)
{
	struct sync_options plan = { .plan_only = true };
	CLEAN_BUF struct buf planned = { 0 }, before = { 0 };
	struct play *p = &t->play;
	enum where where = somewhere(t);
	struct sync_result r;
	bool faulty, ok;

	buf_adds(&t->rows, "#change\n");
	if (!change_some(t) || !run_as(t, "plan keep", &plan, &r) || !play_keep(p) ||
		!try_out(t, where, &planned) || !interleave(t, where))
		return false;
	target_dump(p->world, &before);
	faulty = perhaps_fault(t);
	if (!apply_kept(t, where, &r))
		return false;
	ok = strcmp(r.error.code, "plan-outdated") == 0
		     ? outdated(t, where, faulty, buf_cstr(&before))
		     : carried_out(t, where, faulty, &r, buf_cstr(&before), buf_cstr(&planned));
	return ok && (!(where & TARGET) || mend(t));
}
