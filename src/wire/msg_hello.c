/* The greeting. */
#include <string.h>
#include "base/clock.h"
#include "msg_p.h"

static bool
hello_send(struct conn *c, const struct wire_greeting *g, struct err *e)
{
	CLEAN_BUF struct buf b = { 0 };
	struct jsonw w = msg_begin(&b, "hello");

	jsonw_arr(&w, "versions");
	jsonw_int(&w, NULL, WIRE_VERSION);
	jsonw_int(&w, NULL, WIRE_VERSION);
	jsonw_end(&w);
	jsonw_str(&w, "role", g->role);
	jsonw_obj(&w, "options");
	for (size_t i = 0; i < g->option_count; i++) {
		jsonw_arr(&w, g->options[i].name);
		for (size_t k = 0; k < g->options[i].count; k++)
			jsonw_str(&w, NULL, g->options[i].values[k]);
		jsonw_end(&w);
	}
	jsonw_end(&w);
	if (strcmp(g->role, "source") == 0) {
		msg_names(&w, "classes", g->classes);
		msg_names(&w, "attributes", g->attributes);
	}
	jsonw_end(&w);
	return msg_send(c, &b, e);
}

static const struct {
	const char *name;
	enum wire_syntax syntax;
} syntaxes[] = {
	{ "string", SYNTAX_STRING },
	{ "bytes", SYNTAX_BYTES },
	{ "link", SYNTAX_LINK },
	{ "int", SYNTAX_INT },
	{ "bool", SYNTAX_BOOL },
	{ "time", SYNTAX_TIME },
};

static bool
schema_row(const struct json *j, struct arena *a, struct wire_schema *row, struct err *e)
{
	const char *syntax = json_get_string(j, "syntax");

	row->name = arena_strdup(a, json_key(j));
	row->multi = json_get_bool(j, "multi", false);
	for (size_t i = 0; syntax && i < ARRAY_LEN(syntaxes); i++)
		if (strcmp(syntaxes[i].name, syntax) == 0) {
			row->syntax = syntaxes[i].syntax;
			return true;
		}
	return msg_refuse(e, "hello", "an attribute of its schema has no known syntax");
}

static bool
hello_schema(const struct json *j, struct arena *a, struct wire_hello *h, struct err *e)
{
	const struct json *schema = json_get(j, "schema");
	struct wire_schema *rows = arena_alloc(a, (json_count(schema) + 1) * sizeof(*rows));

	if (json_type(schema) != JSON_OBJECT)
		return msg_refuse(e, "hello", "it has no schema");
	json_for_each(m, schema)
		if (!schema_row(m, a, &rows[h->schema_count++], e))
			return false;
	h->schema = rows;
	return true;
}

static bool
hello_capabilities(const struct json *j, struct wire_hello *h)
{
	const struct {
		const char *name;
		bool *flag;
	} known[] = {
		{ "deltas-complete", &h->deltas_complete },
		{ "sees-deletes", &h->sees_deletes },
		{ "whole", &h->whole },
		{ "fetch", &h->fetch },
		{ "watch", &h->watch },
		{ "find", &h->find },
		{ "list", &h->list },
		{ "list-refs", &h->list_refs },
		{ "elements", &h->elements },
		{ "version", &h->versions },
		{ "register", &h->registers },
	};

	json_for_each(it, json_get(j, "capabilities"))
		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			if (json_string(it) && strcmp(json_string(it), known[i].name) == 0)
				*known[i].flag = true;
	return true;
}

static bool
hello_target(const struct json *j, struct arena *a, struct wire_hello *h, struct err *e)
{
	int64_t window = json_get_int(j, "window", 1);
	int64_t members = json_get_int(json_get(j, "limits"), "members", 1000);
	int64_t settle = json_get_int(j, "settle", 5);
	int64_t rate = json_get_int(json_get(j, "rate"), "requests", 0);
	int64_t seconds = json_get_int(json_get(j, "rate"), "seconds", 0);
	size_t n = 0;

	if (window < 1 || members < 1 || settle < 0 || settle > 3600)
		return msg_refuse(e, "hello", "window, limits or settle are out of range");
	h->window = window > 10000 ? 10000 : (size_t)window;
	h->members_max = members > 1000 ? 1000 : (size_t)members; /* what fits into a line */
	h->settle = (int)settle;
	h->park = msg_str(j, "park", a);
	if (rate >= 1 && rate <= 1000000 && seconds >= 1 && seconds <= 86400) {
		h->rate = (unsigned)rate;
		h->rate_seconds = (unsigned)seconds;
	}
	const struct json *list = json_get(j, "kinds");
	if (json_type(list) != JSON_OBJECT)
		return msg_refuse(e, "hello", "it names no kinds");
	json_for_each(it, list) {
		if (n == ARRAY_LEN(h->kinds) - 1)
			return msg_refuse(e, "hello", "it has too many kinds");
		h->kinds[n++] = arena_strdup(a, json_key(it));
	}
	return n > 0 || msg_refuse(e, "hello", "it names no kinds");
}

static bool
hello_source(const struct json *j, struct arena *a, struct wire_hello *h, struct err *e)
{
	const char *now = json_get_string(j, "now");

	h->context = msg_str(j, "context", a);
	h->invocation = msg_str(j, "invocation", a);
	h->bind = msg_str(j, "bind", a);
	if (now && !time_parse_rfc3339(now, &h->now))
		return msg_refuse(e, "hello", "its time is not RFC 3339");
	if (!h->context || !*h->context)
		return msg_refuse(e, "hello", "it names no context");
	return hello_schema(j, a, h, e);
}

static bool
hello_version(const struct json *j, struct err *e)
{
	const struct json *v = json_get(j, "versions"), *low = json_first(v);
	double from = json_number(low, 0), to = json_number(low ? json_next(low) : NULL, from);

	if (from <= WIRE_VERSION && WIRE_VERSION <= to)
		return true;
	return err_set(e, ERR_CONFIG, "bad-version",
		"the connector speaks versions %g to %g of the protocol, we speak %d: install "
		"programs of one release",
		from, to, WIRE_VERSION);
}

bool
wire_hello(struct conn *c, const struct wire_greeting *g, struct arena *a, struct wire_hello *h_r,
	struct err *e)
{
	CLEAN_JSON struct json *j = NULL;
	const char *type;

	*h_r = (struct wire_hello){ .window = 1, .members_max = 1 };
	if (!hello_send(c, g, e))
		return false;
	if (!msg_recv_past_progress(c, &j, &type, e))
		return false;
	if (strcmp(type, "hello") != 0)
		return msg_refuse(e, type, "a hello was expected");
	if (!hello_version(j, e))
		return false;
	h_r->connector = msg_str(j, "connector", a);
	h_r->server = msg_str(j, "server", a);
	if (!h_r->connector)
		return msg_refuse(e, type, "it does not say which connector it is");
	hello_capabilities(j, h_r);
	if (strcmp(g->role, "source") == 0)
		return hello_source(j, a, h_r, e);
	return hello_target(j, a, h_r, e);
}
