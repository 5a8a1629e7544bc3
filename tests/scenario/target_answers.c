/* What the memory target says. */
#include <stdio.h>
#include <string.h>
#include "target_p.h"

/* --- answers --- */

struct jsonw
result_begin(struct buf *out, int64_t id)
{
	struct jsonw j = jsonw(out);

	jsonw_obj(&j, NULL);
	jsonw_str(&j, "type", "result");
	jsonw_int(&j, "id", id);
	return j;
}

bool
result_end(struct jsonw *j, struct buf *out)
{
	jsonw_end(j);
	buf_addc(out, '\n');
	return true;
}

bool
refuse(struct buf *out, int64_t id, const char *kind, const char *code, int64_t wait,
	const char *other)
{
	struct jsonw j = result_begin(out, id);

	jsonw_obj(&j, "error");
	jsonw_str(&j, "kind", kind);
	jsonw_str(&j, "code", code);
	jsonw_str(&j, "message", "as the scenario wants it");
	if (other)
		jsonw_str(&j, "other", other);
	if (wait)
		jsonw_int(&j, "wait", wait);
	jsonw_end(&j);
	return result_end(&j, out);
}

void
version_text(const struct t_object *ob, char out[32])
{
	snprintf(out, 32, "v%lld", (long long)ob->version);
}

static void
write_version(struct jsonw *j, const struct t_object *ob)
{
	char text[32];

	version_text(ob, text);
	jsonw_str(j, "version", text);
}

bool
is_single(const char *attribute)
{
	return strcmp(attribute, "manager") == 0;
}

static void
write_seen(const struct land *w, struct jsonw *j, const struct t_object *ob, const char *but)
{
	jsonw_obj(j, "seen");
	for (const struct t_ref *r = w->no_refs ? NULL : ob->refs; r; r = r->next) {
		if (!is_single(r->attribute))
			continue;
		jsonw_arr(j, r->attribute);
		jsonw_str(j, NULL, r->key);
		jsonw_end(j);
	}
	for (const struct w_attr *a = ob->attrs; a; a = a->next) {
		if (!a->count || (but && strcmp(a->name, but) == 0))
			continue;
		jsonw_arr(j, a->name);
		for (size_t i = 0; i < a->count; i++)
			jsonw_str(j, NULL, a->values[i]);
		jsonw_end(j);
	}
	jsonw_end(j);
}

bool
accept(const struct land *w, struct buf *out, int64_t id, struct t_object *ob, bool seen)
{
	struct jsonw j = result_begin(out, id);

	jsonw_obj(&j, "ok");
	if (ob) {
		jsonw_str(&j, "key", ob->key);
		write_version(&j, ob);
		if (seen)
			write_seen(w, &j, ob, NULL);
	}
	jsonw_end(&j);
	return result_end(&j, out);
}

void
write_found(struct jsonw *j, struct t_object *ob, const char *by)
{
	jsonw_obj(j, NULL);
	jsonw_str(j, "key", ob->key);
	if (ob->external)
		jsonw_str(j, "external", ob->external);
	jsonw_str(j, "name", object_name(ob));
	write_version(j, ob);
	jsonw_str(j, "by", by);
	jsonw_end(j);
}

bool
target_hello(struct land *w, struct buf *out)
{
	struct jsonw j = jsonw(out);

	jsonw_obj(&j, NULL);
	jsonw_str(&j, "type", w->bad_token ? "error" : "hello");
	if (w->bad_token) {
		jsonw_obj(&j, "error");
		jsonw_str(&j, "kind", "config");
		jsonw_str(&j, "code", "token-refused");
		jsonw_str(&j, "message", "the token is refused");
		jsonw_end(&j);
		return result_end(&j, out) && false;
	}
	jsonw_arr(&j, "versions");
	jsonw_int(&j, NULL, WIRE_VERSION);
	jsonw_int(&j, NULL, WIRE_VERSION);
	jsonw_end(&j);
	jsonw_str(&j, "connector", "test-target");
	jsonw_str(&j, "server", "memory");
	jsonw_obj(&j, "kinds");
	for (int k = 0; k < KIND_COUNT; k++) {
		jsonw_obj(&j, kinds[k].name);
		jsonw_arr(&j, "attributes");
		jsonw_end(&j);
		jsonw_end(&j);
	}
	jsonw_end(&j);
	jsonw_obj(&j, "limits");
	jsonw_int(&j, "members", w->members_max);
	jsonw_end(&j);
	jsonw_int(&j, "window", w->window);
	jsonw_int(&j, "settle", w->settle);
	jsonw_arr(&j, "capabilities");
	jsonw_str(&j, NULL, "find");
	if (!w->no_refs)
		jsonw_str(&j, NULL, "list-refs");
	if (!w->no_elements)
		jsonw_str(&j, NULL, "elements");
	if (w->versions)
		jsonw_str(&j, NULL, "version");
	if (!w->no_list)
		jsonw_str(&j, NULL, "list");
	jsonw_end(&j);
	return result_end(&j, out);
}

bool
target_list(struct land *w, int kind, struct buf *out)
{
	int64_t count = 0;
	struct jsonw j;

	for (struct t_object *ob = w->objects; ob; ob = ob->next) {
		if (ob->gone || ob->kind != kind || (w->list_cut && count == w->list_cut))
			continue;
		count++;
		j = jsonw(out);
		jsonw_obj(&j, NULL);
		jsonw_str(&j, "type", "object");
		jsonw_str(&j, "kind", kinds[kind].name);
		jsonw_str(&j, "key", ob->key);
		if (ob->external)
			jsonw_str(&j, "external", ob->external);
		jsonw_str(&j, "name", object_name(ob));
		write_version(&j, ob);
		write_seen(w, &j, ob, w->list_lacks);
		result_end(&j, out);
	}
	j = jsonw(out);
	jsonw_obj(&j, NULL);
	jsonw_str(&j, "type", "end");
	jsonw_bool(&j, "sealed", !w->list_cut);
	jsonw_obj(&j, "counts");
	jsonw_int(&j, "object", count);
	jsonw_end(&j);
	return result_end(&j, out);
}
