#include "ldif_send.h"

#include <string.h>
#include <strings.h>
#include "ldif_group.h"
#include "ldif_schema.h"
#include "model/dn.h"

#define KNOWN_MAX 4096 /* spellings remembered */

static struct ldif_known
known_find(const struct ldif_send *x, const char *name)
{
	/* What an entry message itself is made of is read, asked for or not. */
	static const char *const always[] = { "objectClass", "objectSid", "primaryGroupID", NULL };
	const struct ldif_attribute *at = ldif_attribute_find(name, strlen(name));

	return (struct ldif_known){
		.asked = !*x->attributes || text_listed(x->attributes, name) ||
			 ascii_ieq(name, "objectClass"),
		.structural = text_listed(always, name) || text_listed(x->ids, name),
		.link = at && strcmp(at->syntax, "link") == 0,
	};
}

const struct ldif_known *
ldif_send_known(void *ctx, const char *name, size_t n)
{
	struct ldif_send *x = ctx;
	struct str key = { name, n };
	struct ldif_known *known = map_get(x->known, key);
	bool keep = map_count(x->known) < KNOWN_MAX;
	char *lower;

	if (known)
		return known;
	lower = arena_strndup(x->arena, name, n);
	ascii_lower(lower);
	known = map_get(x->known, str_c(lower));
	if (!known) {
		known = arena_alloc(keep ? x->known_arena : x->arena, sizeof(*known));
		*known = known_find(x, lower);
		known->kept = keep;
		if (keep)
			map_set(x->known, str_c(lower), known);
	}
	if (keep)
		map_set(x->known, key, known);
	return known;
}

static bool
asked(struct ldif_send *x, const char *name)
{
	return ldif_send_known(x, name, strlen(name))->asked;
}

const char *
ldif_identity(const char *attribute, struct str value, struct arena *a)
{
	char uuid[37];
	const char *text;

	if (value.n == 0 || value.n > 255)
		return NULL;
	if (value.n == 16 && ascii_ieq(attribute, "objectGUID"))
		return guid_from_bytes(value, uuid) ? arena_strdup(a, uuid) : NULL;
	if (memchr(value.p, 0, value.n) || !utf8_valid(value.p, value.n))
		return NULL;
	value = str_trim(value);
	text = arena_strndup(a, value.p, value.n);
	if (uuid_canonical(text, uuid))
		return arena_strdup(a, uuid);
	return value.n > 0 ? text : NULL;
}

bool
ldif_send_bad(struct ldif_send *x, const char *id, const char *dn, const char *attribute,
	const char *why, struct err *e)
{
	return serve_bad(
		x->s, id, dn, attribute, arena_printf(x->arena, "%s: %s", x->file, why), e);
}

/* --- a whole entry --- */

static const char *
entry_id(const struct ldif_send *x, const struct ldif_groups *g)
{
	for (const char *const *p = x->ids; *p; p++) {
		const struct ldif_group *at = ldif_group_find(g, *p);

		if (at && !at->why && at->count == 1)
			return ldif_identity(*p, at->values[0], x->arena);
		if (at)
			return NULL; /* there, but not one readable value: no other one stands in */
	}
	return NULL;
}

static const char *
entry_sid(const struct ldif_send *x, const struct ldif_groups *g)
{
	const struct ldif_group *at = ldif_group_find(g, "objectSid");

	if (!at || at->why || at->count != 1)
		return NULL;
	if (str_starts(at->values[0], "S-1-"))
		return arena_strndup(x->arena, at->values[0].p, at->values[0].n);
	return sid_from_bytes(at->values[0], x->arena);
}

static bool
class_wanted(const struct ldif_send *x, const struct ldif_group *classes)
{
	if (!*x->classes)
		return true;
	for (size_t i = 0; classes && i < classes->count; i++)
		for (const char *const *p = x->classes; *p; p++)
			if (str_ieqc(classes->values[i], *p))
				return true;
	return false;
}

static bool
links_send(struct ldif_send *x, const char *id, const char *dn, const struct ldif_group *g,
	const char *mode, struct err *e)
{
	struct serve_link *ends = arena_alloc(x->arena, (g->count + 1) * sizeof(*ends));
	struct err why = { 0 };

	for (size_t i = 0; i < g->count; i++) {
		if (g->values[i].n == 0 || g->values[i].n > DN_LENGTH_MAX ||
			memchr(g->values[i].p, 0, g->values[i].n) ||
			!utf8_valid(g->values[i].p, g->values[i].n))
			return ldif_send_bad(
				x, id, dn, g->name, "a value is no distinguished name", e);
		ends[i].dn = arena_strndup(x->arena, g->values[i].p, g->values[i].n);
	}
	if (serve_links(x->s, id, id ? NULL : dn, g->name, mode, ends, g->count, &why))
		return true;
	if (why.kind == ERR_OBJECT)
		return ldif_send_bad(x, id, dn, g->name, why.text, e);
	if (e)
		*e = why;
	return false;
}

/* AD keeps a user's primary group out of `member`: a number beside the user's SID. */
static bool
primary_group(struct ldif_send *x, const char *id, const char *dn, const char *sid,
	const struct ldif_groups *g, struct err *e)
{
	const struct ldif_group *rid = ldif_group_find(g, "primaryGroupID");
	struct serve_link end = { 0 };

	if (!rid || (!asked(x, "primaryGroup") && !asked(x, "primaryGroupID")))
		return true;
	if (!rid->why && rid->count == 1 && sid)
		end.sid = sid_with_rid(
			sid, arena_strndup(x->arena, rid->values[0].p, rid->values[0].n), x->arena);
	if (!end.sid)
		return ldif_send_bad(x, id, dn, "primaryGroup",
			"primaryGroupID without a readable objectSid", e);
	return serve_links(x->s, id, id ? NULL : dn, "primaryGroup", "set", &end, 1, e);
}

/* Ordinary attributes into as; those that cannot be used are left out, the caller says them. */
static void
ordinary(const struct ldif_send *x, const struct ldif_groups *g, struct attrs *as)
{
	*as = attrs_new(x->arena);
	as->list = arena_alloc(x->arena, (g->count + 1) * sizeof(*as->list));
	as->cap = g->count + 1;
	for (size_t i = 0; i < g->count; i++) {
		const struct ldif_group *at = &g->list[i];

		if (!at->why && !at->known->link && at->known->asked)
			as->list[as->count++] = (struct attr){ at->name, at->count, at->values };
	}
}

static bool
entry_rest(struct ldif_send *x, const char *id, const char *dn, const char *sid,
	const struct ldif_groups *g, struct err *e)
{
	for (size_t i = 0; i < g->count; i++) {
		const struct ldif_group *at = &g->list[i];

		if (!at->known->asked)
			continue;
		if (at->why ? !ldif_send_bad(x, id, dn, at->name, at->why, e)
			    : at->known->link && !links_send(x, id, dn, at, "set", e))
			return false;
	}
	return primary_group(x, id, dn, sid, g, e);
}

static bool
send_entry(struct ldif_send *x, const struct ldif_record *r, struct err *e)
{
	const struct ldif_group *classes;
	struct ldif_groups g;
	struct attrs as;
	struct err why = { 0 };
	const char *id, *sid;

	if (!ldif_group(r, ldif_send_known, x, x->arena, &g))
		return ldif_send_bad(x, NULL, r->dn, NULL, g.why, e);
	classes = ldif_group_find(&g, "objectClass");
	if (*x->classes && (!classes || classes->why))
		return ldif_send_bad(x, NULL, r->dn, NULL,
			arena_printf(x->arena, "line %zu: the entry has no readable objectClass",
				r->line),
			e);
	if (!class_wanted(x, classes))
		return true;
	x->entries++;
	id = entry_id(x, &g);
	if (!id) {
		x->nameless++;
		return ldif_send_bad(x, NULL, r->dn, NULL,
			arena_printf(x->arena, "line %zu: the entry has no readable identity (%s)",
				r->line, x->ids[0]),
			e);
	}
	sid = entry_sid(x, &g);
	ordinary(x, &g, &as);
	if (!serve_entry(x->s, id, r->dn, NULL, sid, true, &as, &why)) {
		if (why.kind == ERR_OBJECT)
			return ldif_send_bad(x, id, r->dn, NULL, why.text, e);
		if (e)
			*e = why;
		return false;
	}
	return entry_rest(x, id, r->dn, sid, &g, e);
}

/* --- changes --- */

static bool
send_delete(struct ldif_send *x, const struct ldif_record *r, struct err *e)
{
	if (r->count)
		return ldif_send_bad(x, NULL, r->dn, NULL,
			arena_printf(x->arena, "line %zu: nothing may follow changetype: delete",
				r->lines[0].line),
			e);
	return serve_gone(x->s, NULL, r->dn, "delete", e);
}

/* Which group the number means takes the entry's SID, and that is not in the record. */
static bool
mod_primary_group(struct ldif_send *x, const struct ldif_record *r, struct err *e)
{
	if (!asked(x, "primaryGroup") && !asked(x, "primaryGroupID"))
		return true;
	return ldif_send_bad(x, NULL, r->dn, "primaryGroup",
		"primaryGroupID was changed by a record that has no objectSid; write a new content "
		"file",
		e);
}

/* One change of a modify record: the lines from the one that names it to before its "-". */
static bool
send_mod(struct ldif_send *x, const struct ldif_record *r, const char *op, struct ldif_group *g,
	struct err *e)
{
	struct attr at = { g->name, g->count, g->values };
	bool add = strcmp(op, "add") == 0, all = strcmp(op, "replace") == 0 || g->count == 0;
	struct attrs part = { .count = 1, .list = &at };
	struct err why = { 0 };
	bool ok;

	if (ascii_ieq(g->name, "primaryGroupID") && !mod_primary_group(x, r, e))
		return false;
	if (!g->known->asked)
		return true;
	if (g->why)
		return ldif_send_bad(x, NULL, r->dn, g->name, g->why, e);
	if (g->known->link)
		return links_send(x, NULL, r->dn, g, all ? "set" : add ? "add" : "remove", e);
	ok = all ? serve_entry(x->s, NULL, r->dn, NULL, NULL, false, &part, &why)
		 : serve_values(
			   x->s, NULL, r->dn, g->name, add ? &at : NULL, add ? NULL : &at, &why);
	if (!ok && why.kind == ERR_OBJECT)
		return ldif_send_bad(x, NULL, r->dn, g->name, why.text, e);
	if (!ok && e)
		*e = why;
	return ok;
}

static bool
mod_known(const char *op)
{
	return ascii_ieq(op, "add") || ascii_ieq(op, "delete") || ascii_ieq(op, "replace");
}

/* The shape of all changes before any is sent: half a record is never applied. */
static const char *
modify_wrong(const struct ldif_send *x, const struct ldif_record *r)
{
	const struct ldif_line *head = NULL;

	for (size_t i = 0; i < r->count; i++) {
		const struct ldif_line *line = &r->lines[i];

		if (!head) {
			head = line;
			if (line->form != LDIF_PLAIN || !mod_known(line->name) || line->raw.n == 0)
				return arena_printf(x->arena,
					"line %zu: add:, delete: or replace: was expected",
					line->line);
		} else if (line->form == LDIF_DASH) {
			head = NULL;
		} else if (strcasecmp(line->name, head->raw.p) != 0) {
			return arena_printf(x->arena, "line %zu: a value of %s was expected",
				line->line, head->raw.p);
		}
	}
	return NULL;
}

static bool
send_modify(struct ldif_send *x, const struct ldif_record *r, struct err *e)
{
	const char *wrong = modify_wrong(x, r);

	if (wrong)
		return ldif_send_bad(x, NULL, r->dn, NULL, wrong, e);
	for (size_t i = 0; i < r->count; i++) {
		const struct ldif_line *head = &r->lines[i];
		struct ldif_record one = { .line = head->line, .lines = head + 1 };
		struct ldif_group g;

		while (++i < r->count && r->lines[i].form != LDIF_DASH)
			one.count++;
		ldif_group_one(&one, head->raw.p, x->arena, &g);
		g.known = ldif_send_known(x, head->raw.p, head->raw.n);
		if (ascii_ieq(head->name, "add") && g.count == 0 && !g.why)
			continue;
		if (!send_mod(x, r,
			    ascii_ieq(head->name, "replace") ? "replace"
			    : ascii_ieq(head->name, "add")   ? "add"
							     : "delete",
			    &g, e))
			return false;
	}
	return true;
}

bool
ldif_send_record(struct ldif_send *x, const struct ldif_record *r, struct err *e)
{
	struct dn dn;
	struct err why = { 0 };

	arena_reset(x->arena);
	if (++x->done % 256 == 0)
		serve_progress(x->s, x->done, 0, "reading");
	/* Whose absence must not follow has to be named: without a DN that cannot be. */
	if (!r->dn)
		return err_set(e, ERR_SIDE, "bad-ldif", "%s: %s", x->file, r->why);
	if (!dn_parse(r->dn, x->arena, &dn, &why))
		return err_set(e, ERR_SIDE, "bad-ldif", "%s:%zu: %s", x->file, r->line, why.text);
	if (r->why)
		return ldif_send_malformed(x, r, e);
	switch (r->change) {
	case LDIF_CONTENT:
	case LDIF_ADD:
		return send_entry(x, r, e);
	case LDIF_DELETE:
		return send_delete(x, r, e);
	case LDIF_MODIFY:
		return send_modify(x, r, e);
	case LDIF_MODRDN:
		return ldif_send_rename(x, r, &dn, e);
	}
	return true;
}
