/* The memory target: operations, as lockstep-connector(7) has them. */
#include <string.h>
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "target_p.h"

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

void
target_later(struct land *w, struct str line)
{
	CLEAN_FREE char *text = xstrndup(line.p, line.n);

	w->late = world_text(w, text);
	w->late_at = w->now_ms + (w->settle - 1) * 1000;
}

static bool take(struct land *w, struct str line, struct buf *out);

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
		return target_list(w, (int)(k - kinds), out);
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
