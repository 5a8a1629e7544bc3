/* What all connections share, and the two that need no process: memory and faulty. */
#include "wire/conn.h"

#include <string.h>
#include "base/mem.h"
#include "lines.h"

const char *const wire_count_names[COUNT_COUNT] = {
	[COUNT_ENTRY] = "entry",
	[COUNT_LINKS] = "links",
	[COUNT_VALUES] = "values",
	[COUNT_RENAME] = "rename",
	[COUNT_GONE] = "gone",
	[COUNT_BAD] = "bad",
	[COUNT_OBJECT] = "object",
};

void
conn_close(struct conn **c)
{
	if (*c)
		(*c)->vt->close(*c);
	*c = NULL;
}

struct memory {
	struct conn conn;
	conn_handler handler;
	void *ctx;
	void (*free_ctx)(void *);
	struct lines in;
	bool ended;
};

static bool
memory_send(struct conn *c, struct str line, struct err *e)
{
	struct memory *m = (struct memory *)c;
	CLEAN_BUF struct buf out = { 0 };

	if (!line_allowed(line, e))
		return false;
	if (m->ended)
		return true;
	m->ended = !m->handler(m->ctx, line, &out);
	if (out.n) {
		memcpy(lines_room(&m->in, out.n), out.p, out.n);
		lines_filled(&m->in, out.n);
	}
	return true;
}

static int
memory_recv(struct conn *c, int timeout_ms, struct str *line_r, struct err *e)
{
	struct memory *m = (struct memory *)c;
	int got = lines_next(&m->in, line_r, e);

	if (got != 0)
		return got;
	if (m->ended) {
		err_set(e, ERR_SIDE, "connector-ended", "the connector ended%s",
			lines_partial(&m->in) ? " in the middle of a line" : "");
		return -1;
	}
	if (timeout_ms >= 0)
		return 0;
	/* Only a send makes the handler speak: waiting would be for ever. */
	err_set(e, ERR_SIDE, "connector-silent", "the connector has nothing to say");
	return -1;
}

static size_t
memory_queued(const struct conn *c)
{
	(void)c;
	return 0;
}

static void
memory_close(struct conn *c)
{
	struct memory *m = (struct memory *)c;

	if (m->free_ctx)
		m->free_ctx(m->ctx);
	buf_free(&m->in.buf);
	mem_clean_free(&m);
}

struct conn *
conn_open_memory(conn_handler handler, void *ctx, void (*free_ctx)(void *))
{
	static const struct conn_vt vt = { memory_send, memory_recv, memory_queued, memory_close };
	struct memory *m = xcalloc(1, sizeof(*m));

	*m = (struct memory){
		.conn = { .vt = &vt }, .handler = handler, .ctx = ctx, .free_ctx = free_ctx
	};
	return &m->conn;
}

struct faulty {
	struct conn conn;
	struct conn *inner;
	conn_decider decide;
	void *ctx;
	struct buf line; /* what was handed out, when it is not inner's */
	bool again, ended;
};

#define NONSENSE "\x01{]garbage\xff"

/* What becomes of a line. false: the connection ends; *line is then what still comes, or empty. */
static bool
faulty_apply(struct faulty *f, bool sent, struct str *line, bool *drop, bool *twice)
{
	CLEAN_BUF struct buf with = { 0 };
	enum conn_fault fault = f->decide(f->ctx, sent, *line, &with);

	*drop = fault == FAULT_DROP || fault == FAULT_CUT;
	*twice = fault == FAULT_TWICE;
	buf_reset(&f->line);
	if (fault == FAULT_TRUNCATE)
		buf_add(&f->line, line->p, line->n / 2);
	else if (fault == FAULT_GARBAGE)
		buf_adds(&f->line, NONSENSE);
	else if (fault == FAULT_REPLACE)
		buf_add(&f->line, with.n ? with.p : "", with.n);
	else
		buf_add(&f->line, line->n ? line->p : "", line->n);
	*line = buf_str(&f->line);
	return fault != FAULT_CUT && fault != FAULT_TRUNCATE;
}

static bool
faulty_send(struct conn *c, struct str line, struct err *e)
{
	struct faulty *f = (struct faulty *)c;
	bool drop, twice;

	if (f->ended)
		return true;
	if (!faulty_apply(f, true, &line, &drop, &twice))
		f->ended = true; /* half a line never counts as one: nothing arrives */
	if (drop || f->ended)
		return true;
	return conn_send(f->inner, line, e) && (!twice || conn_send(f->inner, line, e));
}

static int
faulty_recv(struct conn *c, int timeout_ms, struct str *line_r, struct err *e)
{
	struct faulty *f = (struct faulty *)c;
	bool drop = true;

	if (f->again) {
		f->again = false;
		*line_r = buf_str(&f->line);
		return 1;
	}
	while (drop && !f->ended) {
		int got = conn_recv(f->inner, timeout_ms, line_r, e);

		if (got <= 0)
			return got;
		f->ended = !faulty_apply(f, false, line_r, &drop, &f->again);
	}
	if (!drop)
		return 1;
	err_set(e, ERR_SIDE, "connector-ended", "the connector ended");
	return -1;
}

static size_t
faulty_queued(const struct conn *c)
{
	const struct faulty *f = (const struct faulty *)c;

	return f->inner->vt->queued(f->inner);
}

static void
faulty_close(struct conn *c)
{
	struct faulty *f = (struct faulty *)c;

	conn_close(&f->inner);
	buf_free(&f->line);
	mem_clean_free(&f);
}

struct conn *
conn_open_faulty(struct conn *inner, conn_decider decide, void *ctx)
{
	static const struct conn_vt vt = { faulty_send, faulty_recv, faulty_queued, faulty_close };
	struct faulty *f = xcalloc(1, sizeof(*f));

	*f = (struct faulty){ .conn = { .vt = &vt }, .inner = inner, .decide = decide, .ctx = ctx };
	return &f->conn;
}
