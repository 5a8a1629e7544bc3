/* The connector's end: answers, through one buffer. */
#include "serve_p.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"

#define FLUSH_AT    (64 * 1024)
#define LINKS_LINE  1000         /* ends in one line */
#define LINKS_BYTES (512 * 1024) /* ... and bytes: a DN may be long */

struct jsonw *
serve_line(struct serve *s, const char *type)
{
	s->line_start = s->out.n;
	s->line_counts = COUNT_COUNT;
	for (int i = 0; i < COUNT_COUNT; i++)
		if (strcmp(type, wire_count_names[i]) == 0)
			s->line_counts = i;
	s->w = jsonw(&s->out);
	jsonw_obj(&s->w, NULL);
	jsonw_str(&s->w, "type", type);
	if (strcmp(type, "hello") == 0) {
		jsonw_arr(&s->w, "versions");
		jsonw_int(&s->w, NULL, WIRE_VERSION);
		jsonw_int(&s->w, NULL, WIRE_VERSION);
		jsonw_end(&s->w);
		jsonw_str(&s->w, "connector", s->connector);
	}
	return &s->w;
}

bool
serve_send(struct serve *s, struct err *e)
{
	size_t n;

	jsonw_end(&s->w);
	n = s->out.n - s->line_start;
	if (n > WIRE_LINE_MAX) {
		s->out.n = s->line_start;
		return err_set(e, ERR_OBJECT, "line-too-long",
			"%zu bytes do not fit into a message; %d are the limit", n, WIRE_LINE_MAX);
	}
	buf_addc(&s->out, '\n');
	if (s->line_counts < COUNT_COUNT)
		s->counts[s->line_counts]++;
	return s->out.n < FLUSH_AT || serve_flush(s, e);
}

bool
serve_flush(struct serve *s, struct err *e)
{
	size_t done = 0;

	while (done < s->out.n) {
		ssize_t n = write(s->out_fd, s->out.p + done, s->out.n - done);

		if (n >= 0) {
			done += (size_t)n;
		} else if (errno == EAGAIN) {
			struct pollfd fd = { .fd = s->out_fd, .events = POLLOUT };

			poll(&fd, 1, -1);
		} else if (errno != EINTR) {
			buf_reset(&s->out);
			return err_errno(e, ERR_SIDE, "writing answers");
		}
	}
	buf_reset(&s->out);
	return true;
}

void
serve_progress(struct serve *s, int64_t done, int64_t total, const char *phase)
{
	int64_t now = clock_system.mono_ms(clock_system.ctx);
	struct jsonw *w;

	if (s->progress_at && now - s->progress_at < 1000)
		return;
	s->progress_at = now;
	w = serve_line(s, "progress");
	jsonw_int(w, "done", done);
	jsonw_int(w, "total", total);
	if (phase)
		jsonw_str(w, "phase", phase);
	/* A failure shows at the next answer. */
	if (serve_send(s, NULL))
		serve_flush(s, NULL);
}

void
serve_write_error(struct jsonw *w, const char *name, const struct err *err, const char *attribute,
	const char *other)
{
	jsonw_obj(w, name);
	jsonw_str(w, "kind", err_kind_name(err->kind));
	jsonw_str(w, "code", err->code);
	jsonw_str(w, "message", err->text);
	if (attribute)
		jsonw_str(w, "attribute", attribute);
	if (other)
		jsonw_str(w, "other", other);
	if (err->kind == ERR_WAIT)
		jsonw_int(w, "wait", err->wait);
	jsonw_end(w);
}

void
serve_error(struct serve *s, const struct err *err)
{
	struct jsonw *w = serve_line(s, "error");

	serve_write_error(w, "error", err, NULL, NULL);
	if (serve_send(s, NULL))
		serve_flush(s, NULL);
}

void
serve_finding(
	struct serve *s, const char *level, const char *topic, const char *text, const char *remedy)
{
	struct jsonw *w = serve_line(s, "finding");

	jsonw_str(w, "level", level);
	jsonw_str(w, "topic", topic);
	jsonw_str(w, "text", text);
	if (remedy)
		jsonw_str(w, "remedy", remedy);
	serve_send(s, NULL);
}

static struct jsonw *
about(struct serve *s, const char *type, const char *id, const char *dn)
{
	struct jsonw *w = serve_line(s, type);

	if (id)
		jsonw_str(w, "id", id);
	if (dn)
		jsonw_str(w, "dn", dn);
	return w;
}

bool
serve_entry(struct serve *s, const char *id, const char *dn, const char *parent, const char *sid,
	bool full, const struct attrs *attrs, struct err *e)
{
	struct jsonw *w = about(s, "entry", id, dn);

	if (parent)
		jsonw_str(w, "parent", parent);
	if (sid)
		jsonw_str(w, "sid", sid);
	attrs_write(attrs, w, full ? "full" : "part");
	return serve_send(s, e);
}

static void
write_link(struct jsonw *w, const struct serve_link *l)
{
	jsonw_obj(w, NULL);
	if (l->id)
		jsonw_str(w, "id", l->id);
	if (l->sid)
		jsonw_str(w, "sid", l->sid);
	if (l->dn)
		jsonw_str(w, "dn", l->dn);
	jsonw_end(w);
}

bool
serve_links(struct serve *s, const char *id, const char *dn, const char *attribute,
	const char *mode, const struct serve_link *links, size_t count, struct err *e)
{
	size_t at = 0;

	do {
		struct jsonw *w = about(s, "links", id, dn);
		size_t end = count - at > LINKS_LINE ? at + LINKS_LINE : count;

		jsonw_str(w, "attribute", attribute);
		jsonw_arr(w, mode);
		while (at < end && s->out.n - s->line_start < LINKS_BYTES)
			write_link(w, &links[at++]);
		jsonw_end(w);
		if (at < count && strcmp(mode, "set") == 0)
			jsonw_bool(w, "more", true);
		if (!serve_send(s, e))
			return false;
	} while (at < count);
	return true;
}

bool
serve_values(struct serve *s, const char *id, const char *dn, const char *attribute,
	const struct attr *add, const struct attr *remove, struct err *e)
{
	struct jsonw *w = about(s, "values", id, dn);

	jsonw_str(w, "attribute", attribute);
	if (add && add->count)
		attr_write(add, w, "add");
	if (remove && remove->count)
		attr_write(remove, w, "remove");
	return serve_send(s, e);
}

bool
serve_rename(struct serve *s, const char *id, const char *dn, const char *new_dn, struct err *e)
{
	struct jsonw *w = about(s, "rename", id, dn);

	jsonw_str(w, "new_dn", new_dn);
	return serve_send(s, e);
}

bool
serve_gone(struct serve *s, const char *id, const char *dn, const char *proof, struct err *e)
{
	struct jsonw *w = about(s, "gone", id, dn);

	jsonw_str(w, "proof", proof);
	return serve_send(s, e);
}

bool
serve_stamp(struct serve *s, const char *id, int64_t changed, struct err *e)
{
	struct jsonw *w = about(s, "stamp", id, NULL);
	char text[24];

	time_format(changed, text);
	jsonw_str(w, "changed", text);
	return serve_send(s, e);
}

bool
serve_bad(struct serve *s, const char *id, const char *dn, const char *attribute, const char *why,
	struct err *e)
{
	struct jsonw *w = about(s, "bad", id, dn);

	if (attribute)
		jsonw_str(w, "attribute", attribute);
	jsonw_str(w, "why", why);
	return serve_send(s, e);
}

bool
serve_end(struct serve *s, const char *cursor, bool sealed, const char *why,
	const struct err *cause, struct err *e)
{
	struct jsonw *w = serve_line(s, "end");

	if (cursor)
		jsonw_str(w, "cursor", cursor);
	jsonw_bool(w, "sealed", sealed);
	if (why)
		jsonw_str(w, "why", why);
	if (cause)
		serve_write_error(w, "error", cause, NULL, NULL);
	jsonw_obj(w, "counts");
	for (int i = 0; i < COUNT_COUNT; i++)
		if (s->counts[i])
			jsonw_int(w, wire_count_names[i], s->counts[i]);
	jsonw_end(w);
	memset(s->counts, 0, sizeof(s->counts));
	return serve_send(s, e) && serve_flush(s, e);
}
