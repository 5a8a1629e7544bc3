/* Sources, the engine's side. Each type of message is a row with its reader. */
#include <string.h>
#include "base/clock.h"
#include "msg_p.h"

#define LINKS_MAX 1000 /* ends in one line: a sender's duty, so that one group is many lines */

static bool
ask(struct conn *c, const struct buf *line, struct err *e)
{
	memset(c->counts, 0, sizeof(c->counts));
	return msg_send(c, line, e);
}

bool
wire_read(struct conn *c, const char *cursor, const char *const *classes,
	const char *const *attributes, struct err *e)
{
	CLEAN_BUF struct buf b = { 0 };
	struct jsonw w = msg_begin(&b, "read");

	jsonw_str(&w, "cursor", cursor);
	msg_names(&w, "classes", classes);
	msg_names(&w, "attributes", attributes);
	jsonw_end(&w);
	return ask(c, &b, e);
}

bool
wire_fetch(struct conn *c, const char *const *ids, size_t count, struct err *e)
{
	CLEAN_BUF struct buf b = { 0 };
	struct jsonw w = msg_begin(&b, "fetch");

	jsonw_arr(&w, "ids");
	for (size_t i = 0; i < count; i++)
		jsonw_str(&w, NULL, ids[i]);
	jsonw_end(&w);
	jsonw_end(&w);
	return ask(c, &b, e);
}

bool
wire_check(struct conn *c, const char *const *bases, bool setup, struct err *e)
{
	CLEAN_BUF struct buf b = { 0 };
	struct jsonw w = msg_begin(&b, setup ? "setup" : "check");

	if (!setup)
		msg_names(&w, "bases", bases);
	jsonw_end(&w);
	return ask(c, &b, e);
}

bool
wire_watch(struct conn *c, struct err *e)
{
	CLEAN_BUF struct buf b = { 0 };
	struct jsonw w = msg_begin(&b, "watch");

	jsonw_end(&w);
	return ask(c, &b, e);
}

struct reading {
	const struct json *j;
	struct arena *a;
	const struct conn *c;
};

static bool
read_entry(const struct reading *r, struct wire_source_msg *m, struct err *e)
{
	const struct json *full = json_get(r->j, "full"), *part = json_get(r->j, "part");

	m->parent = msg_str(r->j, "parent", r->a);
	m->sid = msg_str(r->j, "sid", r->a);
	m->full = full != NULL;
	if (!full == !part)
		return msg_refuse(e, "entry", "it is neither full nor part, or both");
	if (m->full && (!m->id || !m->dn))
		return msg_refuse(e, "entry", "it is full but lacks its id or dn");
	return attrs_read(full ? full : part, r->a, &m->attrs, e) ||
	       msg_refuse(e, "entry", e ? e->text : "bad attributes");
}

static bool
read_link(const struct json *j, struct arena *a, struct wire_link *l)
{
	l->id = msg_str(j, "id", a);
	l->sid = msg_str(j, "sid", a);
	l->dn = msg_str(j, "dn", a);
	return (l->id && *l->id) || (l->sid && *l->sid) || (l->dn && *l->dn);
}

static bool
read_links(const struct reading *r, struct wire_source_msg *m, struct err *e)
{
	static const char *const modes[] = {
		[LINKS_SET] = "set", [LINKS_ADD] = "add", [LINKS_REMOVE] = "remove"
	};
	const struct json *list = NULL;
	size_t found = 0;

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		const struct json *j = json_get(r->j, modes[i]);

		if (!j)
			continue;
		list = j;
		m->mode = i;
		found++;
	}
	if (found != 1 || json_type(list) != JSON_ARRAY)
		return msg_refuse(e, "links", "it needs one list: set, add or remove");
	if (json_count(list) > LINKS_MAX)
		return msg_refuse(e, "links", "it has more than 1000 ends");
	m->more = json_get_bool(r->j, "more", false);
	if (m->more && m->mode != LINKS_SET)
		return msg_refuse(e, "links", "only a set can go on with \"more\"");
	struct wire_link *links = arena_alloc(r->a, (json_count(list) + 1) * sizeof(*links));
	json_for_each(it, list)
		if (!read_link(it, r->a, &links[m->link_count++]))
			return msg_refuse(e, "links", "an end has neither id nor sid nor dn");
	m->links = links;
	return true;
}

static bool
read_values(const struct reading *r, struct wire_source_msg *m, struct err *e)
{
	const struct json *add = json_get(r->j, "add"), *remove = json_get(r->j, "remove");

	m->add = m->remove = (struct attr){ .name = m->attribute };
	if (add && !attr_read(add, m->attribute, r->a, &m->add, e))
		return msg_refuse(e, "values", e ? e->text : "bad values");
	if (remove && !attr_read(remove, m->attribute, r->a, &m->remove, e))
		return msg_refuse(e, "values", e ? e->text : "bad values");
	return add || remove || msg_refuse(e, "values", "it neither adds nor removes");
}

static bool
read_rename(const struct reading *r, struct wire_source_msg *m, struct err *e)
{
	m->new_dn = msg_str(r->j, "new_dn", r->a);
	return m->new_dn || msg_refuse(e, "rename", "it has no new_dn");
}

static bool
read_gone(const struct reading *r, struct wire_source_msg *m, struct err *e)
{
	m->proof = msg_str(r->j, "proof", r->a);
	return (m->proof &&
		       (strcmp(m->proof, "tombstone") == 0 || strcmp(m->proof, "delete") == 0)) ||
	       msg_refuse(e, "gone", "its proof is neither tombstone nor delete");
}

static bool
read_bad(const struct reading *r, struct wire_source_msg *m, struct err *e)
{
	m->why = msg_str(r->j, "why", r->a);
	return m->why || msg_refuse(e, "bad", "it does not say why");
}

static bool
read_changed(const struct reading *r, struct wire_source_msg *m, struct err *e)
{
	(void)r, (void)m, (void)e;
	return true;
}

static bool
read_stamp(const struct reading *r, struct wire_source_msg *m, struct err *e)
{
	const char *at = json_get_string(r->j, "changed");

	return (at && time_parse_rfc3339(at, &m->at)) ||
	       msg_refuse(e, "stamp", "it does not say when, in RFC 3339");
}

static bool
read_progress(const struct reading *r, struct wire_source_msg *m, struct err *e)
{
	(void)e;
	m->done = json_get_int(r->j, "done", 0);
	m->total = json_get_int(r->j, "total", 0);
	m->phase = msg_str(r->j, "phase", r->a);
	return true;
}

static bool
read_end(const struct reading *r, struct wire_source_msg *m, struct err *e)
{
	const struct json *error = json_get(r->j, "error");
	struct err differ;

	m->cursor = msg_str(r->j, "cursor", r->a);
	m->sealed = json_get_bool(r->j, "sealed", false);
	m->why = msg_str(r->j, "why", r->a);
	if (error && json_type(error) != JSON_NULL && !msg_error(error, &m->error, e))
		return false;
	if (!m->sealed)
		return true;
	if (m->error.kind != ERR_NONE)
		return msg_refuse(e, "end", "it is sealed and has an error");
	if (!msg_counts_match(r->c, r->j, &differ)) {
		m->sealed = false;
		m->cursor = NULL;
		m->error = differ;
		m->why = arena_strdup(r->a, differ.text);
	}
	return true;
}

static bool
read_finding(const struct reading *r, struct wire_source_msg *m, struct err *e)
{
	static const char *const levels[] = { "ok", "info", "warn", "fail" };

	m->level = msg_str(r->j, "level", r->a);
	m->topic = msg_str(r->j, "topic", r->a);
	m->text = msg_str(r->j, "text", r->a);
	m->remedy = msg_str(r->j, "remedy", r->a);
	for (size_t i = 0; m->level && i < ARRAY_LEN(levels); i++)
		if (strcmp(m->level, levels[i]) == 0)
			return (m->topic && m->text) ||
			       msg_refuse(e, "finding", "it has no topic or no text");
	return msg_refuse(e, "finding", "its level is none of ok, info, warn, fail");
}

static bool
read_text(const struct reading *r, struct wire_source_msg *m, struct err *e)
{
	m->text = msg_str(r->j, "text", r->a);
	return m->text || msg_refuse(e, "text", "it has no text");
}

static const struct shape {
	const char *type;
	enum wire_source_type id;
	int count;      /* enum wire_count, or -1 */
	bool entry;     /* names an entry by id or dn */
	bool attribute; /* must name an attribute */
	bool (*read)(const struct reading *r, struct wire_source_msg *m, struct err *e);
} shapes[] = {
	{ "entry", SRC_ENTRY, COUNT_ENTRY, true, false, read_entry },
	{ "links", SRC_LINKS, COUNT_LINKS, true, true, read_links },
	{ "values", SRC_VALUES, COUNT_VALUES, true, true, read_values },
	{ "rename", SRC_RENAME, COUNT_RENAME, true, false, read_rename },
	{ "gone", SRC_GONE, COUNT_GONE, true, false, read_gone },
	{ "bad", SRC_BAD, COUNT_BAD, true, false, read_bad },
	{ "progress", SRC_PROGRESS, -1, false, false, read_progress },
	{ "end", SRC_END, -1, false, false, read_end },
	{ "finding", SRC_FINDING, -1, false, false, read_finding },
	{ "text", SRC_TEXT, -1, false, false, read_text },
	{ "stamp", SRC_STAMP, -1, true, false, read_stamp },
	{ "changed", SRC_CHANGED, -1, false, false, read_changed },
};

static const struct shape *
shape_find(const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
		if (strcmp(shapes[i].type, type) == 0)
			return &shapes[i];
	return NULL;
}

bool
wire_source_next(struct conn *c, struct arena *a, struct wire_source_msg *m_r, struct err *e)
{
	CLEAN_JSON struct json *j = NULL;
	const struct shape *s;
	const char *type;

	*m_r = (struct wire_source_msg){ .attrs = attrs_new(a) };
	if (msg_recv(c, -1, &j, &type, e) <= 0)
		return false;
	s = shape_find(type);
	if (!s)
		return msg_refuse(e, type, "no message of a source that was asked for");
	m_r->type = s->id;
	if (s->entry) {
		m_r->id = msg_str(j, "id", a);
		m_r->dn = msg_str(j, "dn", a);
		if ((!m_r->id || !*m_r->id) && (!m_r->dn || !*m_r->dn))
			return msg_refuse(e, type, "it names no entry");
		m_r->attribute = msg_str(j, "attribute", a);
		if (s->attribute && (!m_r->attribute || !*m_r->attribute))
			return msg_refuse(e, type, "it names no attribute");
	}
	if (s->count >= 0)
		c->counts[s->count]++;
	return s->read(&(struct reading){ j, a, c }, m_r, e);
}
