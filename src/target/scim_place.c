#include "scim_place.h"
#include <string.h>

const struct scim_type *
place_type(enum kind_id kind)
{
	static const unsigned char types[KIND_COUNT] = {
		[KIND_USER] = SCIM_USER, [KIND_GROUP] = SCIM_GROUP
	};
	return &scim_types[types[kind]];
}

/* The schema (core, then extensions) that has an attribute of this name. */
static const struct scim_schema *
schema_with(const struct scim_type *t, struct str name, const struct scim_attr **attr_r)
{
	*attr_r = scim_attr_find(t->core->attrs, t->core->n_attrs, name);
	if (*attr_r)
		return t->core;
	for (size_t i = 0; i < t->n_exts; i++) {
		*attr_r = scim_attr_find(t->exts[i]->attrs, t->exts[i]->n_attrs, name);
		if (*attr_r)
			return t->exts[i];
	}
	return NULL;
}

static struct str
cut(struct str *rest, char at)
{
	const char *dot = rest->n ? memchr(rest->p, at, rest->n) : NULL;
	struct str head = { rest->p, dot ? (size_t)(dot - rest->p) : rest->n };
	size_t used = head.n + (dot ? 1 : 0);

	rest->p += used;
	rest->n -= used;
	return head;
}

/* "work", "work.locality" or "locality" below a multi-valued complex attribute. */
static void
resolve_element(struct place *p, const struct scim_attr *attr, struct str rest, struct arena *a)
{
	struct str first = cut(&rest, '.');

	if (!rest.n && !scim_sub_find(attr, STR("value")) && scim_sub_find(attr, first)) {
		p->type = "work"; /* addresses.locality */
		p->sub = scim_sub_find(attr, first)->name;
		return;
	}
	p->type = arena_strndup(a, first.p, first.n);
	p->sub = rest.n ? arena_strndup(a, rest.p, rest.n) : "value";
}

static void
resolve_known(struct place *p, const struct scim_attr *attr, struct str rest, struct arena *a)
{
	const struct scim_attr *leaf = attr;

	p->attr = attr->name;
	p->multi = attr->multi;
	if (attr->kind == SCIM_COMPLEX && attr->multi && rest.n) {
		resolve_element(p, attr, rest, a);
		leaf = scim_sub_find(attr, str_c(p->sub));
	} else if (attr->kind == SCIM_COMPLEX) {
		leaf = scim_sub_find(attr, rest.n ? rest : STR("value"));
		p->sub = leaf ? leaf->name : rest.n ? arena_strndup(a, rest.p, rest.n) : "value";
	}
	p->boolean = leaf && leaf->kind == SCIM_BOOLEAN;
}

struct place
place_of(enum kind_id kind, const char *name, struct arena *a)
{
	const struct scim_type *t = place_type(kind);
	const struct scim_schema *schema = NULL;
	const struct scim_attr *attr = NULL;
	struct place p = { 0 };
	struct str rest = str_c(name);
	const char *colon = strrchr(name, ':');

	if (colon) {
		struct str urn = { name, (size_t)(colon - name) };
		rest = str_c(colon + 1);
		schema = scim_schema_find(t, urn);
		p.schema = schema ? schema->urn : arena_strndup(a, urn.p, urn.n);
	}
	struct str head = cut(&rest, '.');
	if (!colon)
		schema = schema_with(t, head, &attr);
	else if (schema)
		attr = scim_attr_find(schema->attrs, schema->n_attrs, head);
	if (schema)
		p.schema = scim_schema_is_core(t, schema) ? NULL : schema->urn;
	if (attr) {
		resolve_known(&p, attr, rest, a);
		return p;
	}
	p.attr = arena_strndup(a, head.p, head.n);
	p.sub = rest.n ? arena_strndup(a, rest.p, rest.n) : NULL;
	return p;
}

void
place_path(const struct place *p, bool element, struct buf *out)
{
	if (p->schema) {
		buf_adds(out, p->schema);
		buf_addc(out, ':');
	}
	buf_adds(out, p->attr);
	if (p->type)
		buf_addf(out, "[type eq \"%s\"]", p->type);
	if (p->sub && !element) {
		buf_addc(out, '.');
		buf_adds(out, p->sub);
	}
}

/* Text or truth as a value; anything else has no form in the vocabulary. */
static void
seen_value(struct attrs *as, const char *name, const struct json *v)
{
	if (json_type(v) == JSON_STRING)
		attrs_add(as, name, str_c(json_string(v)));
	else if (json_type(v) == JSON_BOOL)
		attrs_add(as, name, json_bool(v, false) ? STR("true") : STR("false"));
}

/* Members of a complex value that are attributes of their own; `prefix` ends before the dot. */
static void
seen_subs(struct attrs *as, const char *prefix, const struct json *v)
{
	json_for_each(it, v) {
		const char *key = json_key(it);
		if (strcmp(key, "type") != 0 && strcmp(key, "primary") != 0 &&
			strcmp(key, "display") != 0 && key[0] != '$')
			seen_value(as, arena_printf(as->arena, "%s.%s", prefix, key), it);
	}
}

static void
seen_element(struct attrs *as, const char *name, const struct json *v)
{
	const char *type = json_get_string(v, "type");
	const char *full = type ? arena_printf(as->arena, "%s.%s", name, type) : name;

	if (json_type(v) != JSON_OBJECT)
		seen_value(as, name, v);
	else if (json_get(v, "value"))
		seen_value(as, full, json_get(v, "value"));
	else
		seen_subs(as, full, v);
}

static void
seen_attr(struct attrs *as, const char *name, const struct json *v)
{
	if (json_type(v) == JSON_ARRAY) {
		json_for_each(it, v)
			seen_element(as, name, it);
	} else if (json_type(v) == JSON_OBJECT && json_get(v, "value")) {
		seen_value(as, name, json_get(v, "value"));
	} else if (json_type(v) == JSON_OBJECT) {
		seen_subs(as, name, v);
	} else {
		seen_value(as, name, v);
	}
}

static bool
hidden(const struct scim_attr *a)
{
	return a && (a->mutability == SCIM_READ_ONLY || a->returned == SCIM_NEVER || a->rows);
}

static void
seen_extension(const struct scim_type *t, const struct json *ext, struct attrs *as)
{
	const char *urn = json_key(ext);
	const struct scim_schema *s = scim_schema_find(t, str_c(urn));

	if (json_type(ext) != JSON_OBJECT)
		return; /* a service's nonsense */
	json_for_each(it, ext) {
		const char *key = json_key(it);
		const struct scim_attr *a =
			s ? scim_attr_find(s->attrs, s->n_attrs, str_c(key)) : NULL;
		if (!hidden(a))
			seen_attr(as, a ? a->name : arena_printf(as->arena, "%s:%s", urn, key), it);
	}
}

void
place_seen(enum kind_id kind, const struct json *resource, struct attrs *as)
{
	const struct scim_type *t = place_type(kind);

	if (json_type(resource) != JSON_OBJECT)
		return;
	json_for_each(it, resource) {
		const char *key = json_key(it);
		struct str name = str_c(key);
		const struct scim_attr *a = scim_attr_find(t->core->attrs, t->core->n_attrs, name);

		if (strchr(key, ':'))
			seen_extension(t, it, as);
		else if (!hidden(a) &&
			 !scim_attr_find(scim_common.attrs, scim_common.n_attrs, name))
			seen_attr(as, a ? a->name : key, it);
	}
}
