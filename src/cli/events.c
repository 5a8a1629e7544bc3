/*
 * --events: what happens, as JSON lines on standard error, for programs: one object a line, with one member
 * "progress", "event", "log" or "result" (lockstep(1)). The program that reads them decides what people see.
 */
#include "cli_p.h"

static void
put(struct buf *line)
{
	buf_addc(line, '\n');
	/* Whole lines: several at once would mix. */
	fwrite(line->p, 1, line->n, stderr);
	fflush(stderr);
}

void
events_progress(const char *phase, const char *what, int64_t done, int64_t total, int64_t left)
{
	CLEAN_BUF struct buf line = { 0 };
	struct jsonw w = jsonw(&line);

	jsonw_obj(&w, NULL);
	jsonw_obj(&w, "progress");
	jsonw_str(&w, "phase", phase);
	jsonw_str(&w, "what", what);
	jsonw_int(&w, "done", done);
	if (total > 0)
		jsonw_int(&w, "total", total);
	if (left >= 0)
		jsonw_int(&w, "left", left);
	jsonw_end(&w);
	jsonw_end(&w);
	put(&line);
}

void
events_event(const char *event, const char *object, const char *text)
{
	CLEAN_BUF struct buf line = { 0 };
	struct jsonw w = jsonw(&line);

	jsonw_obj(&w, NULL);
	jsonw_str(&w, "event", event);
	jsonw_str(&w, "object", object);
	jsonw_str(&w, "text", text);
	jsonw_end(&w);
	put(&line);
}

/* A connector's line: untrusted. One that is an object stays one. */
void
events_log(struct str said)
{
	CLEAN_BUF struct buf line = { 0 }, text = { 0 };
	CLEAN_JSON struct json *j = NULL;
	struct jsonw w = jsonw(&line);

	jsonw_obj(&w, NULL);
	if (json_parse(said, 0, &j, NULL) && json_type(j) == JSON_OBJECT) {
		jsonw_raw(&w, "log", said.p, said.n);
	} else {
		text_escape(said.n ? said.p : "", said.n, 1000, &text);
		jsonw_obj(&w, "log");
		jsonw_str(&w, "text", buf_cstr(&text));
		jsonw_end(&w);
	}
	jsonw_end(&w);
	put(&line);
}

void
events_result(struct str json)
{
	CLEAN_BUF struct buf line = { 0 };
	struct jsonw w = jsonw(&line);

	jsonw_obj(&w, NULL);
	jsonw_raw(&w, "result", json.p, json.n);
	jsonw_end(&w);
	put(&line);
}
