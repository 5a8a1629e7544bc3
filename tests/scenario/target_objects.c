/* What the memory target holds: users and groups, unique names without case, references by key. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/map.h"
#include "base/mem.h"
#include "target_p.h"

/* Lists are searched by hash: thousands of objects are looked up thousands of times. */
static uint64_t
hash_of(const char *s)
{
	return hash_bytes(s, strlen(s));
}

struct t_object *
target_find_key(struct land *w, const char *key)
{
	uint64_t hash = key ? hash_of(key) : 0;

	for (struct t_object *ob = w->objects; key && ob; ob = ob->next)
		if (ob->key_hash == hash && !ob->gone && strcmp(ob->key, key) == 0)
			return ob;
	return NULL;
}

struct t_object *
target_find_external(struct land *w, const char *external)
{
	uint64_t hash = external ? hash_of(external) : 0;

	for (struct t_object *ob = w->objects; external && ob; ob = ob->next)
		if (ob->external_hash == hash && !ob->gone && ob->external &&
			strcmp(ob->external, external) == 0)
			return ob;
	return NULL;
}

const char *
object_name(struct t_object *ob)
{
	const struct w_attr *a = w_attr_find(ob->attrs, kinds[ob->kind].name_attribute);

	return a && a->count ? a->values[0] : "";
}

/* Names are unique without case. */
uint64_t
name_hash(const char *name)
{
	CLEAN_BUF struct buf folded = { 0 };

	utf8_fold(name, strlen(name), &folded);
	return hash_bytes(buf_cstr(&folded), folded.n);
}

struct t_object *
target_find_name(struct land *w, int kind, const char *name)
{
	uint64_t hash = name ? name_hash(name) : 0;

	for (struct t_object *ob = w->objects; name && ob; ob = ob->next)
		if (ob->name_hash == hash && !ob->gone && ob->kind == kind)
			return ob;
	return NULL;
}

void
target_put(struct land *w, struct t_object *ob, const char *name, const char *const *values,
	size_t count)
{
	w_attr_put(w, &ob->attrs, name, values, count, 0);
	ob->name_hash = name_hash(object_name(ob));
}

void
target_own(struct land *w, struct t_object *ob, const char *external)
{
	if (target_find_external(w, external))
		w->doubles++;
	ob->external = world_text(w, external);
	ob->external_hash = hash_of(external);
}

struct t_object *
target_add(struct land *w, int kind, const char *external)
{
	struct t_object *ob = world_alloc(w, sizeof(*ob));
	char key[32];

	snprintf(key, sizeof(key), "%c%lld", kinds[kind].name[0], (long long)++w->next_key);
	ob->kind = kind;
	ob->key = world_text(w, key);
	ob->key_hash = hash_of(key);
	if (external)
		target_own(w, ob, external);
	ob->version = 1;
	ob->next = w->objects;
	w->objects = ob;
	return ob;
}

static void
drop_refs_to(struct land *w, const char *key)
{
	for (struct t_object *ob = w->objects; ob; ob = ob->next)
		for (struct t_ref **r = &ob->refs; *r;)
			if (strcmp((*r)->key, key) == 0)
				*r = (*r)->next;
			else
				r = &(*r)->next;
}

void
target_vanish(struct land *w, struct t_object *ob)
{
	ob->gone = true;
	drop_refs_to(w, ob->key);
}

void
ref_drop(struct t_object *ob, const char *attribute, const char *key)
{
	for (struct t_ref **r = &ob->refs; *r;)
		if (strcmp((*r)->attribute, attribute) == 0 &&
			(!key || strcmp((*r)->key, key) == 0))
			*r = (*r)->next;
		else
			r = &(*r)->next;
}

void
ref_add(struct land *w, struct t_object *ob, const char *attribute, const char *key)
{
	struct t_ref *r = world_alloc(w, sizeof(*r));

	ref_drop(ob, attribute, is_single(attribute) ? NULL : key);
	r->attribute = world_text(w, attribute);
	r->key = world_text(w, key);
	r->next = ob->refs;
	ob->refs = r;
}

void
target_ref(
	struct land *w, struct t_object *ob, const char *attribute, const char *key, bool present)
{
	if (present)
		ref_add(w, ob, attribute, key);
	else
		ref_drop(ob, attribute, key);
}

/* --- as text --- */

static int
text_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Takes the strings, gives them sorted and joined. */
static void
put_sorted(char **list, size_t count, const char *between, struct buf *out)
{
	qsort(list, count, sizeof(*list), text_order);
	for (size_t i = 0; i < count; i++) {
		buf_adds(out, i ? between : "");
		buf_adds(out, list[i]);
		free(list[i]);
	}
	free(list);
}

static char *
label(struct land *w, const char *key)
{
	struct t_object *ob = target_find_key(w, key);

	return xstrdup(ob ? (ob->external ? ob->external : object_name(ob)) : "nobody");
}

static void
dump_object(struct land *w, struct t_object *ob, struct buf *out)
{
	char **list = xcalloc(200, sizeof(*list));
	size_t count = 0, refs = 0;

	buf_addf(out, "%s %s", kinds[ob->kind].name, ob->external ? ob->external : "foreign");
	for (const struct w_attr *a = ob->attrs; a; a = a->next) {
		char **values = xcalloc(a->count + 1, sizeof(*values));
		CLEAN_BUF struct buf one = { 0 };

		if (!a->count || count == 200) {
			free(values);
			continue;
		}
		for (size_t i = 0; i < a->count; i++)
			values[i] = xstrdup(a->values[i]);
		buf_addf(&one, " %s=", a->name);
		put_sorted(values, a->count, "|", &one);
		list[count++] = xstrdup(buf_cstr(&one));
	}
	put_sorted(list, count, "", out);
	for (const struct t_ref *r = ob->refs; r; r = r->next)
		refs++;
	list = xcalloc(refs + 1, sizeof(*list));
	count = 0;
	for (const struct t_ref *r = ob->refs; r; r = r->next) {
		CLEAN_FREE char *to = label(w, r->key);

		list[count++] = xasprintf(" %s>%s", r->attribute, to);
	}
	put_sorted(list, count, "", out);
}

void
target_dump(struct land *w, struct buf *out)
{
	size_t count = 0, n = 0;
	char **list;

	for (const struct t_object *ob = w->objects; ob; ob = ob->next)
		count += !ob->gone;
	list = xcalloc(count + 1, sizeof(*list));
	for (struct t_object *ob = w->objects; ob; ob = ob->next) {
		CLEAN_BUF struct buf one = { 0 };

		if (ob->gone)
			continue;
		dump_object(w, ob, &one);
		list[n++] = xstrdup(buf_cstr(&one));
	}
	put_sorted(list, n, "\n", out);
	buf_addc(out, '\n');
}
