/*
 * Reading a source into its mirror: one read, one transaction. Whatever goes wrong before the seal
 * leaves mirror and cursor as they were.
 */
#include "run_p.h"

#include <stdlib.h>
#include <string.h>

struct reading {
	struct run *run;
	struct source_run *source;
	struct arena *arena;
	int64_t lines;
	char *cursor;
};

static bool
take_links(struct source_run *s, const struct wire_source_msg *m, struct arena *a, struct err *e)
{
	static const enum mirror_links modes[] = {
		[LINKS_SET] = MIRROR_SET, [LINKS_ADD] = MIRROR_ADD, [LINKS_REMOVE] = MIRROR_REMOVE
	};
	struct mirror_end *ends = arena_alloc(a, (m->link_count + 1) * sizeof(*ends));

	for (size_t i = 0; i < m->link_count; i++)
		ends[i] = (struct mirror_end){ m->links[i].id, m->links[i].dn, m->links[i].sid };
	return mirror_links(s->mirror, m->id, m->dn, m->attribute, modes[m->mode], ends,
		m->link_count, m->more, e);
}

static bool
take_entry(struct source_run *s, const struct wire_source_msg *m, struct err *e)
{
	struct mirror_entry en = { .id = m->id,
		.dn = m->dn,
		.parent = m->parent,
		.sid = m->sid,
		.full = m->full,
		.attrs = &m->attrs };

	return mirror_entry(s->mirror, &en, e);
}

/* One message into the mirror. An error of one object is noted there and does not stop the read. */
static bool
take(struct reading *rd, const struct wire_source_msg *m, struct err *e)
{
	struct mirror *mi = rd->source->mirror;
	bool ok = true;

	switch (m->type) {
	case SRC_ENTRY:
		ok = take_entry(rd->source, m, e);
		break;
	case SRC_LINKS:
		ok = take_links(rd->source, m, rd->arena, e);
		break;
	case SRC_VALUES:
		ok = mirror_values(mi, m->id, m->dn, m->attribute, &m->add, &m->remove, e);
		break;
	case SRC_RENAME:
		ok = mirror_rename(mi, m->id, m->dn, m->new_dn, e);
		break;
	case SRC_GONE:
		ok = mirror_gone(mi, m->id, m->dn, e);
		break;
	case SRC_BAD:
		run_event(rd->run, "bad-attribute", m->dn ? m->dn : m->id, "%s: %s",
			m->attribute ? m->attribute : "entry", m->why ? m->why : "");
		ok = mirror_bad(mi, m->id, m->dn, m->attribute, m->why ? m->why : "", e);
		break;
	case SRC_STAMP:
		if (m->id)
			lag_changed(rd->run, m->id, m->at);
		break;
	case SRC_PROGRESS:
		run_progress(rd->run, "reading", rd->source->conf->name, m->done, m->total);
		break;
	default:
		break;
	}
	if (ok || e->kind != ERR_OBJECT)
		return ok;
	/* Nothing may follow from what we could not take in: it counts as present. */
	run_event(rd->run, "bad-entry", m->dn ? m->dn : m->id, "%s", e->text);
	err_clear(e);
	return mirror_bad(mi, m->id, m->dn, NULL, "not understood", e) || e->kind == ERR_OBJECT;
}

/* Messages up to the next `end`, which must be sealed. */
static bool
take_all(struct reading *rd, struct err *e)
{
	struct wire_source_msg m;

	for (;;) {
		arena_reset(rd->arena);
		if (!wire_source_next(rd->source->conn, rd->arena, &m, e))
			return false;
		if (m.type == SRC_END)
			break;
		if (run_stopped(rd->run, e) || !take(rd, &m, e))
			return false;
		if (++rd->lines % 1000 == 0)
			run_progress(rd->run, "reading", rd->source->conf->name, rd->lines, 0);
	}
	if (m.sealed) {
		if (m.cursor) {
			free(rd->cursor);
			rd->cursor = xstrdup(m.cursor);
		}
		return true;
	}
	if (m.error.kind != ERR_NONE) {
		*e = m.error;
		return false;
	}
	return err_set(e, ERR_SIDE, "unsealed", "the read was not complete%s%s", m.why ? ": " : "",
		m.why ? m.why : "");
}

/* Whole entries for parts that the mirror lacks (the one arrow upstream). */
static bool
fetch_missing(struct reading *rd, struct err *e)
{
	struct source_run *s = rd->source;
	CLEAN_ARENA struct arena *a = arena_new();
	const char **ids;
	size_t count = mirror_missing(s->mirror, a, &ids);

	if (!count)
		return true;
	if (!s->hello.fetch)
		return err_set(e, ERR_RETRY, "cursor-invalid",
			"the changes name %zu entries that are not in the mirror", count);
	for (size_t i = 0; i < count; i += 500) {
		size_t part = count - i < 500 ? count - i : 500;

		if (!wire_fetch(s->conn, ids + i, part, e) || !take_all(rd, e))
			return false;
	}
	return true;
}

static bool
read_once(struct run *r, struct source_run *s, bool full, const char *cursor,
	struct mirror_stats *st_r, struct err *e)
{
	struct reading rd = { .run = r, .source = s, .arena = arena_new() };
	struct mirror_origin o = {
		.context = s->hello.context ? s->hello.context : s->conf->name,
		.server = s->hello.server ? s->hello.server : "",
		.invocation = s->hello.invocation ? s->hello.invocation : "",
		.bind = s->hello.bind ? s->hello.bind : "",
		.request = s->request,
		.now = source_now(r, s),
		.whole = s->hello.whole,
		.delta_safe = s->hello.deltas_complete,
	};
	bool ok;

	ok = mirror_begin(s->mirror, full, &o, e);
	ok = ok && wire_read(s->conn, full ? NULL : cursor, source_classes(), s->requested, e);
	ok = ok && take_all(&rd, e) && fetch_missing(&rd, e);
	ok = ok && mirror_commit(s->mirror, rd.cursor, s->conf->missing_after, st_r, e);
	if (!ok)
		mirror_abort(s->mirror);
	free(rd.cursor);
	arena_free(rd.arena);
	return ok;
}

int64_t
sync_full_due(const struct conf_source *s, const struct mirror_info *i)
{
	int64_t after = s->full_every;

	if (i->delta_safe || !i->full_at)
		return INT64_MAX;
	if (i->absent && s->missing_after < after)
		after = s->missing_after;
	return i->full_at + after;
}

bool
source_read(
	struct run *r, struct source_run *s, bool full, struct mirror_stats *st_r, struct err *e)
{
	struct mirror_info info;
	CLEAN_FREE char *cursor = NULL;

	*st_r = (struct mirror_stats){ 0 };
	if (!mirror_info(s->mirror, &info, e))
		return false;
	if (!info.cursor || !info.request || strcmp(info.request, s->request) != 0)
		full = true;
	/* Another controller, or a restored one, or another account: our cursor means nothing there. */
	if (info.invocation && s->hello.invocation &&
		strcmp(info.invocation, s->hello.invocation) != 0)
		full = true;
	if (info.bind && s->hello.bind && strcmp(info.bind, s->hello.bind) != 0)
		full = true;
	info.delta_safe = s->hello.deltas_complete;
	if (!full && source_now(r, s) >= sync_full_due(s->conf, &info)) {
		run_event(r, "full-due", s->conf->name,
			"its changes do not say everything: reading everything");
		full = true;
	}
	if (!full)
		cursor = xstrdup(info.cursor);
	if (full)
		r->result->kind = "full";
	if (read_once(r, s, full, cursor, st_r, e))
		return true;
	if (full || strcmp(e->code, "cursor-invalid") != 0)
		return err_wrap(e, "source %s", s->conf->name);
	run_event(r, "cursor-invalid", s->conf->name, "%s: reading everything", e->text);
	err_clear(e);
	r->result->kind = "full";
	if (!read_once(r, s, true, NULL, st_r, e))
		return err_wrap(e, "source %s", s->conf->name);
	return true;
}
