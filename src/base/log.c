#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"

#define VALUE_MAX 2048 /* bytes of one value in a line */

static struct {
	const char *program;
	bool json;
	enum log_level max;
} sink = { "lockstep", false, LOG_INFO };

static const char *const level_names[] = { "error", "warn", "info", "debug" };

void
log_init(const char *program, bool json, enum log_level max)
{
	sink.program = program;
	sink.json = json;
	sink.max = max;
}

/* One write for one line, so that lines of several processes do not mix. */
static void
put_line(struct buf *line)
{
	const char *p;
	size_t n;
	ssize_t w;

	buf_addc(line, '\n');
	for (p = line->p, n = line->n; n > 0; p += w, n -= (size_t)w) {
		do
			w = write(STDERR_FILENO, p, n);
		while (w < 0 && errno == EINTR);
		if (w <= 0)
			return;
	}
}

/* Bare when it needs no quotes; otherwise quoted, with quotes and controls escaped. */
static void
put_value(struct buf *line, const char *value)
{
	size_t bare = strcspn(value, " \"=\\");
	struct buf safe CLEAN_BUF = { 0 };

	text_escape(value, strlen(value), VALUE_MAX, &safe);
	if (value[0] && value[bare] == '\0') {
		buf_add(line, safe.p, safe.n);
		return;
	}
	buf_addc(line, '"');
	for (size_t i = 0; i < safe.n; i++) {
		if (safe.p[i] == '"')
			buf_addc(line, '\\');
		buf_addc(line, safe.p[i]);
	}
	buf_addc(line, '"');
}

static void
line_text(struct buf *line, const char *when, enum log_level level, const char *event, va_list ap)
{
	const char *key, *value;

	buf_addf(line, "%s %s %s %s", when, level_names[level], sink.program, event);
	while ((key = va_arg(ap, const char *))) {
		value = va_arg(ap, const char *);
		buf_addf(line, " %s=", key);
		put_value(line, value ? value : "");
	}
}

static void
line_json(struct buf *line, const char *when, enum log_level level, const char *event, va_list ap)
{
	struct buf capped CLEAN_BUF = { 0 };
	struct jsonw w = jsonw(line);
	const char *key, *value;

	jsonw_obj(&w, NULL);
	jsonw_str(&w, "time", when);
	jsonw_str(&w, "level", level_names[level]);
	jsonw_str(&w, "program", sink.program);
	jsonw_str(&w, "event", event);
	while ((key = va_arg(ap, const char *))) {
		value = va_arg(ap, const char *);
		buf_reset(&capped);
		if (value)
			text_escape(value, strlen(value), VALUE_MAX, &capped);
		jsonw_str(&w, key, buf_cstr(&capped));
	}
	jsonw_end(&w);
}

void
log_event(enum log_level level, const char *event, ...)
{
	struct buf line CLEAN_BUF = { 0 };
	char when[24];
	va_list ap;

	if (level > sink.max)
		return;
	time_format((int64_t)time(NULL), when);
	va_start(ap, event);
	if (sink.json)
		line_json(&line, when, level, event, ap);
	else
		line_text(&line, when, level, event, ap);
	va_end(ap);
	put_line(&line);
}

void
log_err(enum log_level level, const char *event, const struct err *e)
{
	log_event(level, event, "kind", err_kind_name(e->kind), "code", e->code, "text", e->text,
		NULL);
}
