/* The daemon's log: the journal's fields, or lines of JSON. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include "agent.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
/* Last: syslog's names of levels are ours, too. */
#include <systemd/sd-journal.h>
#undef LOG_DEBUG

#define FIELDS_MAX 24
#define VALUE_MAX  2048

static bool to_journal; /* the log sink is the one global state (DESIGN.md) */

/* systemd names the device and inode of the stream that it gave us; another may stand there by now. */
void
agent_log_init(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	CLEAN_FREE char *own = NULL;
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) != 0)
		return;
	own = xasprintf("%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	to_journal = strcmp(own, stream) == 0;
}

static void
field(struct arena *a, struct iovec *iov, int *n, const char *key, const char *value)
{
	CLEAN_BUF struct buf safe = { 0 };
	char *text;

	if (*n == FIELDS_MAX)
		return;
	text_escape(value ? value : "", value ? strlen(value) : 0, VALUE_MAX, &safe);
	text = arena_printf(a, "%s=%s", key, buf_cstr(&safe));
	for (char *p = text; *p && *p != '='; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
		else if (*p == '-')
			*p = '_';
	iov[(*n)++] = (struct iovec){ text, strlen(text) };
}

static void
log_journal(enum log_level level, const char *event, va_list ap)
{
	static const char *const priority[] = { "3", "4", "6", "7" };
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf message = { 0 };
	struct iovec iov[FIELDS_MAX];
	const char *key, *value, *text = NULL;
	int n = 0;

	field(a, iov, &n, "PRIORITY", priority[level]);
	field(a, iov, &n, "SYSLOG_IDENTIFIER", "lockstepd");
	field(a, iov, &n, "LOCKSTEP_EVENT", event);
	buf_adds(&message, event);
	while ((key = va_arg(ap, const char *))) {
		value = va_arg(ap, const char *);
		if (strcmp(key, "text") == 0) {
			text = value;
			continue;
		}
		field(a, iov, &n, arena_printf(a, "LOCKSTEP_%s", key), value);
		buf_addf(&message, " %s=%s", key, value ? value : "");
	}
	if (text)
		buf_addf(&message, ": %s", text);
	field(a, iov, &n, "MESSAGE", buf_cstr(&message));
	sd_journal_sendv(iov, n);
}

static void
log_json(enum log_level level, const char *event, va_list ap)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	CLEAN_BUF struct buf line = { 0 };
	struct jsonw w = jsonw(&line);
	const char *key, *value;
	char when[24];
	ssize_t put;

	time_format(agent_now(), when);
	jsonw_obj(&w, NULL);
	jsonw_str(&w, "time", when);
	jsonw_str(&w, "level", names[level]);
	jsonw_str(&w, "program", "lockstepd");
	jsonw_str(&w, "event", event);
	while ((key = va_arg(ap, const char *))) {
		CLEAN_BUF struct buf capped = { 0 };

		value = va_arg(ap, const char *);
		if (value)
			text_escape(value, strlen(value), VALUE_MAX, &capped);
		jsonw_str(&w, key, buf_cstr(&capped));
	}
	jsonw_end(&w);
	buf_addc(&line, '\n');
	do
		put = write(STDERR_FILENO, line.p, line.n);
	while (put < 0 && errno == EINTR);
}

void
agent_log(enum log_level level, const char *event, ...)
{
	va_list ap;

	va_start(ap, event);
	if (to_journal)
		log_journal(level, event, ap);
	else if (level < LOG_DEBUG)
		log_json(level, event, ap);
	va_end(ap);
}
