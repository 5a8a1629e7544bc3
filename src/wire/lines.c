#include "lines.h"

#include <string.h>
#include "base/mem.h"

int
lines_next(struct lines *l, struct str *line_r, struct err *e)
{
	const char *lf;
	size_t end;

	if (l->seen == l->buf.n && l->start == l->seen)
		return 0;
	lf = memchr(l->buf.p + l->seen, '\n', l->buf.n - l->seen);
	end = lf ? (size_t)(lf - l->buf.p) : l->buf.n;
	if (end - l->start > WIRE_LINE_MAX) {
		err_set(e, ERR_SIDE, "line-too-long", "a line of more than %d bytes",
			WIRE_LINE_MAX);
		return -1;
	}
	l->seen = end;
	if (!lf)
		return 0;
	*line_r = (struct str){ l->buf.p + l->start, end - l->start };
	l->start = l->seen = end + 1;
	return 1;
}

char *
lines_room(struct lines *l, size_t n)
{
	/* Moved to the front only here: once a block, not once a line. */
	if (l->start > 0) {
		buf_take(&l->buf, l->start);
		l->seen -= l->start;
		l->start = 0;
	}
	if (l->buf.cap < l->buf.n + n + 1) {
		size_t cap = l->buf.cap * 2 > l->buf.n + n + 1 ? l->buf.cap * 2 : l->buf.n + n + 1;

		l->buf.p = xrealloc(l->buf.p, cap);
		l->buf.cap = cap;
	}
	return l->buf.p + l->buf.n;
}

void
lines_filled(struct lines *l, size_t n)
{
	l->buf.n += n;
	l->buf.p[l->buf.n] = '\0';
}

bool
lines_partial(const struct lines *l)
{
	return l->start < l->buf.n;
}

bool
line_allowed(struct str line, struct err *e)
{
	if (line.n > WIRE_LINE_MAX)
		return err_set(e, ERR_OBJECT, "line-too-long",
			"a message of %zu bytes; %d are the limit", line.n, WIRE_LINE_MAX);
	if (line.n && memchr(line.p, '\n', line.n))
		return err_set(e, ERR_OBJECT, "bad-line", "a message of more than one line");
	return true;
}
