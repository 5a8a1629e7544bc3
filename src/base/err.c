#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/err.h"

static const char *const kind_names[] = {
	[ERR_NONE] = "none",
	[ERR_OBJECT] = "object",
	[ERR_RETRY] = "retry",
	[ERR_WAIT] = "wait",
	[ERR_UNKNOWN] = "unknown",
	[ERR_SIDE] = "side",
	[ERR_CONFIG] = "config",
};
#define KIND_COUNT (sizeof(kind_names) / sizeof(kind_names[0]))

/* A text that filled the field shows that it was cut, and not within a UTF-8 sequence. */
static void
mark_cut(char *text, size_t size)
{
	size_t at = size - 4;

	while (at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80)
		at--;
	memcpy(text + at, "...", 4);
}

static size_t __attribute__((format(printf, 4, 0)))
text_vput(char *text, size_t size, size_t at, const char *fmt, va_list ap)
{
	int n;

	if (at >= size - 1)
		return at;
	n = vsnprintf(text + at, size - at, fmt, ap);
	if (n < 0)
		return at;
	if ((size_t)n >= size - at) {
		mark_cut(text, size);
		return size - 1;
	}
	return at + (size_t)n;
}

static size_t __attribute__((format(printf, 4, 5)))
text_put(char *text, size_t size, size_t at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	at = text_vput(text, size, at, fmt, ap);
	va_end(ap);
	return at;
}

/* The text is made beside the field, since the arguments may point into it. */
static size_t __attribute__((format(printf, 4, 0)))
err_vset(struct err *e, enum err_kind kind, const char *code, const char *fmt, va_list ap)
{
	char text[sizeof(e->text)] = "";
	size_t n = text_vput(text, sizeof(text), 0, fmt, ap);

	e->kind = kind;
	e->wait = 0;
	snprintf(e->code, sizeof(e->code), "%s", code);
	memcpy(e->text, text, sizeof(text));
	return n;
}

bool
err_set(struct err *e, enum err_kind kind, const char *code, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return false;
	va_start(ap, fmt);
	err_vset(e, kind, code, fmt, ap);
	va_end(ap);
	return false;
}

bool
err_wrap(struct err *e, const char *fmt, ...)
{
	char text[sizeof(e->text)] = "";
	va_list ap;
	size_t n;

	if (!e)
		return false;
	va_start(ap, fmt);
	n = text_vput(text, sizeof(text), 0, fmt, ap);
	va_end(ap);
	text_put(text, sizeof(text), n, ": %s", e->text);
	memcpy(e->text, text, sizeof(text));
	return false;
}

bool
err_errno(struct err *e, enum err_kind kind, const char *fmt, ...)
{
	int saved = errno;
	char why[128];
	va_list ap;
	size_t n;

	if (!e)
		return false;
	va_start(ap, fmt);
	n = err_vset(e, kind, "os", fmt, ap);
	va_end(ap);
	text_put(e->text, sizeof(e->text), n, ": %s", strerror_r(saved, why, sizeof(why)));
	return false;
}

void
err_clear(struct err *e)
{
	if (e)
		memset(e, 0, sizeof(*e));
}

const char *
err_kind_name(enum err_kind kind)
{
	return (size_t)kind < KIND_COUNT ? kind_names[kind] : "unknown";
}

bool
err_kind_parse(const char *name, enum err_kind *kind_r)
{
	for (size_t i = ERR_OBJECT; name && i < KIND_COUNT; i++) {
		if (strcmp(name, kind_names[i]) == 0) {
			*kind_r = (enum err_kind)i;
			return true;
		}
	}
	return false;
}
