/*
 * A connector as the engine sees it: lines of JSON to and fro (lockstep-connector(7)), in three
 * implementations: a process, memory (a handler in this process), and faulty (wraps another one and
 * spoils what its script says). A conn belongs to whoever opened it; conn_close(&c) ends it and is
 * always safe. Lines have no LF; a line received lives until the next call.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/err.h"
#include "base/str.h"
#include "wire/cost.h"

#define WIRE_LINE_MAX (1024 * 1024)
#define WIRE_VERSION  1

struct conn;
struct conn_vt {
	/* Queues a line; recv writes what is queued, send itself when it is much; neither blocks on a peer that
	 * does not read (it stays queued). A peer that has gone is no error here: recv still hands out what it said last, then tells. */
	bool (*send)(struct conn *c, struct str line, struct err *e);
	/* 1: a line; 0: none within timeout_ms (0 = only what is there; -1 = until the peer's silence
	 * limit of 90 s; whoever polls with shorter times counts the silence himself); -1: failed or ended (e filled, kind ERR_SIDE; code "connector-ended",
	 * "connector-silent", "bad-line", ...; the end of its standard error goes into the text). */
	int (*recv)(struct conn *c, int timeout_ms, struct str *line_r, struct err *e);
	/* Bytes queued and not yet written: back-pressure. */
	size_t (*queued)(const struct conn *c);
	void (*close)(struct conn *c);
};

/* What a line is about, for the counts of an `end` (msg.h keeps them; names in lockstep-connector(7)). */
enum wire_count {
	COUNT_ENTRY,
	COUNT_LINKS,
	COUNT_VALUES,
	COUNT_RENAME,
	COUNT_GONE,
	COUNT_BAD,
	COUNT_OBJECT,
	COUNT_COUNT
};
extern const char *const wire_count_names[COUNT_COUNT];

struct conn {
	const struct conn_vt *vt;
	int64_t counts
		[COUNT_COUNT]; /* lines received since the last request that ends with `end` */
	/* Asked at least once a second while recv waits for long (timeout -1): true ends the wait with -1, kind
	 * ERR_RETRY, code "stopped". NULL = nobody asks. Set by whoever opened it. */
	bool (*give_up)(void *ctx);
	void *give_up_ctx;
	/* A target's costs are added here as they are said; NULL = nobody counts. Of whoever opened it. */
	struct wire_cost *cost;
};

static inline bool
conn_send(struct conn *c, struct str line, struct err *e)
{
	return c->vt->send(c, line, e);
}
static inline int
conn_recv(struct conn *c, int timeout_ms, struct str *line_r, struct err *e)
{
	return c->vt->recv(c, timeout_ms, line_r, e);
}
void conn_close(struct
	conn **c); /* NULL allowed; sends nothing; ends a process: closes its input, waits briefly, kills */
#define CLEAN_CONN __attribute__((cleanup(conn_close)))

/* A process: argv[0] is a path; empty environment (but what `keep` names: TZ, LANG are never needed);
 * only descriptors 0-2 and lock_fd (as 3; -1 = none; the lock of a run, the file of a wire_register); PDEATHSIG; no new privileges; no core. */
struct conn_process {
	const char *const *argv;
	int lock_fd;
	void (*log_line)(void *ctx,
		struct str line); /* each line of its standard error, untrusted; may be NULL */
	void *ctx;
	uid_t uid; /* the child becomes it, with its groups; 0 = who we are */
	gid_t gid;
	int silence_ms; /* recv gives up after this long without a line; 0 = 90 s */
	int grace_ms;   /* conn_close waits this long before it kills; 0 = 5 s */
};
/* Ignores SIGPIPE in this process from then on. A program that cannot be started: kind ERR_CONFIG,
 * code "no-connector". */
bool conn_open_process(const struct conn_process *p, struct conn **c_r, struct err *e);

/* Memory: handler is called for each line sent and appends whole lines (with LF) to out. A false
 * answer from it ends the connection, as the death of a process would. */
typedef bool (*conn_handler)(void *ctx, struct str line, struct buf *out);
struct conn *conn_open_memory(conn_handler handler, void *ctx, void (*free_ctx)(void *));

/* Faulty: takes ownership of inner. Before each line received from inner is handed on, and for each
 * line sent, `decide` says what happens to it. */
enum conn_fault {
	FAULT_NONE,
	FAULT_DROP,     /* the line vanishes */
	FAULT_CUT,      /* connection ends instead of this line */
	FAULT_TRUNCATE, /* half the line, then ends */
	FAULT_GARBAGE,  /* replaced by nonsense */
	FAULT_REPLACE,  /* replaced by what decide appended to *with */
	FAULT_TWICE,    /* delivered twice */
};
typedef enum conn_fault (*conn_decider)(void *ctx, bool sent, struct str line, struct buf *with);
struct conn *conn_open_faulty(struct conn *inner, conn_decider decide, void *ctx);
