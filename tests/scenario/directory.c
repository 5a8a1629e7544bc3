/* The directory of a world and its history. */
#include <stdio.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"
#include "world.h"

struct w_entry *
dir_find(struct land *w, const char *handle)
{
	for (struct w_entry *en = w->entries; en; en = en->next)
		if (ascii_ieq(en->handle, handle))
			return en;
	return NULL;
}

void
dir_dn(const struct w_entry *en, struct buf *out)
{
	buf_adds(out, en->rdn);
	if (en->parent) {
		buf_addc(out, ',');
		dir_dn(en->parent, out);
	}
}

bool
dir_visible(const struct w_entry *en)
{
	for (; en; en = en->parent)
		if (en->gone || en->denied)
			return false;
	return true;
}

const struct w_attr *
dir_get(const struct w_entry *en, const char *name)
{
	return w_attr_find(en->attrs, name);
}

/* --- the record, for files of changes --- */

static void
record_add(struct land *w, const struct buf *line)
{
	struct w_record *r = world_alloc(w, sizeof(*r));

	r->change = w->change;
	r->line = world_text(w, buf_cstr(line));
	if (w->log_last)
		w->log_last->next = r;
	else
		w->log = r;
	w->log_last = r;
}

static struct jsonw
record_begin(struct buf *line, const char *type, const struct w_entry *en)
{
	CLEAN_BUF struct buf dn = { 0 };
	struct jsonw j = jsonw(line);

	jsonw_obj(&j, NULL);
	jsonw_str(&j, "type", type);
	dir_dn(en, &dn);
	jsonw_str(&j, "dn", buf_cstr(&dn));
	return j;
}

static void
record_entry(struct land *w, const struct w_entry *en)
{
	CLEAN_BUF struct buf line = { 0 };
	struct jsonw j;

	if (!w->file_like)
		return;
	j = record_begin(&line, "entry", en);
	jsonw_str(&j, "id", en->id);
	jsonw_obj(&j, "full");
	for (const struct w_attr *a = en->attrs; a; a = a->next) {
		if (!a->count)
			continue;
		jsonw_arr(&j, a->name);
		for (size_t i = 0; i < a->count; i++)
			jsonw_str(&j, NULL, a->values[i]);
		jsonw_end(&j);
	}
	jsonw_end(&j);
	jsonw_end(&j);
	record_add(w, &line);
}

static void
record_part(struct land *w, const struct w_entry *en, const struct w_attr *a)
{
	CLEAN_BUF struct buf line = { 0 };
	struct jsonw j;

	if (!w->file_like)
		return;
	j = record_begin(&line, "entry", en);
	jsonw_obj(&j, "part");
	jsonw_arr(&j, a->name);
	for (size_t i = 0; i < a->count; i++)
		jsonw_str(&j, NULL, a->values[i]);
	jsonw_end(&j);
	jsonw_end(&j);
	jsonw_end(&j);
	record_add(w, &line);
}

static void
record_link(struct land *w, const struct w_entry *en, const struct w_link *l)
{
	CLEAN_BUF struct buf line = { 0 }, dn = { 0 };
	struct jsonw j;

	if (!w->file_like)
		return;
	j = record_begin(&line, "links", en);
	jsonw_str(&j, "attribute", l->attribute);
	jsonw_arr(&j, l->present ? "add" : "remove");
	jsonw_obj(&j, NULL);
	dir_dn(l->to, &dn);
	jsonw_str(&j, "dn", buf_cstr(&dn));
	jsonw_end(&j);
	jsonw_end(&j);
	jsonw_end(&j);
	record_add(w, &line);
	buf_free(&dn);
}

static void
record_rename(struct land *w, const struct w_entry *en, const char *old_dn)
{
	CLEAN_BUF struct buf line = { 0 }, dn = { 0 };
	struct jsonw j = jsonw(&line);

	if (!w->file_like)
		return;
	jsonw_obj(&j, NULL);
	jsonw_str(&j, "type", "rename");
	jsonw_str(&j, "dn", old_dn);
	dir_dn(en, &dn);
	jsonw_str(&j, "new_dn", buf_cstr(&dn));
	jsonw_end(&j);
	record_add(w, &line);
}

static void
record_gone(struct land *w, const struct w_entry *en)
{
	CLEAN_BUF struct buf line = { 0 };
	struct jsonw j;

	if (!w->file_like)
		return;
	j = record_begin(&line, "gone", en);
	jsonw_str(&j, "proof", "delete");
	jsonw_end(&j);
	record_add(w, &line);
}

/* --- changes --- */

static int64_t
change_next(struct land *w, struct w_entry *en)
{
	en->changed = ++w->change;
	en->changed_at = world_now(w);
	return w->change;
}

struct w_entry *
dir_add(struct land *w, const char *class, const char *handle, struct w_entry *parent)
{
	struct w_entry *en = world_alloc(w, sizeof(*en));
	bool ou = strcmp(class, "organizationalUnit") == 0;
	char text[256];

	en->handle = world_text(w, handle);
	en->class = world_text(w, class);
	en->parent = parent;
	w->next_id++;
	snprintf(text, sizeof(text), "00000000-0000-4000-8000-%012lld", (long long)w->next_id);
	en->id = world_text(w, text);
	snprintf(text, sizeof(text), "S-1-5-21-1-2-3-%lld", (long long)(1000 + w->next_id));
	en->sid = world_text(w, text);
	if (parent)
		snprintf(text, sizeof(text), "%s=%s", ou ? "OU" : "CN", handle);
	else
		snprintf(text, sizeof(text), "DC=x");
	en->rdn = world_text(w, text);
	en->created = change_next(w, en);
	if (w->entries_last)
		w->entries_last->next = en;
	else
		w->entries = w->root = en;
	w->entries_last = en;
	w_attr_put(w, &en->attrs, "objectClass", &class, 1, w->change);
	if (!ou && parent)
		w_attr_put(w, &en->attrs, "cn", &handle, 1, w->change);
	record_entry(w, en);
	return en;
}

void
dir_set(struct land *w, struct w_entry *en, const char *name, const char *const *values,
	size_t count)
{
	change_next(w, en);
	w_attr_put(w, &en->attrs, name, values, count, w->change);
	record_part(w, en, w_attr_find(en->attrs, name));
}

void
dir_rename(struct land *w, struct w_entry *en, const char *cn)
{
	CLEAN_BUF struct buf old = { 0 }, rdn = { 0 };

	dir_dn(en, &old);
	change_next(w, en);
	buf_addf(&rdn, "%.*s=%s", (int)strcspn(en->rdn, "="), en->rdn, cn);
	en->rdn = world_text(w, buf_cstr(&rdn));
	record_rename(w, en, buf_cstr(&old));
	if (str_starts(str_c(en->rdn), "CN=")) {
		w_attr_put(w, &en->attrs, "cn", &cn, 1, w->change);
		record_part(w, en, w_attr_find(en->attrs, "cn"));
	}
}

void
dir_move(struct land *w, struct w_entry *en, struct w_entry *to)
{
	CLEAN_BUF struct buf old = { 0 };

	dir_dn(en, &old);
	change_next(w, en);
	en->parent = to;
	record_rename(w, en, buf_cstr(&old));
}

void
dir_delete(struct land *w, struct w_entry *en)
{
	record_gone(w, en);
	en->deleted = change_next(w, en);
	if (w->log_last)
		w->log_last->change = w->change;
	en->gone = true;
}

/* Links come back with it, as the recycle bin does it. */
void
dir_restore(struct land *w, struct w_entry *en)
{
	en->gone = false;
	en->restored = change_next(w, en);
	record_entry(w, en);
	for (struct w_link *l = en->links; l; l = l->next)
		if (l->present) {
			l->changed = w->change;
			record_link(w, en, l);
		}
	for (struct w_entry *o = w->entries; o; o = o->next)
		for (struct w_link *l = o->links; l; l = l->next)
			if (l->to == en && l->present && !o->gone) {
				o->changed = l->changed = ++w->change;
				record_link(w, o, l);
			}
}

static struct w_link *
link_find(const struct w_entry *en, const char *attribute, const struct w_entry *to)
{
	for (struct w_link *l = en->links; l; l = l->next)
		if (l->to == to && ascii_ieq(l->attribute, attribute))
			return l;
	return NULL;
}

bool
dir_linked(const struct w_entry *en, const char *attribute, const struct w_entry *to)
{
	const struct w_link *l = link_find(en, attribute, to);

	return l && l->present && !to->gone;
}

void
dir_link(
	struct land *w, struct w_entry *en, const char *attribute, struct w_entry *to, bool present)
{
	struct w_link *l = link_find(en, attribute, to);

	if (!l) {
		if (!present)
			return;
		l = world_alloc(w, sizeof(*l));
		l->attribute = world_text(w, attribute);
		l->to = to;
		l->next = en->links;
		en->links = l;
	}
	l->present = present;
	l->changed = change_next(w, en);
	record_link(w, en, l);
}
