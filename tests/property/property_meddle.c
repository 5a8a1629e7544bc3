/* 6.2, 6.3: others change things at the target. */
#include <stdio.h>
#include <string.h>
#include "property.h"

static bool
has_ref(struct test *t, const char *owner, const char *attribute, const char *other)
{
	const struct w_entry *a = dir_find(t->play.world, owner);
	const struct w_entry *b = other ? dir_find(t->play.world, other) : NULL;
	const struct t_object *ob = target_find_external(t->play.world, a->id);
	const struct t_object *to = b ? target_find_external(t->play.world, b->id) : NULL;

	for (const struct t_ref *r = ob ? ob->refs : NULL; r; r = r->next)
		if (strcmp(r->attribute, attribute) == 0 &&
			(!other || (to && strcmp(r->key, to->key) == 0)))
			return true;
	return false;
}

/* What somebody does at the target, and, where that is to stay, how it is taken back later. */
struct meddling {
	char who[32], text[96], back[96];
};

static bool
meddle_members(struct test *t, struct meddling *m)
{
	char b[32];

	any_of(t, "g", t->groups, m->who, sizeof(m->who));
	any_of(t, "u", t->users, b, sizeof(b));
	if (!is_there(t, m->who) || !is_there(t, b))
		return false;
	if (has_ref(t, m->who, "members", b)) {
		snprintf(m->text, sizeof(m->text), "edit %s members=-%s", m->who, b);
		return true;
	}
	snprintf(m->text, sizeof(m->text), "edit %s members=+%s", m->who, b);
	snprintf(m->back, sizeof(m->back), "edit %s members=-%s", m->who, b);
	return target_find_external(t->play.world, dir_find(t->play.world, b)->id);
}

static bool
choose_meddling(struct test *t, struct meddling *m)
{
	char b[32];

	*m = (struct meddling){ 0 };
	any_of(t, "u", t->users, m->who, sizeof(m->who));
	switch (roll(t, 7)) {
	case 0:
		snprintf(m->text, sizeof(m->text), "edit %s title=Tea", m->who);
		break;
	case 1:
		snprintf(m->text, sizeof(m->text), "edit %s active=%s", m->who,
			roll(t, 2) ? "true" : "false");
		break;
	case 2:
		snprintf(m->text, sizeof(m->text), "own %s another-%d", m->who, t->next++);
		break;
	case 3:
	case 4:
		return meddle_members(t, m);
	case 5:
		any_of(t, "u", t->users, b, sizeof(b));
		if (!is_there(t, b) || !is_there(t, m->who) || !has_ref(t, m->who, "manager", NULL))
			return false;
		snprintf(m->text, sizeof(m->text), "edit %s manager=%s", m->who,
			roll(t, 2) ? "-" : b);
		break;
	default:
		any_of(t, "g", t->groups, m->who, sizeof(m->who));
		snprintf(m->text, sizeof(m->text), "vanish %s", m->who);
		break;
	}
	return is_there(t, m->who);
}

bool
target_does(struct test *t, const char *text)
{
	struct err e;

	buf_addf(&t->rows, "#target\n#    %s\n", text);
	return target_row(t->play.world, text, &e) || play_fail(&t->play, "%s: %s", text, e.text);
}

static bool
full_runs(struct test *t)
{
	struct play *p = &t->play;
	struct sync_result r = { 0 };

	for (int i = 0; i < 12; i++) {
		if (!run(t, true, &r))
			return false;
		if (p->way == WAY_NONE && r.exit == SYNC_OK && !changes_of(&r))
			break;
		p->way = WAY_NONE;
		p->world->now_ms += 130 * 1000;
	}
	return true;
}

static bool
is_as(struct test *t, const struct buf *before, const char *text)
{
	CLEAN_BUF struct buf after = { 0 };

	target_dump(t->play.world, &after);
	return str_eq(buf_str(before), buf_str(&after)) ||
	       play_fail(&t->play, "6.2: after \"%s\" and full runs\n%swhere\n%swas", text,
		       buf_cstr(&after), buf_cstr(before));
}

/* Somebody changes what is ours there; a full run sets it right. What is his own stays as long as he wants. */
bool
meddle(struct test *t)
{
	struct play *p = &t->play;
	CLEAN_BUF struct buf before = { 0 }, theirs = { 0 };
	struct meddling m;

	if (!choose_meddling(t, &m))
		return true;
	target_dump(p->world, &before);
	if (!target_does(t, m.text))
		return false;
	target_dump(p->world, &theirs);
	p->way = roll(t, 2) ? (enum way)(1 + roll(t, WAY_COUNT - 1)) : WAY_NONE;
	p->fault_at = 1 + (int64_t)roll(t, 4);
	if (!full_runs(t) || !is_as(t, *m.back ? &theirs : &before, m.text))
		return false;
	return !*m.back || (target_does(t, m.back) && full_runs(t) && is_as(t, &before, m.back));
}

/* Somebody adds an alias beside ours, and ours change. */
bool
meddle_elements(struct test *t)
{
	struct play *p = &t->play;
	char who[32], text[96], expected[128];
	const struct w_entry *en;
	const struct w_attr *at;
	struct t_object *ob;
	int n = t->next++;
	struct sync_result r;

	any_of(t, "u", t->users, who, sizeof(who));
	en = dir_find(p->world, who);
	if (!is_there(t, who) ||
		!row(t, "set %s proxyAddresses=smtp:p%d@x.example|smtp:q%d@x.example", who, n, n) ||
		!run_and_settle(t))
		return !is_there(t, who);
	ob = target_find_external(p->world, en->id);
	if (!ob || !w_attr_find(ob->attrs, "aliases") || !w_attr_find(ob->attrs, "aliases")->count)
		return true; /* out of scope, or not to be mapped now */
	snprintf(text, sizeof(text), "edit %s aliases=p%d@x.example|q%d@x.example|theirs@x.example",
		who, n, n);
	if (!target_does(t, text) || (roll(t, 2) && !run(t, true, &r)) ||
		!row(t, "set %s proxyAddresses=smtp:q%d@x.example", who, n) || !run_and_settle(t))
		return false;
	at = w_attr_find(ob->attrs, "aliases");
	snprintf(expected, sizeof(expected), "q%d@x.example", n);
	if (!at || at->count != 2 ||
		(strcmp(at->values[0], expected) != 0 && strcmp(at->values[1], expected) != 0))
		return play_fail(p, "6.3: %s has %zu aliases, not %s and theirs", who,
			at ? at->count : 0, expected);
	snprintf(text, sizeof(text), "edit %s aliases=q%d@x.example", who, n);
	return target_does(t, text) && full_runs(t) && ledger_agrees(t);
}
