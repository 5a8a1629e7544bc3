/*
 * Accounts that are never disabled or deleted without a release of their own (8.4). Protection outlasts what gave it:
 * who is deleted, renamed or thrown out of the protecting group in the same breath is protected still, so the line
 * that protects an object is kept with it. By name: as long as that line stands in the configuration. By group: as
 * long as that group cannot be found, or something is held for it; else the group of now decides.
 */
#include "run_p.h"

#include <string.h>

static bool
same_text(struct str a, const char *b)
{
	CLEAN_BUF struct buf fa = { 0 }, fb = { 0 };

	utf8_fold(a.p, a.n, &fa);
	utf8_fold(b, strlen(b), &fb);
	return str_eq(buf_str(&fa), buf_str(&fb));
}

static bool
has_value(const struct entry *en, const char *attribute, const char *text)
{
	const struct attr *at = attrs_get(&en->attrs, attribute);

	for (size_t i = 0; at && i < at->count; i++)
		if (same_text(at->values[i], text))
			return true;
	return false;
}

/* The line names this entry, as people name it: id, DN, mail, account name or UPN. */
static bool
is_named(const struct lane *lane, size_t i, const struct entry *en)
{
	static const char *const names[] = { "mail", "sAMAccountName", "userPrincipalName", "uid",
		"proxyAddresses" };
	const char *text = lane->conf->guard.protect.list[i].text;
	CLEAN_FREE char *smtp = xasprintf("smtp:%s", text);
	char uuid[37];

	if (lane->protect[i] && lane->protect[i] == en->n)
		return true;
	if (en->id && strcmp(en->id, uuid_canonical(text, uuid) ? uuid : text) == 0)
		return true;
	for (size_t k = 0; k < ARRAY_LEN(names); k++)
		if (has_value(en, names[k], text))
			return true;
	return has_value(en, "proxyAddresses", smtp);
}

static bool
stands_in(const struct conf_texts *t, const char *line)
{
	for (size_t i = 0; line && i < t->count; i++)
		if (strcmp(t->list[i].text, line) == 0)
			return true;
	return false;
}

static void
judge_names(const struct lane *lane, const struct entry *en, struct protect *p)
{
	const struct conf_texts *t = &lane->conf->guard.protect;

	for (size_t i = 0; i < t->count && entry_present(en) && !p->now.name; i++)
		if (is_named(lane, i, en))
			p->now.name = t->list[i].text;
	if (!p->now.name && stands_in(t, p->was.name))
		p->now.name = p->was.name;
}

static void
judge_groups(const struct lane *lane, const struct entry *en, struct protect *p)
{
	const struct conf_texts *t = &lane->conf->guard.protect_group;
	struct mirror *m = lane->source->mirror;

	for (size_t i = 0; i < t->count && !p->now.group; i++) {
		int64_t group = lane->protect_groups[i];
		bool was = p->was.group && strcmp(p->was.group, t->list[i].text) == 0;

		if (group && entry_present(en) ? mirror_in_group(m, en->n, group) : was)
			p->now.group = t->list[i].text;
		p->held = p->held || was;
	}
}

void
protect_judge(const struct target_run *t, const struct lane *lane, const struct entry *en,
	int64_t o, struct arena *a, struct protect *p_r)
{
	*p_r = (struct protect){ 0 };
	if (o)
		ledger_protection(t->ledger, o, a, &p_r->was);
	if (!lane) { /* its sync is not configured any more: what is known stands */
		p_r->now = p_r->was;
		p_r->held = p_r->was.name || p_r->was.group;
		return;
	}
	judge_names(lane, en, p_r);
	judge_groups(lane, en, p_r);
	p_r->held |= p_r->now.name || p_r->now.group;
}

static bool
same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool
protect_note(
	const struct target_run *t, int64_t o, const struct protect *p, bool holding, struct err *e)
{
	struct protection now = p->now;

	if (holding && !now.group)
		now.group = p->was.group;
	return (same(now.name, p->was.name) && same(now.group, p->was.group)) ||
	       ledger_protection_set(t->ledger, o, &now, e);
}

/* Once for a plan: what stands in the lists as a DN. Names are compared entry by entry, so that a run costs nothing
 * for a name that nobody has. */
void
protect_resolve(struct lane *lane, struct arena *a)
{
	const struct conf_guard *g = &lane->conf->guard;
	struct mirror *m = lane->source->mirror;

	if (!lane->protect) {
		lane->protect_groups =
			arena_alloc(a, (g->protect_group.count + 1) * sizeof(int64_t));
		lane->protect = arena_alloc(a, (g->protect.count + 1) * sizeof(int64_t));
	}
	lane->protect_group_count = g->protect_group.count;
	for (size_t i = 0; i < g->protect_group.count; i++)
		lane->protect_groups[i] = mirror_find_dn(m, g->protect_group.list[i].text);
	for (size_t i = 0; i < g->protect.count; i++)
		if (strchr(g->protect.list[i].text, '='))
			lane->protect[i] = mirror_find_dn(m, g->protect.list[i].text);
}
