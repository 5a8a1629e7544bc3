/* Rows of a scenario that change the world. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "world.h"

bool
row_split(const char *text, struct arena *a, struct row *row_r, struct err *e)
{
	const char *p = text;

	*row_r = (struct row){ .arena = a };
	for (;;) {
		CLEAN_BUF struct buf word = { 0 };
		bool quoted = false;

		p += strspn(p, " \t");
		if (!*p || *p == '#')
			return true;
		for (; *p && (quoted || !strchr(" \t", *p)); p++)
			if (*p == '"')
				quoted = !quoted;
			else
				buf_addc(&word, *p);
		if (quoted)
			return err_set(e, ERR_CONFIG, "bad-row", "a quote is not closed");
		if (row_r->count == ROW_WORDS)
			return err_set(e, ERR_CONFIG, "bad-row", "too many words");
		row_r->words[row_r->count++] = arena_strdup(a, buf_cstr(&word));
	}
}

const char *
row_value(const struct row *r, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 1; i < r->count; i++)
		if (strncmp(r->words[i], name, n) == 0 && r->words[i][n] == '=')
			return r->words[i] + n + 1;
	return NULL;
}

static bool
no_entry(struct err *e, const char *handle)
{
	return err_set(e, ERR_CONFIG, "bad-row", "nobody is called %s", handle);
}

/* "a,b,c" by turns; *p is moved on. NULL at the end. */
static const char *
list_next(const char **p, const char *between, struct arena *a)
{
	size_t n = strcspn(*p, between);
	const char *one;

	if (!**p)
		return NULL;
	one = arena_strndup(a, *p, n);
	*p += n + ((*p)[n] ? 1 : 0);
	return one;
}

static bool
link_list(struct land *w, struct w_entry *en, const char *attribute, const char *list,
	struct arena *a, struct err *e)
{
	const char *one;

	while ((one = list_next(&list, ",", a))) {
		struct w_entry *to = dir_find(w, one);

		if (!to)
			return no_entry(e, one);
		dir_link(w, en, attribute, to, true);
	}
	return true;
}

/* attribute=value words; "-" or nothing removes; a|b are two values. */
static bool
set_words(struct land *w, struct w_entry *en, const struct row *r, size_t from, struct err *e)
{
	for (size_t i = from; i < r->count; i++) {
		const char *values[WORLD_ATTRS], *eq = strchr(r->words[i], '='), *list;
		size_t count = 0;
		char *name;

		if (!eq)
			return err_set(
				e, ERR_CONFIG, "bad-row", "%s is not NAME=VALUE", r->words[i]);
		name = arena_strndup(r->arena, r->words[i], (size_t)(eq - r->words[i]));
		if (strcmp(name, "in") == 0 || strcmp(name, "member") == 0 ||
			strcmp(name, "manager") == 0 || strcmp(name, "class") == 0)
			continue;
		list = eq + 1;
		while (strcmp(eq + 1, "-") != 0 && count < WORLD_ATTRS &&
			(values[count] = list_next(&list, "|", r->arena)))
			count++;
		dir_set(w, en, name, values, count);
	}
	return true;
}

static void
set_one(struct land *w, struct w_entry *en, const char *name, const char *value)
{
	dir_set(w, en, name, &value, 1);
}

static bool
add_one(struct land *w, const struct row *r, const char *class, const char *handle,
	enum row_pass pass, struct err *e)
{
	const char *in = row_value(r, "in"), *member = row_value(r, "member"),
		   *manager = row_value(r, "manager");
	struct w_entry *en = dir_find(w, handle), *parent = in ? dir_find(w, in) : w->root;

	if (pass & ROW_ENTRIES) {
		if (en || !parent)
			return en ? err_set(e, ERR_CONFIG, "bad-row", "%s is there already", handle)
				  : no_entry(e, in);
		en = dir_add(
			w, row_value(r, "class") ? row_value(r, "class") : class, handle, parent);
		if (strcmp(class, "organizationalUnit") != 0 && !row_value(r, "sAMAccountName"))
			set_one(w, en, "sAMAccountName", handle);
		if (strcmp(class, "user") == 0) {
			CLEAN_FREE char *mail = xasprintf("%s@x.example", handle);

			if (!row_value(r, "mail"))
				set_one(w, en, "mail", mail);
			if (!row_value(r, "userAccountControl"))
				set_one(w, en, "userAccountControl", "512");
		}
		if (!set_words(w, en, r, 2, e))
			return false;
	}
	if (!(pass & ROW_LINKS) || !en)
		return true;
	return (!member || link_list(w, en, "member", member, r->arena, e)) &&
	       (!manager || link_list(w, en, "manager", manager, r->arena, e));
}

/* "users PREFIX COUNT ...": PREFIX1 to PREFIXn. */
static bool
add_many(struct land *w, struct row *r, enum row_pass pass, struct err *e)
{
	long count = r->count > 2 ? strtol(r->words[2], NULL, 10) : 0;
	struct row one = *r;

	memmove(&one.words[2], &r->words[3], (r->count - 2) * sizeof(*r->words));
	one.count--;
	for (long i = 1; i <= count; i++) {
		CLEAN_FREE char *handle = xasprintf("%s%ld", r->words[1], i);

		if (!add_one(w, &one, "user", handle, pass, e))
			return false;
	}
	return count > 0 || err_set(e, ERR_CONFIG, "bad-row", "users PREFIX COUNT");
}

static bool
members_change(struct land *w, struct w_entry *en, const struct row *r, struct err *e)
{
	for (size_t i = 2; i < r->count; i++) {
		const char *word = r->words[i];
		struct w_entry *to = dir_find(w, word + 1);

		if (!to || !strchr("+-", *word))
			return no_entry(e, word);
		dir_link(w, en, "member", to, *word == '+');
	}
	return true;
}

/* "members GROUP + PREFIX FROM TO" */
static bool
members_many(struct land *w, struct w_entry *en, const struct row *r, struct err *e)
{
	if (r->count != 6)
		return err_set(e, ERR_CONFIG, "bad-row", "members GROUP +|- PREFIX FROM TO");
	for (long i = strtol(r->words[4], NULL, 10); i <= strtol(r->words[5], NULL, 10); i++) {
		CLEAN_FREE char *handle = xasprintf("%s%ld", r->words[3], i);
		struct w_entry *to = dir_find(w, handle);

		if (!to)
			return no_entry(e, handle);
		dir_link(w, en, "member", to, *r->words[2] == '+');
	}
	return true;
}

static bool
expire(struct land *w, struct w_entry *en, const char *when, struct err *e)
{
	char text[32] = "0";
	int64_t in;

	if (strcmp(when, "never") != 0) {
		if (*when != '+' || !duration_parse(when + 1, &in))
			return err_set(e, ERR_CONFIG, "bad-row", "expire NAME +2d, or never");
		snprintf(text, sizeof(text), "%lld",
			(long long)((world_now(w) + w->skew + in + 11644473600) * 10000000));
	}
	set_one(w, en, "accountExpires", text);
	return true;
}

static bool
manager_change(struct land *w, struct w_entry *en, const char *boss, struct err *e)
{
	struct w_entry *to = dir_find(w, boss);

	if (!to && strcmp(boss, "-") != 0)
		return no_entry(e, boss);
	for (struct w_link *l = en->links; l; l = l->next)
		if (strcmp(l->attribute, "manager") == 0 && l->present && l->to != to)
			dir_link(w, en, "manager", l->to, false);
	if (to)
		dir_link(w, en, "manager", to, true);
	return true;
}

static bool
verb_row(struct land *w, const struct row *r, struct err *e)
{
	const char *verb = r->words[0], *arg = r->count > 2 ? r->words[2] : "";
	struct w_entry *en = r->count > 1 ? dir_find(w, r->words[1]) : NULL;

	if (!en)
		return no_entry(e, r->count > 1 ? r->words[1] : "");
	if (strcmp(verb, "set") == 0)
		return set_words(w, en, r, 2, e);
	if (strcmp(verb, "member") == 0)
		return members_change(w, en, r, e);
	if (strcmp(verb, "members") == 0)
		return members_many(w, en, r, e);
	if (strcmp(verb, "manager") == 0)
		return manager_change(w, en, arg, e);
	if (strcmp(verb, "expire") == 0)
		return expire(w, en, arg, e);
	if (strcmp(verb, "rename") == 0)
		dir_rename(w, en, arg);
	else if (strcmp(verb, "move") == 0) {
		if (!dir_find(w, arg))
			return no_entry(e, arg);
		dir_move(w, en, dir_find(w, arg));
	} else if (strcmp(verb, "delete") == 0)
		dir_delete(w, en);
	else if (strcmp(verb, "restore") == 0)
		dir_restore(w, en);
	else if (strcmp(verb, "disable") == 0)
		set_one(w, en, "userAccountControl", "514");
	else if (strcmp(verb, "enable") == 0)
		set_one(w, en, "userAccountControl", "512");
	else if (strcmp(verb, "deny") == 0)
		en->denied = true;
	else if (strcmp(verb, "allow") == 0)
		en->denied = false;
	else if (strcmp(verb, "bad") == 0)
		en->bad = strcmp(arg, "-") == 0
				  ? NULL
				  : world_text(w, strcmp(arg, "entry") == 0 ? "" : arg);
	else
		return err_set(e, ERR_CONFIG, "bad-row", "%s is no change", verb);
	return true;
}

static bool
change_pass(struct land *w, const char *text, enum row_pass pass, struct err *e)
{
	static const char *const classes[][2] = { { "ou", "organizationalUnit" },
		{ "user", "user" }, { "group", "group" }, { "contact", "contact" } };
	CLEAN_ARENA struct arena *a = arena_new();
	struct row r;

	if (!row_split(text, a, &r, e))
		return false;
	if (!r.count)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(classes); i++)
		if (strcmp(r.words[0], classes[i][0]) == 0 && r.count > 1)
			return add_one(w, &r, classes[i][1], r.words[1], pass, e);
	if (strcmp(r.words[0], "users") == 0)
		return add_many(w, &r, pass, e);
	return !(pass & ROW_LINKS) || verb_row(w, &r, e);
}

bool
change_rows(struct land *w, const char *const *rows, size_t count, struct err *e)
{
	for (int pass = ROW_ENTRIES; pass <= ROW_LINKS; pass <<= 1)
		for (size_t i = 0; i < count; i++)
			if (!change_pass(w, rows[i], (enum row_pass)pass, e))
				return false;
	return true;
}

bool
change_row(struct land *w, const char *row, struct err *e)
{
	return change_rows(w, &row, 1, e);
}

/* --- the target --- */

/* Whoever is called so in the directory, or at the target. */
static struct t_object *
named_there(struct land *w, const char *name)
{
	const struct w_entry *en = dir_find(w, name);
	struct t_object *ob = en ? target_find_external(w, en->id) : NULL;

	for (int k = 0; !ob && k < KIND_COUNT; k++)
		ob = target_find_name(w, k, name);
	return ob;
}

/* members=anna,+bert,-carl: without a sign the list is these; "-": none. */
static bool
put_refs(struct land *w, struct t_object *ob, const char *attribute, const char *list,
	struct arena *a, struct err *e)
{
	const char *one;

	if (*list != '+' && (*list != '-' || !list[1]))
		target_ref(w, ob, attribute, NULL, false);
	if (strcmp(list, "-") == 0)
		return true;
	while ((one = list_next(&list, ",", a))) {
		bool sign = *one == '+' || *one == '-';
		const struct t_object *to = named_there(w, one + sign);

		if (!to)
			return no_entry(e, one);
		target_ref(w, ob, attribute, to->key, *one != '-');
	}
	return true;
}

static bool
put_words(struct land *w, struct t_object *ob, const struct row *r, size_t from, struct err *e)
{
	for (size_t i = from; i < r->count; i++) {
		const char *values[WORLD_ATTRS], *eq = strchr(r->words[i], '='), *list, *name;
		size_t count = 0;

		if (!eq)
			return err_set(
				e, ERR_CONFIG, "bad-row", "%s is not NAME=VALUE", r->words[i]);
		list = eq + 1;
		name = arena_strndup(r->arena, r->words[i], (size_t)(eq - r->words[i]));
		if (strcmp(name, "members") == 0 || strcmp(name, "manager") == 0) {
			if (!put_refs(w, ob, name, list, r->arena, e))
				return false;
			continue;
		}
		while (count < WORLD_ATTRS && (values[count] = list_next(&list, "|", r->arena)))
			count++;
		target_put(w, ob, name, values, count);
	}
	return true;
}

static bool
foreign(struct land *w, const struct row *r, struct err *e)
{
	const struct kind *k = r->count > 2 ? kind_find(r->words[1]) : NULL;
	struct t_object *ob;
	size_t from = 2;

	if (!k)
		return err_set(e, ERR_CONFIG, "bad-row",
			"foreign user|group [of=ENTRY|id=ID] NAME=VALUE...");
	if (row_value(r, "of")) { /* it bears an identity of ours: our state was lost, say */
		const struct w_entry *en = dir_find(w, row_value(r, "of"));

		if (!en)
			return no_entry(e, row_value(r, "of"));
		ob = target_add(w, (int)(k - kinds), en->id);
		from = 3;
	} else if (row_value(r, "id")) { /* another tool's */
		ob = target_add(w, (int)(k - kinds), row_value(r, "id"));
		from = 3;
	} else {
		ob = target_add(w, (int)(k - kinds), NULL);
	}
	return put_words(w, ob, r, from, e);
}

bool
target_row(struct land *w, const char *text, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	const struct w_entry *en;
	struct t_object *ob;
	struct row r;

	if (!row_split(text, a, &r, e))
		return false;
	if (!r.count)
		return true;
	if (strcmp(r.words[0], "foreign") == 0)
		return foreign(w, &r, e);
	en = r.count > 1 ? dir_find(w, r.words[1]) : NULL;
	if (!en)
		return no_entry(e, r.count > 1 ? r.words[1] : "");
	ob = target_find_external(w, en->id);
	if (strcmp(r.words[0], "refuse") == 0 && r.count > 2) {
		struct t_refusal *f = world_alloc(w, sizeof(*f));
		const char *kind = row_value(&r, "kind"), *op = row_value(&r, "op");

		f->external = en->id;
		f->code = world_text(w, r.words[2]);
		f->kind = world_text(w, kind ? kind : "object");
		f->op = op ? world_text(w, op) : NULL;
		f->next = w->refusals;
		w->refusals = f;
	} else if (strcmp(r.words[0], "accept") == 0) {
		for (struct t_refusal **f = &w->refusals; *f;)
			if (strcmp((*f)->external, en->id) == 0)
				*f = (*f)->next;
			else
				f = &(*f)->next;
	} else if (strcmp(r.words[0], "vanish") == 0 && ob) {
		target_vanish(w, ob);
	} else if (strcmp(r.words[0], "own") == 0 && ob && r.count > 2) {
		target_own(w, ob, r.words[2]);
	} else if (strcmp(r.words[0], "edit") == 0 && ob) {
		ob->version++;
		return put_words(w, ob, &r, 2, e);
	} else {
		return err_set(e, ERR_CONFIG, "bad-row", "%s is nothing a target can do to %s",
			r.words[0], r.count > 1 ? r.words[1] : "nobody");
	}
	return true;
}
