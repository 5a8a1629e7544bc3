#include "ldif.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define BLOCK (256 * 1024)

struct ldif {
	int fd;
	const char *name;
	struct buf in;
	size_t start; /* next record's first byte */
	size_t line;  /* ... and line */
	bool ended;   /* the file, not yet the buffer */
	struct ldif_line *lines;
	size_t lines_cap;
	struct arena *arena; /* dn in base64, reasons */
	struct ldif_record record;
};

struct ldif *
ldif_open(int fd, const char *name)
{
	struct ldif *l = xcalloc(1, sizeof(*l));

	*l = (struct ldif){ .fd = fd, .name = name, .line = 1, .arena = arena_new() };
	return l;
}

void
ldif_close(struct ldif **l)
{
	if (!*l)
		return;
	buf_free(&(*l)->in);
	free((*l)->lines);
	arena_free((*l)->arena);
	free(*l);
	*l = NULL;
}

/* One more block into the buffer. What was handed out before is moved away: only between records. */
static bool
fill(struct ldif *l, struct err *e)
{
	char *block;
	ssize_t n;

	if (l->in.n - l->start > LDIF_RECORD_MAX)
		return err_set(e, ERR_SIDE, "bad-ldif", "%s:%zu: a record of more than %d MiB",
			l->name, l->line, LDIF_RECORD_MAX >> 20);
	if (l->start > 0) {
		buf_take(&l->in, l->start);
		l->start = 0;
	}
	if (l->in.cap < l->in.n + BLOCK + 1) {
		size_t cap =
			l->in.cap * 2 > l->in.n + BLOCK + 1 ? l->in.cap * 2 : l->in.n + BLOCK + 1;

		l->in.p = xrealloc(l->in.p, cap);
		l->in.cap = cap;
	}
	assert(l->in.p);
	block = l->in.p + l->in.n;
	do
		n = read(l->fd, block, BLOCK);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_errno(e, ERR_SIDE, "reading %s", l->name);
	l->ended = n == 0;
	l->in.n += (size_t)n;
	l->in.p[l->in.n] = '\0';
	return true;
}

/* The offset behind the record that starts at l->start: behind its blank line, or the end of file.
 * 1: found; 0: nothing is left; -1: failed. */
static int
record_end(struct ldif *l, size_t *end_r, struct err *e)
{
	size_t at = 0; /* from start; the buffer moves */
	size_t lines = 0;

	if (!l->in.p && !fill(l, e))
		return -1;
	assert(l->in.p);
	for (;;) {
		const char *p = l->in.p + l->start + at;
		size_t left = l->in.n - l->start - at;
		const char *lf = left ? memchr(p, '\n', left) : NULL;

		if (!lf && !l->ended) {
			if (!fill(l, e))
				return -1;
			continue;
		}
		if (!lf && left > 0) {
			err_set(e, ERR_SIDE, "bad-ldif",
				"%s:%zu: the file ends in the middle of a line: it is not written "
				"to its end, or was cut",
				l->name, l->line + lines);
			return -1;
		}
		if (!lf) {
			*end_r = l->start + at;
			return at > 0;
		}
		at += (size_t)(lf - p) + 1;
		lines++;
		if (lf == p || (lf == p + 1 && *p == '\r')) {
			*end_r = l->start + at;
			return 1;
		}
	}
}

static bool
name_legal(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '-' || c == '.' || c == ';' || c == '_' || c == '='))
			return false;
	}
	return n > 0 && n <= 255;
}

static struct ldif_line
line_split(char *p, size_t n, size_t number)
{
	struct ldif_line line = {
		.form = LDIF_BROKEN, .raw = { p, n }, .line = number, .name = ""
	};
	char *colon = memchr(p, ':', n);
	size_t at;

	if (n == 1 && *p == '-') {
		line.form = LDIF_DASH;
		return line;
	}
	if (!colon || !name_legal(p, (size_t)(colon - p)))
		return line;
	line.name = p;
	line.name_len = (size_t)(colon - p);
	*colon = '\0';
	at = line.name_len + 1;
	line.form = LDIF_PLAIN;
	if (at < n && (p[at] == ':' || p[at] == '<'))
		line.form = p[at++] == ':' ? LDIF_BASE64 : LDIF_URL;
	while (at < n && p[at] == ' ')
		at++;
	line.raw = (struct str){ p + at, n - at };
	return line;
}

static void
line_push(struct ldif *l, size_t *count, struct ldif_line line)
{
	if (*count == l->lines_cap) {
		l->lines_cap = l->lines_cap ? l->lines_cap * 2 : 64;
		l->lines = xrealloc(l->lines, l->lines_cap * sizeof(*l->lines));
	}
	l->lines[(*count)++] = line;
}

/* Length of the line at p without its end; *next_r where the one after it starts. */
static size_t
physical(char *p, char *end, char **next_r)
{
	char *lf = memchr(p, '\n', (size_t)(end - p));
	size_t n;

	lf = lf ? lf : end;
	n = (size_t)(lf - p);
	*next_r = lf < end ? lf + 1 : end;
	return n > 0 && p[n - 1] == '\r' ? n - 1 : n;
}

/* Cuts [p, end) into lines, unfolding in place. Comments are dropped here. */
static size_t
lines_cut(struct ldif *l, char *p, char *end)
{
	size_t count = 0;

	while (p < end) {
		size_t number = l->line, n, m;
		char *next, *after;

		n = physical(p, end, &next);
		l->line++;
		while (next < end && *next == ' ') {
			m = physical(next, end, &after);
			memmove(p + n, next + 1, m - 1);
			n += m - 1;
			next = after;
			l->line++;
		}
		if (n > 0 && *p != '#')
			line_push(l, &count, line_split(p, n, number));
		if (n > 0)
			p[n] = '\0'; /* its own line end, or folded away */
		p = next;
	}
	return count;
}

static const char *
because(struct ldif *l, const struct ldif_line *line, const char *why)
{
	return arena_printf(l->arena, "line %zu: %s", line->line, why);
}

static bool
line_is(const struct ldif_line *line, const char *name)
{
	return line->name_len == strlen(name) && strcasecmp(line->name, name) == 0;
}

static const char *
dn_value(struct ldif *l, const struct ldif_line *line)
{
	const char *why;
	struct str v;

	if (!ldif_value(line, l->arena, &v, &why) || v.n == 0 || memchr(v.p, 0, v.n) ||
		!utf8_valid(v.p, v.n))
		return NULL;
	return v.p;
}

/* Controls change what a record means only when they are critical; then it is not for us. */
static bool
control_harmless(const struct ldif_line *line)
{
	struct str s = line->raw;
	const char *blank = s.n ? memchr(s.p, ' ', s.n) : NULL;

	return line->form == LDIF_PLAIN && (!blank || strncasecmp(blank + 1, "true", 4) != 0);
}

static bool
changetype(const struct ldif_line *line, enum ldif_change *c_r)
{
	static const struct {
		const char *name;
		enum ldif_change change;
	} types[] = {
		{ "add", LDIF_ADD },
		{ "delete", LDIF_DELETE },
		{ "modify", LDIF_MODIFY },
		{ "modrdn", LDIF_MODRDN },
		{ "moddn", LDIF_MODRDN },
	};
	struct str v = str_trim(line->raw);

	for (size_t i = 0; line->form == LDIF_PLAIN && i < ARRAY_LEN(types); i++)
		if (str_ieqc(v, types[i].name)) {
			*c_r = types[i].change;
			return true;
		}
	return false;
}

/* Sorts the lines of a record into what it is; at the first that does not fit, why. */
static void
record_read(struct ldif *l, struct ldif_record *r)
{
	size_t at = 0;

	if (r->all_count == 0)
		return;
	r->line = r->all[0].line;
	if (!line_is(&r->all[0], "dn")) {
		r->why = because(l, &r->all[0], "the record does not start with dn:");
		return;
	}
	r->dn = dn_value(l, &r->all[at++]);
	if (!r->dn) {
		r->why = because(l, &r->all[0], "the DN is not readable");
		return;
	}
	for (size_t i = at; i < r->all_count && !r->why; i++)
		if (r->all[i].form == LDIF_BROKEN)
			r->why =
				because(l, &r->all[i], "neither \"name: value\" nor a folded line");
		else if (line_is(&r->all[i], "dn"))
			r->why = because(l, &r->all[i],
				"a second dn: in one record, a blank line is missing");
	while (at < r->all_count && line_is(&r->all[at], "control") && !r->why)
		if (!control_harmless(&r->all[at++]))
			r->why = because(
				l, &r->all[at - 1], "a critical control, which is not supported");
	if (at < r->all_count && line_is(&r->all[at], "changetype") && !r->why)
		if (!changetype(&r->all[at++], &r->change))
			r->why = because(l, &r->all[at - 1], "an unknown changetype");
	r->lines = r->all + at;
	r->count = r->all_count - at;
}

/* The version line stands before the first record, with or without a blank line between. */
static bool
version_skip(struct ldif *l, size_t *at, size_t count, struct err *e)
{
	if (count == 0 || !line_is(&l->lines[0], "version"))
		return true;
	if (!str_eqc(str_trim(l->lines[0].raw), "1"))
		return err_set(e, ERR_SIDE, "bad-ldif", "%s:%zu: only version 1 of LDIF is known",
			l->name, l->lines[0].line);
	*at = 1;
	return true;
}

int
ldif_next(struct ldif *l, const struct ldif_record **r_r, struct err *e)
{
	size_t end, count, at = 0;
	bool first = l->line == 1;
	int got;

	arena_reset(l->arena);
	do {
		if ((got = record_end(l, &end, e)) <= 0)
			return got;
		char *p = l->in.p + l->start;
		if (l->line == 1 && end - l->start >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
			p += 3; /* some editors' mark of UTF-8 */
		count = lines_cut(l, p, l->in.p + end);
		l->start = end;
		if (first && !version_skip(l, &at, count, e))
			return -1;
		if (count > 0)
			first = false;
		if (count > at)
			break;
		at = 0;
	} while (true);
	l->record = (struct ldif_record){ .all = l->lines + at, .all_count = count - at };
	record_read(l, &l->record);
	*r_r = &l->record;
	return 1;
}

bool
ldif_value(const struct ldif_line *line, struct arena *a, struct str *v_r, const char **why_r)
{
	switch (line->form) {
	case LDIF_PLAIN:
		*v_r = line->raw;
		if (line->raw.n && (memchr(line->raw.p, 0, line->raw.n) ||
					   !utf8_valid(line->raw.p, line->raw.n))) {
			*why_r = "is not UTF-8 text; such a value must stand in base64";
			return false;
		}
		return true;
	case LDIF_BASE64: {
		struct str raw = str_trim(line->raw);
		CLEAN_BUF struct buf b = { 0 };

		if (!base64_decode(raw.p, raw.n, &b)) {
			*why_r = "is not base64";
			return false;
		}
		*v_r = (struct str){ arena_strndup(a, buf_cstr(&b), b.n), b.n };
		return true;
	}
	case LDIF_URL:
		*why_r = "is a URL, which is never followed";
		return false;
	default:
		*why_r = "is not an attribute line";
		return false;
	}
}
