/*
 * The memory source. Two flavours: like Active Directory (tombstones, parts of entries, linked values
 * as increments, fetch) and like files (whole, changes by DN, in order).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"
#include "world.h"

struct sender {
	struct land *w;
	struct buf *out;
	int64_t counts[COUNT_COUNT], lines;
	bool cut; /* nothing more comes out */
};

static bool
hello(struct land *w, const struct json *j, struct buf *out)
{
	static const struct {
		const char *name, *syntax;
		bool multi;
	} known[] = { { "member", "link", true }, { "manager", "link", false },
		{ "objectClass", "string", true }, { "proxyAddresses", "string", true },
		{ "description", "string", true }, { "otherTelephone", "string", true },
		{ "accountExpires", "int", false }, { "userAccountControl", "int", false } };
	static const char *const unknown[] = { "uid", "nothere" };
	struct jsonw o = jsonw(out);
	char now[24];

	jsonw_obj(&o, NULL);
	jsonw_str(&o, "type", "hello");
	jsonw_arr(&o, "versions");
	jsonw_int(&o, NULL, WIRE_VERSION);
	jsonw_int(&o, NULL, WIRE_VERSION);
	jsonw_end(&o);
	jsonw_str(&o, "connector", "test-source");
	jsonw_str(&o, "context", "00000000-0000-4000-8000-context00000");
	jsonw_str(&o, "server", w->invocation);
	if (!w->file_like)
		jsonw_str(&o, "invocation", w->invocation);
	jsonw_str(&o, "bind", w->bind);
	time_format(world_now(w) + w->skew, now);
	jsonw_str(&o, "now", now);
	jsonw_arr(&o, "capabilities");
	if (w->file_like)
		jsonw_str(&o, NULL, "whole");
	if (!w->no_tombstones)
		jsonw_str(&o, NULL, "deltas-complete");
	if (!w->no_tombstones)
		jsonw_str(&o, NULL, "sees-deletes");
	if (!w->file_like && !w->no_fetch)
		jsonw_str(&o, NULL, "fetch");
	jsonw_end(&o);
	jsonw_obj(&o, "schema");
	json_for_each(it, json_get(j, "attributes")) {
		const char *name = json_string(it), *syntax = "string";
		bool multi = false, absent = false;

		for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
			absent |= ascii_ieq(unknown[i], name);
		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			if (ascii_ieq(known[i].name, name)) {
				syntax = known[i].syntax;
				multi = known[i].multi;
			}
		if (absent)
			continue;
		jsonw_obj(&o, name);
		jsonw_str(&o, "syntax", syntax);
		jsonw_bool(&o, "multi", multi);
		jsonw_end(&o);
	}
	jsonw_end(&o);
	jsonw_end(&o);
	buf_addc(out, '\n');
	return true;
}

/* --- lines --- */

/* Ends a line that was begun in `line`; what goes wrong by order of the scenario, goes wrong here. */
static void
line_end(struct sender *s, struct buf *line, enum wire_count count)
{
	struct land *w = s->w;

	if (!s->cut && w->read_fault && s->lines >= w->read_after) {
		if (w->read_fault == READ_CUT) {
			s->cut = true;
		} else if (w->read_fault == READ_HALF) {
			buf_add(s->out, line->p, line->n / 2);
			s->cut = true;
		} else if (w->read_fault == READ_GARBAGE && s->lines == w->read_after) {
			buf_adds(s->out, "{\"type\":\"entry\",\"id\":\n");
		}
	}
	s->lines++;
	if (count < COUNT_COUNT)
		s->counts[count]++;
	if (s->cut)
		return;
	buf_add(s->out, line->p, line->n);
	buf_addc(s->out, '\n');
}

static bool
asked_for(const struct json *attributes, const char *name)
{
	json_for_each(it, attributes)
		if (ascii_ieq(json_string(it), name))
			return true;
	return false;
}

static void
send_bad(struct sender *s, const struct w_entry *en)
{
	CLEAN_BUF struct buf line = { 0 };
	struct jsonw j = jsonw(&line);

	jsonw_obj(&j, NULL);
	jsonw_str(&j, "type", "bad");
	jsonw_str(&j, "id", en->id);
	if (*en->bad)
		jsonw_str(&j, "attribute", en->bad);
	jsonw_str(&j, "why", "it cannot be read");
	jsonw_end(&j);
	line_end(s, &line, COUNT_BAD);
}

static void
send_entry(struct sender *s, const struct w_entry *en, int64_t since, const struct json *attributes)
{
	CLEAN_BUF struct buf line = { 0 }, dn = { 0 };
	struct jsonw j = jsonw(&line);
	bool full = !since;

	if (en->bad)
		send_bad(s, en);
	if (en->bad && !*en->bad)
		return;
	jsonw_obj(&j, NULL);
	jsonw_str(&j, "type", "entry");
	jsonw_str(&j, "id", en->id);
	dir_dn(en, &dn);
	jsonw_str(&j, "dn", buf_cstr(&dn));
	if (en->parent && !s->w->file_like)
		jsonw_str(&j, "parent", en->parent->id);
	if (!s->w->file_like)
		jsonw_str(&j, "sid", en->sid);
	jsonw_obj(&j, full ? "full" : "part");
	for (const struct w_attr *a = en->attrs; a; a = a->next) {
		if ((full && !a->count) || a->changed <= since || !asked_for(attributes, a->name) ||
			(en->bad && ascii_ieq(en->bad, a->name)))
			continue;
		jsonw_arr(&j, a->name);
		for (size_t i = 0; i < a->count; i++)
			jsonw_str(&j, NULL, a->values[i]);
		jsonw_end(&j);
	}
	jsonw_end(&j);
	jsonw_end(&j);
	line_end(s, &line, COUNT_ENTRY);
}

/* Links of one attribute in lines of links_line ends. */
static void
send_link_lines(struct sender *s, const struct w_entry *en, const char *attribute, const char *mode,
	const struct w_link **list, size_t count)
{
	size_t at = 0, most = (size_t)s->w->links_line;
	bool set = strcmp(mode, "set") == 0;

	while (at < count) {
		CLEAN_BUF struct buf line = { 0 };
		struct jsonw j = jsonw(&line);
		size_t end = count - at > most ? at + most : count;

		jsonw_obj(&j, NULL);
		jsonw_str(&j, "type", "links");
		jsonw_str(&j, "id", en->id);
		jsonw_str(&j, "attribute", attribute);
		jsonw_arr(&j, mode);
		for (; at < end; at++) {
			CLEAN_BUF struct buf dn = { 0 };

			jsonw_obj(&j, NULL);
			if (s->w->file_like) {
				dir_dn(list[at]->to, &dn);
				jsonw_str(&j, "dn", buf_cstr(&dn));
			} else {
				jsonw_str(&j, "id", list[at]->to->id);
			}
			jsonw_end(&j);
		}
		jsonw_end(&j);
		if (set && at < count)
			jsonw_bool(&j, "more", true);
		jsonw_end(&j);
		line_end(s, &line, COUNT_LINKS);
	}
}

static void
send_links(struct sender *s, const struct w_entry *en, int64_t since)
{
	static const char *const attributes[] = { "member", "manager" };
	size_t most = 1;

	if (en->bad && !*en->bad)
		return;
	for (const struct w_link *l = en->links; l; l = l->next)
		most++;
	CLEAN_FREE const struct w_link **list = xcalloc(most, sizeof(*list));
	for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
		for (int add = 0; add < 2; add++) {
			size_t count = 0;

			for (const struct w_link *l = en->links; l; l = l->next)
				if (strcmp(l->attribute, attributes[i]) == 0 &&
					l->changed > since && l->present == add && !l->to->gone)
					list[count++] = l;
			if (add || since)
				send_link_lines(s, en, attributes[i],
					!since ? "set"
					: add  ? "add"
					       : "remove",
					list, count);
		}
}

static void
send_gone(struct sender *s, const struct w_entry *en)
{
	CLEAN_BUF struct buf line = { 0 };
	struct jsonw j = jsonw(&line);

	jsonw_obj(&j, NULL);
	jsonw_str(&j, "type", "gone");
	jsonw_str(&j, "id", en->id);
	jsonw_str(&j, "proof", "tombstone");
	jsonw_end(&j);
	line_end(s, &line, COUNT_GONE);
}

static void
send_stamp(struct sender *s, const struct w_entry *en)
{
	CLEAN_BUF struct buf line = { 0 };
	struct jsonw j = jsonw(&line);
	char when[24];

	time_format(en->changed_at + s->w->skew, when);
	jsonw_obj(&j, NULL);
	jsonw_str(&j, "type", "stamp");
	jsonw_str(&j, "id", en->id);
	jsonw_str(&j, "changed", when);
	jsonw_end(&j);
	line_end(s, &line, COUNT_COUNT);
}

/* --- reads --- */

static bool
send_end(struct sender *s, bool cursor)
{
	struct land *w = s->w;
	struct jsonw j;
	CLEAN_BUF struct buf line = { 0 };
	bool sealed = w->read_fault != READ_UNSEALED && w->read_fault != READ_CURSOR &&
		      w->read_fault != READ_ERROR;

	if (s->cut)
		return false;
	j = jsonw(&line);
	jsonw_obj(&j, NULL);
	jsonw_str(&j, "type", "end");
	if (cursor && sealed) {
		char text[64];

		snprintf(text, sizeof(text), "%lld", (long long)w->change);
		jsonw_str(&j, "cursor", text);
	}
	jsonw_bool(&j, "sealed", sealed);
	if (!sealed) {
		jsonw_str(&j, "why", "the last page did not come");
		if (w->read_fault != READ_UNSEALED) {
			bool bad = w->read_fault == READ_CURSOR;

			jsonw_obj(&j, "error");
			jsonw_str(&j, "kind", "retry");
			jsonw_str(&j, "code", bad ? "cursor-invalid" : "server-down");
			jsonw_str(&j, "message",
				bad ? "the cookie is not known" : "the server went away");
			jsonw_end(&j);
		}
	}
	jsonw_obj(&j, "counts");
	for (int i = 0; i < COUNT_COUNT; i++)
		jsonw_int(&j, wire_count_names[i],
			s->counts[i] + (i == COUNT_ENTRY && w->read_fault == READ_COUNTS));
	jsonw_end(&j);
	jsonw_end(&j);
	buf_add(s->out, line.p, line.n);
	buf_addc(s->out, '\n');
	return true;
}

static void
read_full(struct sender *s, const struct json *attributes)
{
	struct land *w = s->w;
	size_t count = 0, n = 0;

	for (struct w_entry *en = w->entries; en; en = en->next)
		count++;
	CLEAN_FREE struct w_entry **list = xcalloc(count + 1, sizeof(*list));
	for (struct w_entry *en = w->entries; en; en = en->next)
		list[n++] = en;
	for (size_t i = 0; i < count; i++) {
		struct w_entry *en = list[w->reverse ? count - 1 - i : i];

		if (dir_visible(en)) {
			send_entry(s, en, 0, attributes);
			send_links(s, en, 0);
		} else if (en->gone && !w->file_like && w->full_tombstones && !w->no_tombstones) {
			send_gone(s, en);
		}
	}
}

static void
read_delta_ad(struct sender *s, int64_t since, const struct json *attributes)
{
	struct land *w = s->w;

	for (struct w_entry *en = w->entries; en; en = en->next) {
		bool is_new = en->created > since;

		if (en->deleted > since && en->gone) {
			if (!w->no_tombstones)
				send_gone(s, en);
			continue;
		}
		if (en->changed <= since && en->restored <= since)
			continue;
		if (!dir_visible(en))
			continue;
		if (en->restored > since && !is_new)
			send_gone(s, en);
		send_entry(s, en, is_new ? 0 : since, attributes);
		send_links(s, en, is_new ? 0 : since);
		send_stamp(s, en);
	}
}

static const char *
type_of(const char *line)
{
	return strstr(line, "\"type\":\"") + 8;
}

static void
read_delta_file(struct sender *s, int64_t since)
{
	for (const struct w_record *r = s->w->log; r; r = r->next) {
		CLEAN_BUF struct buf line = { 0 };

		if (r->change <= since)
			continue;
		buf_adds(&line, r->line);
		for (int i = 0; i < COUNT_COUNT; i++) {
			size_t n = strlen(wire_count_names[i]);

			if (strncmp(type_of(r->line), wire_count_names[i], n) == 0 &&
				type_of(r->line)[n] == '"') {
				line_end(s, &line, (enum wire_count)i);
				break;
			}
		}
	}
}

static bool
read_all(struct land *w, const struct json *j, struct buf *out)
{
	struct sender s = { .w = w, .out = out };
	const char *cursor = json_get_string(j, "cursor");
	const struct json *attributes = json_get(j, "attributes");
	enum read_fault fault = w->read_fault;
	bool going;

	w->reads++;
	if (fault == READ_CURSOR && !cursor)
		w->read_fault = READ_FINE; /* only a cursor can be invalid */
	if (w->read_fault == READ_CURSOR)
		;
	else if (!cursor)
		read_full(&s, attributes);
	else if (w->file_like)
		read_delta_file(&s, strtoll(cursor, NULL, 10));
	else
		read_delta_ad(&s, strtoll(cursor, NULL, 10), attributes);
	if (w->read_fault == READ_CUT || w->read_fault == READ_HALF)
		s.cut = true; /* fewer lines than it should be cut after */
	going = send_end(&s, true);
	w->read_fault = READ_FINE;
	return going;
}

static bool
fetch(struct land *w, const struct json *j, struct buf *out, const struct json *attributes)
{
	struct sender s = { .w = w, .out = out };

	w->fetches++;
	json_for_each(id, json_get(j, "ids"))
		for (struct w_entry *en = w->entries; en; en = en->next)
			if (json_string(id) && strcmp(en->id, json_string(id)) == 0 &&
				dir_visible(en)) {
				send_entry(&s, en, 0, attributes);
				send_links(&s, en, 0);
			}
	return send_end(&s, false);
}

bool
world_source(void *ctx, struct str line, struct buf *out)
{
	struct land *w = ctx;
	CLEAN_JSON struct json *j = NULL;
	struct err e;
	const char *type;

	if (w->no_source)
		return false;
	if (!json_parse(line, WIRE_LINE_MAX, &j, &e) || !(type = json_get_string(j, "type"))) {
		world_trouble(w, "the source got no JSON: %.*s", (int)(line.n < 100 ? line.n : 100),
			line.p);
		return false;
	}
	if (strcmp(type, "hello") == 0)
		return hello(w, j, out);
	if (strcmp(type, "read") == 0) {
		/* What is asked for is kept for a fetch, which does not say it. */
		CLEAN_BUF struct buf text = { 0 };
		const struct json *attributes = json_get(j, "attributes");

		json_print(attributes, &text);
		w->asked = world_text(w, buf_cstr(&text));
		return read_all(w, j, out);
	}
	if (strcmp(type, "fetch") == 0) {
		CLEAN_JSON struct json *attributes = NULL;

		return json_parse(str_c(w->asked), 0, &attributes, &e) &&
		       fetch(w, j, out, attributes);
	}
	if (strcmp(type, "stop") == 0)
		return false;
	world_trouble(w, "the source was asked to %s", type);
	return false;
}
