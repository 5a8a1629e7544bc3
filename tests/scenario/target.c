/* The memory target: users and groups, unique names without case, references by key. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "world.h"

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
static uint64_t
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

/* --- answers --- */

static struct jsonw
result_begin(struct buf *out, int64_t id)
{
	struct jsonw j = jsonw(out);

	jsonw_obj(&j, NULL);
	jsonw_str(&j, "type", "result");
	jsonw_int(&j, "id", id);
	return j;
}

static bool
result_end(struct jsonw *j, struct buf *out)
{
	jsonw_end(j);
	buf_addc(out, '\n');
	return true;
}

static bool
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

static void
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

static bool
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

static bool
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

/* --- operations --- */

struct asked {
	struct land *w;
	const struct json *j;
	struct buf *out;
	int64_t id;
	int kind;
	const char *op, *key, *external, *name;
	struct t_object *ob; /* by key */
};

static void
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

static bool
op_find(struct asked *q)
{
	struct t_object *by_id = target_find_external(q->w, q->external);
	uint64_t hash = q->name ? name_hash(q->name) : 0;
	struct jsonw j = result_begin(q->out, q->id);

	q->w->finds++;
	jsonw_obj(&j, "ok");
	jsonw_arr(&j, "found");
	if (by_id && by_id->kind == q->kind)
		write_found(&j, by_id, "external");
	for (struct t_object *ob = q->w->objects; q->name && ob; ob = ob->next)
		if (ob->name_hash == hash && !ob->gone && ob->kind == q->kind && ob != by_id)
			write_found(&j, ob, "name");
	jsonw_end(&j);
	jsonw_end(&j);
	return result_end(&j, q->out);
}

/* A service that normalizes: spaces at the ends go, addresses become lower-case. */
static const char *
normal(struct land *w, const char *name, const char *value)
{
	struct str s = str_c(value);
	CLEAN_FREE char *copy = NULL;

	if (!w->normalize)
		return value;
	s = str_trim(s);
	copy = xstrndup(s.p, s.n);
	if (str_starts(str_c(name), "emails"))
		ascii_lower(copy);
	return world_text(w, copy);
}

/* One more value, unless it is there. */
static bool
put_value(const char **values, size_t *count, const char *v)
{
	for (size_t i = 0; i < *count; i++)
		if (strcmp(values[i], v) == 0)
			return true;
	if (*count == WORLD_ATTRS)
		return false;
	values[(*count)++] = v;
	return true;
}

static bool
list_names(const struct json *list, const char *v)
{
	json_for_each(it, list)
		if (json_string(it) && strcmp(json_string(it), v) == 0)
			return true;
	return false;
}

static void
take_attrs(struct land *w, struct t_object *ob, const struct json *attrs)
{
	json_for_each(a, attrs) {
		bool elements = json_type(a) == JSON_OBJECT;
		const struct w_attr *old = elements ? w_attr_find(ob->attrs, json_key(a)) : NULL;
		const char *values[WORLD_ATTRS];
		size_t count = 0;

		for (size_t i = 0; old && i < old->count; i++)
			if (!list_names(json_get(a, "remove"), old->values[i]))
				put_value(values, &count, old->values[i]);
		json_for_each(v, elements ? json_get(a, "add") : a) {
			if (!json_string(v) || !put_value(values, &count,
						       normal(w, json_key(a), json_string(v)))) {
				world_trouble(w, "attribute %s cannot be held", json_key(a));
				return;
			}
		}
		if (strcmp(json_key(a), "active") == 0 && count && strcmp(values[0], "false") == 0)
			w->disables++;
		target_put(w, ob, json_key(a), values, count);
	}
	ob->version++;
}

/* The unique name asked for belongs to another object: that one. */
static struct t_object *
name_owner(struct asked *q, const struct t_object *self)
{
	const struct json *attrs = json_get(q->j, "attrs");
	const struct json *name = json_first(json_get(attrs, kinds[q->kind].name_attribute));
	struct t_object *ob = name ? target_find_name(q->w, q->kind, json_string(name)) : NULL;

	return ob == self ? NULL : ob;
}

static bool
op_create(struct asked *q)
{
	struct t_object *owner = name_owner(q, NULL);

	if (owner)
		return refuse(q->out, q->id, "object", "name-taken", 0, owner->key);
	q->ob = target_add(q->w, q->kind, q->external);
	q->w->creates++;
	take_attrs(q->w, q->ob, json_get(q->j, "attrs"));
	return accept(q->w, q->out, q->id, q->ob, !q->w->silent_seen);
}

/* A service that minds versions: the one that was sent is not that of the object. */
static bool
is_stale(const struct asked *q)
{
	const char *sent = json_get_string(q->j, "version");
	char now[32];

	if (!q->w->versions || !sent || !q->ob)
		return false;
	version_text(q->ob, now);
	return strcmp(sent, now) != 0;
}

static bool
op_update(struct asked *q)
{
	struct t_object *owner = name_owner(q, q->ob);

	if (is_stale(q))
		return refuse(q->out, q->id, "object", "stale", 0, NULL);
	if (owner)
		return refuse(q->out, q->id, "object", "name-taken", 0, owner->key);
	if (q->external && (!q->ob->external || strcmp(q->ob->external, q->external) != 0))
		target_own(q->w, q->ob, q->external);
	take_attrs(q->w, q->ob, json_get(q->j, "attrs"));
	return accept(q->w, q->out, q->id, q->ob, !q->w->silent_seen);
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

static bool
op_delete(struct asked *q)
{
	if (is_stale(q))
		return refuse(q->out, q->id, "object", "stale", 0, NULL);
	if (q->ob) {
		q->w->deletes++;
		target_vanish(q->w, q->ob);
	}
	return accept(q->w, q->out, q->id, NULL, !q->w->silent_seen);
}

static void
ref_drop(struct t_object *ob, const char *attribute, const char *key)
{
	for (struct t_ref **r = &ob->refs; *r;)
		if (strcmp((*r)->attribute, attribute) == 0 &&
			(!key || strcmp((*r)->key, key) == 0))
			*r = (*r)->next;
		else
			r = &(*r)->next;
}

static void
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

/* Three ends a line, so that chunks are met with. */
static bool
op_list_refs(struct asked *q)
{
	const char *attribute = json_get_string(q->j, "attribute");
	const struct t_ref *r = q->ob->refs;
	int64_t count = 0;
	struct jsonw j;

	while (attribute && r) {
		j = jsonw(q->out);
		jsonw_obj(&j, NULL);
		jsonw_str(&j, "type", "refs");
		jsonw_int(&j, "id", q->id);
		jsonw_arr(&j, "set");
		for (int n = 0; n < 3 && r; r = r->next) {
			const struct t_object *to = target_find_key(q->w, r->key);

			if (strcmp(r->attribute, attribute) != 0)
				continue;
			jsonw_obj(&j, NULL);
			jsonw_str(&j, "key", r->key);
			if (to)
				jsonw_str(&j, "kind", kinds[to->kind].name);
			jsonw_end(&j);
			count++;
			n++;
		}
		jsonw_end(&j);
		jsonw_end(&j);
		buf_addc(q->out, '\n');
	}
	j = result_begin(q->out, q->id);
	jsonw_obj(&j, "ok");
	jsonw_int(&j, "refs", count);
	jsonw_end(&j);
	return result_end(&j, q->out);
}

static bool
op_refs(struct asked *q)
{
	const char *attribute = json_get_string(q->j, "attribute");
	const struct json *add = json_get(q->j, "add"), *remove = json_get(q->j, "remove");

	if (!attribute) {
		world_trouble(q->w, "refs without attribute");
		return false;
	}
	if ((int64_t)(json_count(add) + json_count(remove)) > q->w->members_max)
		q->w->members_over++;
	json_for_each(it, add)
		if (!target_find_key(q->w, json_get_string(it, "key")))
			return refuse(q->out, q->id, "object", "no-such-reference", 0,
				json_get_string(it, "key"));
	json_for_each(it, remove) /* a removal of a single value clears it, whatever it is */
		ref_drop(
			q->ob, attribute, is_single(attribute) ? NULL : json_get_string(it, "key"));
	json_for_each(it, add)
		ref_add(q->w, q->ob, attribute, json_get_string(it, "key"));
	q->ob->version++;
	return accept(q->w, q->out, q->id, q->ob, !q->w->silent_seen);
}

static bool
is_disable(const struct asked *q)
{
	const struct json *active = json_first(json_get(json_get(q->j, "attrs"), "active"));

	return active && strcmp(json_string(active), "false") == 0;
}

static const struct t_refusal *
refused(const struct asked *q)
{
	const char *external = q->ob ? q->ob->external : q->external;

	for (const struct t_refusal *r = q->w->refusals; r; r = r->next)
		if (external && strcmp(r->external, external) == 0 &&
			(!r->op || strcmp(r->op, strcmp(r->op, "disable") ? q->op
						 : is_disable(q)          ? "disable"
									  : "") == 0))
			return r;
	return NULL;
}

static void
later_happens(struct land *w)
{
	for (struct w_later *l = w->later; l; l = l->next) {
		struct err e;

		if (l->done || w->calls < l->at_call)
			continue;
		l->done = true;
		if (!change_row(w, l->row, &e))
			world_trouble(w, "%s: %s", l->row, e.text);
	}
}

static bool
operation(struct asked *q)
{
	static const struct {
		const char *name;
		bool writes, needs; /* needs what the key names */
		bool (*perform)(struct asked *q);
	} ops[] = { { "find", false, false, op_find }, { "get", false, true, NULL },
		{ "create", true, false, op_create }, { "update", true, true, op_update },
		{ "delete", true, false, op_delete }, { "refs", true, true, op_refs },
		{ "list-refs", false, true, op_list_refs } };
	const struct t_refusal *r;
	size_t i = 0;

	while (i < ARRAY_LEN(ops) && strcmp(ops[i].name, q->op) != 0)
		i++;
	if (i == ARRAY_LEN(ops)) {
		world_trouble(q->w, "unknown operation %s", q->op);
		return false;
	}
	q->w->calls++;
	q->w->now_ms += q->w->call_ms;
	later_happens(q->w);
	if (q->w->inject_id == q->id) {
		q->w->inject_id = 0;
		return refuse(q->out, q->id, q->w->inject_kind, q->w->inject_code,
			q->w->inject_wait, NULL);
	}
	q->ob = target_find_key(q->w, q->key);
	if (q->ob && q->ob->kind != q->kind)
		world_trouble(q->w, "%s of %s as a %s", q->op, q->key, kinds[q->kind].name);
	if (ops[i].needs && !q->ob)
		return refuse(q->out, q->id, "object", "gone", 0, NULL);
	q->w->writes += ops[i].writes;
	r = refused(q);
	if (r && (ops[i].writes || r->op)) /* a look only when it is named */
		return refuse(q->out, q->id, r->kind, r->code, 0, NULL);
	return ops[i].perform ? ops[i].perform(q) : accept(q->w, q->out, q->id, q->ob, true);
}

static bool
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

void
target_later(struct land *w, struct str line)
{
	CLEAN_FREE char *text = xstrndup(line.p, line.n);

	w->late = world_text(w, text);
	w->late_at = w->now_ms + (w->settle - 1) * 1000;
}

static bool take(struct land *w, struct str line, struct buf *out);

static bool
list(struct land *w, int kind, struct buf *out)
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

bool
world_target(void *ctx, struct str line, struct buf *out)
{
	struct land *w = ctx;

	if (w->late && w->now_ms >= w->late_at) {
		CLEAN_BUF struct buf unheard = { 0 };
		struct str late = str_c(w->late);

		w->late = NULL;
		take(w, late, &unheard);
	}
	return take(w, line, out);
}

static bool
take(struct land *w, struct str line, struct buf *out)
{
	CLEAN_JSON struct json *j = NULL;
	struct asked q = { .w = w, .out = out };
	const struct kind *k;
	struct err e;
	const char *type;

	if (w->no_target)
		return false;
	if (!json_parse(line, WIRE_LINE_MAX, &j, &e) || !(type = json_get_string(j, "type"))) {
		/* A fault of the scenario's making, or a real one: either way a connector that cannot read ends. */
		return false;
	}
	if (strcmp(type, "hello") == 0)
		return target_hello(w, out);
	if (strcmp(type, "stop") == 0)
		return false;
	k = json_get_string(j, "kind") ? kind_find(json_get_string(j, "kind")) : NULL;
	if (strcmp(type, "list") == 0 && k)
		return list(w, (int)(k - kinds), out);
	q.j = j;
	q.id = json_get_int(j, "id", 0);
	q.op = json_get_string(j, "op");
	if (strcmp(type, "op") != 0 || !k || !q.op || q.id <= 0) {
		world_trouble(
			w, "the target was sent %.*s", (int)(line.n < 150 ? line.n : 150), line.p);
		return false;
	}
	q.kind = (int)(k - kinds);
	q.key = json_get_string(j, "key");
	q.external = json_get_string(j, "external");
	q.name = json_get_string(j, "name");
	return operation(&q);
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
