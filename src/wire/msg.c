#include "msg_p.h"

#include <string.h>
#include "base/mem.h"

bool
msg_send(struct conn *c, const struct buf *line, struct err *e)
{
	return conn_send(c, buf_str(line), e);
}

struct jsonw
msg_begin(struct buf *b, const char *type)
{
	struct jsonw w = jsonw(b);

	jsonw_obj(&w, NULL);
	jsonw_str(&w, "type", type);
	return w;
}

void
msg_names(struct jsonw *w, const char *name, const char *const *list)
{
	jsonw_arr(w, name);
	for (; list && *list; list++)
		jsonw_str(w, NULL, *list);
	jsonw_end(w);
}

const char *
msg_str(const struct json *j, const char *name, struct arena *a)
{
	const char *s = json_get_string(j, name);

	return s ? arena_strdup(a, s) : NULL;
}

bool
msg_refuse(struct err *e, const char *type, const char *why)
{
	CLEAN_BUF struct buf shown = { 0 };

	text_escape(type, strlen(type), 60, &shown);
	return err_set(e, ERR_SIDE, "bad-message", "the connector sent a message \"%s\": %s",
		buf_cstr(&shown), why);
}

/* Codes go into alerts and tests: letters, digits, hyphens. */
static bool
code_plain(const char *s, size_t max)
{
	size_t n = strlen(s);

	return n > 0 && n < max &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == n;
}

bool
msg_error(const struct json *j, struct err *err_r, struct err *e)
{
	const char *kind = json_get_string(j, "kind"), *code = json_get_string(j, "code");
	const char *message = json_get_string(j, "message");
	int64_t wait = json_get_int(j, "wait", 0);
	CLEAN_BUF struct buf text = { 0 };
	enum err_kind k;

	if (!kind || !err_kind_parse(kind, &k) || k == ERR_NONE)
		return msg_refuse(e, "error", "its kind is none of lockstep-connector(7)");
	if (!code || !code_plain(code, sizeof(err_r->code)))
		return msg_refuse(e, "error", "its code is missing or malformed");
	if (message)
		text_escape(message, strlen(message), 900, &text);
	err_set(err_r, k, code, "%s", text.n ? buf_cstr(&text) : code);
	err_r->wait = wait > 0 && wait <= 7 * 86400 ? (unsigned)wait : wait > 0 ? 7 * 86400 : 0;
	return true;
}

int
msg_recv(struct conn *c, int timeout_ms, struct json **j_r, const char **type_r, struct err *e)
{
	CLEAN_JSON struct json *j = NULL;
	struct str line;
	int got = conn_recv(c, timeout_ms, &line, e);

	*j_r = NULL;
	if (got <= 0)
		return got;
	if (!json_parse(line, WIRE_LINE_MAX, &j, e)) {
		CLEAN_BUF struct buf shown = { 0 };
		struct err why = e ? *e : (struct err){ 0 };

		text_escape(line.n ? line.p : "", line.n, 80, &shown);
		err_set(e, ERR_SIDE, "bad-line", "the connector sent \"%s\": %s", buf_cstr(&shown),
			why.text);
		return -1;
	}
	*type_r = json_get_string(j, "type");
	if (!*type_r) {
		err_set(e, ERR_SIDE, "bad-line",
			"the connector sent a line that is no object with a type");
		return -1;
	}
	if (strcmp(*type_r, "error") == 0) {
		struct err said;

		if (msg_error(json_get(j, "error"), &said, e) && e)
			*e = said;
		return -1;
	}
	if (c->cost && strcmp(*type_r, "progress") == 0)
		wire_cost_take(c->cost, json_get(j, "cost"));
	*j_r = j;
	j = NULL;
	return 1;
}

bool
msg_recv_past_progress(struct conn *c, struct json **j_r, const char **type_r, struct err *e)
{
	for (;;) {
		if (msg_recv(c, -1, j_r, type_r, e) <= 0)
			return false;
		if (strcmp(*type_r, "progress") != 0)
			return true;
		json_free(*j_r);
		*j_r = NULL;
	}
}

bool
msg_counts_match(const struct conn *c, const struct json *end, struct err *e)
{
	const struct json *counts = json_get(end, "counts");

	for (int i = 0; i < COUNT_COUNT; i++) {
		int64_t said = json_get_int(counts, wire_count_names[i], 0);

		if (said != c->counts[i])
			return err_set(e, ERR_RETRY, "counts-differ",
				"the connector says it sent %lld lines \"%s\", %lld arrived",
				(long long)said, wire_count_names[i], (long long)c->counts[i]);
	}
	return true;
}
