#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "render.h"

#define INLINE_MEMBERS 100
#define PAGE           500

void
out_free(struct out *o)
{
	buf_free(&o->text);
	free(o->holes);
	o->holes = NULL;
	o->n_holes = 0;
}

/* Takes the part up to a comma outside of brackets and quotes off the list. */
static struct str
next_name(struct str *list)
{
	struct str one = { list->p, 0 };
	bool quoted = false;
	unsigned depth = 0;

	for (; one.n < list->n; one.n++) {
		char c = list->p[one.n];
		if (c == '"')
			quoted = !quoted;
		else if (!quoted && c == '[')
			depth++;
		else if (!quoted && c == ']' && depth)
			depth--;
		else if (!quoted && !depth && c == ',')
			break;
	}
	size_t taken = one.n < list->n ? one.n + 1 : one.n;
	*list = (struct str){ list->p + taken, list->n - taken };
	return one;
}

bool
projection_parse(struct arena *a, const struct scim_type *type, const char *attributes,
	const char *excluded, struct projection *p_r, struct err *e)
{
	struct str list = str_c(attributes ? attributes : excluded);
	size_t max = 1;

	*p_r = (struct projection){ .include = attributes != NULL };
	if (attributes && excluded && *attributes && *excluded)
		return err_set(e, ERR_OBJECT, "invalidValue",
			"attributes and excludedAttributes exclude each other");
	if (attributes && !*attributes)
		*p_r = (struct projection){ .include = false };
	for (size_t i = 0; i < list.n; i++)
		max += list.p[i] == ',';
	if (max > SCIM_FILTER_TERMS)
		return err_set(e, ERR_OBJECT, "invalidValue", "more than %d attributes named",
			SCIM_FILTER_TERMS);
	p_r->paths = arena_alloc(a, max * sizeof(*p_r->paths));
	while (list.n) {
		struct str one = next_name(&list);
		struct scim_path path;
		if (scim_path_parse(type, one, a, &path, NULL) && path.schema &&
			(p_r->include || !path.filter))
			p_r->paths[p_r->n++] = path;
	}
	return true;
}

static bool
covers(const struct scim_path *p, const struct scim_schema *schema, const struct scim_attr *attr)
{
	return p->schema == schema && (!p->attr || p->attr == attr);
}

enum wanted { NOT, PARTLY, WHOLLY };

static enum wanted
wants(const struct projection *p, const struct scim_schema *schema, const struct scim_attr *attr)
{
	enum wanted w = p->include && attr->returned != SCIM_ALWAYS ? NOT : WHOLLY;

	if (attr->returned == SCIM_ALWAYS)
		return w;
	for (size_t i = 0; i < p->n; i++) {
		if (!covers(&p->paths[i], schema, attr))
			continue;
		if (!p->paths[i].sub)
			return p->include ? WHOLLY : NOT;
		w = PARTLY;
	}
	return w;
}

static bool
wants_sub(const struct projection *p, const struct scim_schema *schema,
	const struct scim_attr *attr, const char *sub)
{
	for (size_t i = 0; i < p->n; i++) {
		if (covers(&p->paths[i], schema, attr) && p->paths[i].sub &&
			ascii_ieq(p->paths[i].sub->name, sub))
			return p->include;
	}
	return !p->include;
}

static void
put_subs(struct jsonw *w, const struct projection *p, const struct scim_schema *schema,
	const struct scim_attr *attr, const char *name, const struct json *v)
{
	if (json_type(v) == JSON_ARRAY) {
		jsonw_arr(w, name);
		json_for_each(el, v)
			put_subs(w, p, schema, attr, NULL, el);
		jsonw_end(w);
		return;
	}
	jsonw_obj(w, name);
	json_for_each(m, v) {
		if (wants_sub(p, schema, attr, json_key(m)))
			jsonw_json(w, json_key(m), m);
	}
	jsonw_end(w);
}

static void
put_members_of(struct jsonw *w, const struct projection *p, const struct scim_type *type,
	const struct scim_schema *schema, const struct json *obj)
{
	json_for_each(m, obj) {
		const struct scim_schema *s = schema, *ext;
		const struct scim_attr *attr =
			scim_attr_find(s->attrs, s->n_attrs, str_c(json_key(m)));
		if (!attr && schema == type->core) {
			s = &scim_common;
			attr = scim_attr_find(s->attrs, s->n_attrs, str_c(json_key(m)));
		}
		if (attr) {
			enum wanted want = wants(p, s, attr);
			if (want == WHOLLY)
				jsonw_json(w, json_key(m), m);
			else if (want == PARTLY)
				put_subs(w, p, s, attr, json_key(m), m);
			continue;
		}
		ext = scim_schema_find(type, str_c(json_key(m)));
		if (ext && ext != type->core) {
			struct jsonw before = *w;
			size_t at = w->out->n, start;
			jsonw_obj(w, ext->urn);
			start = w->out->n;
			put_members_of(w, p, type, ext, m);
			if (w->out->n == start) {
				*w = before;
				w->out->n = at;
			} else {
				jsonw_end(w);
			}
		}
	}
}

const char *
render_location(const struct call *k, const struct store_row *row)
{
	char id[ID_TEXT];

	id_format(row->id, id);
	return arena_printf(
		k->a, "%s%s/%s", k->base, scim_types[store_type(row->rid)].endpoint, id);
}

void
render_version(const struct store_row *row, char tag_r[32])
{
	snprintf(tag_r, 32, "W/\"%lld\"", (long long)row->version);
}

static void
put_meta(struct call *k, const struct store_row *row, struct jsonw *w)
{
	char time[24], tag[32];

	jsonw_obj(w, "meta");
	jsonw_str(w, "resourceType", scim_types[store_type(row->rid)].name);
	time_format(row->created, time);
	jsonw_str(w, "created", time);
	time_format(row->modified, time);
	jsonw_str(w, "lastModified", time);
	jsonw_str(w, "location", render_location(k, row));
	render_version(row, tag);
	jsonw_str(w, "version", tag);
	jsonw_end(w);
}

/* Sub-attributes of members and groups, as bits. */
enum { SUB_VALUE = 1, SUB_REF = 2, SUB_DISPLAY = 4, SUB_TYPE = 8 };

static unsigned
wanted_subs(
	const struct projection *p, const struct scim_schema *schema, const struct scim_attr *attr)
{
	static const char *const names[] = { "value", "$ref", "display", "type" };
	unsigned bits = 0;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (wants(p, schema, attr) == WHOLLY || wants_sub(p, schema, attr, names[i]))
			bits |= 1u << i;
	}
	return bits;
}

/* display: NULL when it has none. */
static void
put_link(struct jsonw *w, unsigned subs, const char *base, int64_t rid, const store_id id,
	const char *display, const char *type)
{
	char text[ID_TEXT], ref[1024];

	id_format(id, text);
	jsonw_obj(w, NULL);
	if (subs & SUB_VALUE)
		jsonw_str(w, "value", text);
	if (subs & SUB_REF) {
		snprintf(ref, sizeof(ref), "%s%s/%s", base, scim_types[store_type(rid)].endpoint,
			text);
		jsonw_str(w, "$ref", ref);
	}
	if (subs & SUB_DISPLAY && display)
		jsonw_str(w, "display", display);
	if (subs & SUB_TYPE)
		jsonw_str(w, "type", type);
	jsonw_end(w);
}

struct member_writer {
	struct jsonw *w;
	const char *base;
	unsigned subs;
	size_t n;
	int64_t last;
};

static bool
write_member(void *ctx, int64_t rid, const store_id id)
{
	struct member_writer *m = ctx;

	put_link(m->w, m->subs, m->base, rid, id, NULL, scim_types[store_type(rid)].name);
	m->n++;
	m->last = rid;
	return true;
}

/* Few members stand in the text, many are a hole in it. */
static bool
put_group_members(struct call *k, const struct store_row *row, unsigned subs, struct jsonw *w,
	struct out *o, struct err *e)
{
	struct jsonw before = *w;
	size_t at = w->out->n, start;
	struct member_writer m = { .w = w, .base = k->base, .subs = subs };

	jsonw_arr(w, "members");
	start = w->out->n;
	if (!k->c->db->members(k->c->store, row->rid, 0, INLINE_MEMBERS + 1, write_member, &m, e))
		return false;
	if (m.n == 0) {
		*w = before;
		w->out->n = at;
		return true;
	}
	if (m.n > INLINE_MEMBERS) {
		w->out->n = start;
		o->holes = xrealloc(o->holes, (o->n_holes + 1) * sizeof(*o->holes));
		o->holes[o->n_holes++] = (struct hole){ start, row->rid, subs };
	}
	jsonw_end(w);
	return true;
}

struct group_writer {
	struct call *k;
	struct jsonw *w;
	struct err *e;
	unsigned subs;
	size_t n;
	int64_t last;
	bool ok;
};

static bool
write_group(void *ctx, int64_t rid)
{
	struct group_writer *g = ctx;
	CLEAN_JSON struct json *body = NULL;
	struct store_row row;

	g->n++;
	g->last = rid;
	g->ok = g->k->c->db->get(g->k->c->store, rid, g->k->a, &row, g->e) &&
		json_parse(row.body, 0, &body, g->e);
	if (!g->ok)
		return false;
	put_link(g->w, g->subs, g->k->base, rid, row.id, json_get_string(body, "displayName"),
		"direct");
	return true;
}

static bool
put_user_groups(
	struct call *k, const struct store_row *row, unsigned subs, struct jsonw *w, struct err *e)
{
	struct jsonw before = *w;
	size_t at = w->out->n, start;
	struct group_writer g = { .k = k, .w = w, .e = e, .subs = subs, .ok = true };

	jsonw_arr(w, "groups");
	start = w->out->n;
	do {
		g.n = 0;
		if (!k->c->db->groups_of(k->c->store, row->rid, g.last, PAGE, write_group, &g, e) ||
			!g.ok)
			return false;
	} while (g.n == PAGE);
	if (w->out->n == start) {
		*w = before;
		w->out->n = at;
		return true;
	}
	jsonw_end(w);
	return true;
}

/* Is every attribute of the stored text wanted? Then it need not be parsed. */
static bool
text_whole(const struct projection *p)
{
	for (size_t i = 0; i < p->n; i++) {
		if (!p->paths[i].attr ||
			!(p->paths[i].attr->rows || p->paths[i].attr->mutability == SCIM_READ_ONLY))
			return false;
	}
	return !p->include;
}

bool
render_row(struct call *k, const struct projection *p, const struct store_row *row, struct out *o,
	struct err *e)
{
	const struct scim_type *type = &scim_types[store_type(row->rid)];
	const struct scim_attr *rows = scim_attr_find(type->core->attrs, type->core->n_attrs,
		store_type(row->rid) == SCIM_USER ? STR("groups") : STR("members"));
	CLEAN_JSON struct json *body = NULL;
	struct jsonw w = jsonw(&o->text);
	char id[ID_TEXT];

	id_format(row->id, id);
	jsonw_obj(&w, NULL);
	jsonw_str(&w, "id", id);
	if (text_whole(p)) {
		buf_addc(&o->text, ',');
		buf_add(&o->text, row->body.p + 1, row->body.n - 2);
	} else {
		if (!json_parse(row->body, 0, &body, e))
			return err_wrap(e, "stored %s %s", type->name, id);
		put_members_of(&w, p, type, type->core, body);
	}
	if (wants(p, type->core, rows) != NOT) {
		unsigned subs = wanted_subs(p, type->core, rows);
		if (store_type(row->rid) == SCIM_USER ? !put_user_groups(k, row, subs, &w, e)
						      : !put_group_members(k, row, subs, &w, o, e))
			return false;
	}
	if (wants(p, &scim_common,
		    scim_attr_find(scim_common.attrs, scim_common.n_attrs, STR("meta"))) != NOT)
		put_meta(k, row, &w);
	jsonw_end(&w);
	return true;
}

/* The next page of the hole the stream is in; an empty page ends it. */
static bool
next_page(
	struct cloud *c, const char *base, const struct out *o, struct out_pos *pos, struct err *e)
{
	CLEAN_BUF struct buf list = { 0 };
	struct jsonw w = jsonw(&list);
	struct member_writer m = { .w = &w, .base = base, .subs = o->holes[pos->hole].subs };

	jsonw_arr(&w, NULL);
	if (!cloud_read(c, e) || !c->db->members(c->store, o->holes[pos->hole].group, pos->after,
					 PAGE, write_member, &m, e))
		return false;
	buf_reset(&pos->page);
	pos->page_at = 0;
	if (m.n == 0) {
		pos->inside = false;
		pos->after = 0;
		pos->hole++;
		return true;
	}
	if (pos->after)
		buf_addc(&pos->page, ',');
	buf_add(&pos->page, list.p + 1, list.n - 1); /* without its bracket */
	pos->after = m.last;
	return true;
}

bool
out_read(struct cloud *c, const char *base, const struct out *o, struct out_pos *pos, char *p,
	size_t max, size_t *n_r, struct err *e)
{
	size_t n = 0, take, end;

	while (n < max) {
		if (pos->inside) {
			take = pos->page.n - pos->page_at;
			take = take < max - n ? take : max - n;
			memcpy(p + n, pos->page.p ? pos->page.p + pos->page_at : "", take);
			pos->page_at += take;
			n += take;
			if (pos->page_at == pos->page.n && !next_page(c, base, o, pos, e))
				return false;
			continue;
		}
		end = pos->hole < o->n_holes ? o->holes[pos->hole].at : o->text.n;
		take = end - pos->at < max - n ? end - pos->at : max - n;
		if (take)
			memcpy(p + n, o->text.p + pos->at, take);
		pos->at += take;
		n += take;
		if (pos->at == o->text.n && pos->hole == o->n_holes)
			break;
		if (pos->hole < o->n_holes && pos->at == end) {
			pos->inside = true;
			buf_reset(&pos->page);
			pos->page_at = 0;
			if (!next_page(c, base, o, pos, e))
				return false;
		}
	}
	*n_r = n;
	return true;
}
