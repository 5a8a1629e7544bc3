/*
 * The engine's side of the protocol: sends requests, reads answers into plain structs. Strings inside
 * live until the next receive on the same connection (they are in the arena given).
 * Shapes: lockstep-connector(7).
 */
#pragma once
#include <stdint.h>
#include "model/attrs.h"
#include "wire/conn.h"

/* One schema row of a source's hello. */
enum wire_syntax { SYNTAX_STRING, SYNTAX_BYTES, SYNTAX_LINK, SYNTAX_INT, SYNTAX_BOOL, SYNTAX_TIME };
struct wire_schema {
	const char *name;
	enum wire_syntax syntax;
	bool multi;
};

struct wire_option {
	const char *name;
	const char *const *values;
	size_t count;
};

struct wire_hello { /* what a connector said; in the arena given to wire_hello */
	const char *connector;
	/* source */
	const char *context; /* naming context id */
	const char *server, *invocation, *bind;
	int64_t now; /* the directory's clock; 0 = not said */
	bool deltas_complete, sees_deletes, whole, fetch, watch;
	const struct wire_schema *schema;
	size_t schema_count;
	/* target */
	size_t window;      /* >= 1 */
	size_t members_max; /* members per refs operation, >= 1 */
	const char *park;   /* form of a name that nobody wants, with {id}; NULL = not said */
	unsigned rate,
		rate_seconds; /* requests in so many seconds that the service takes; 0 = not known */
	int settle;           /* seconds to wait before looking after an unknown outcome */
	bool find, list;
	bool list_refs; /* list-refs; seen shows references of one value */
	bool elements;  /* updates of lists come as elements to add and to remove */
	bool registers; /* wire_register */
	bool versions; /* it minds the version of an update or delete, and refuses with code "stale" */
	const char *kinds[8]; /* NULL-ended */
};
/* Sends the engine's hello (role "source" or "target", options, and for a source the classes and
 * attributes that will be asked for), reads the answer. */
struct wire_greeting {
	const char *role;
	const struct wire_option *options;
	size_t option_count;
	const char *const *classes;    /* NULL-ended; sources */
	const char *const *attributes; /* NULL-ended; sources */
};
bool wire_hello(struct conn *c, const struct wire_greeting *g, struct arena *a,
	struct wire_hello *h_r, struct err *e);

/* --- source --- */
struct wire_link {
	const char *id, *dn, *sid;
}; /* at least one set; id wins, then sid, then dn */

enum wire_source_type {
	SRC_ENTRY,
	SRC_LINKS,
	SRC_VALUES,
	SRC_RENAME,
	SRC_GONE,
	SRC_BAD,
	SRC_PROGRESS,
	SRC_END,
	SRC_FINDING,
	SRC_TEXT,
	SRC_CHANGED,
	SRC_STAMP
};
struct wire_source_msg {
	enum wire_source_type type;
	const char *id,
		*dn; /* of the entry meant; either may be NULL, not both (entry, links, values, rename, gone, bad) */
	const char *parent, *sid; /* entry: parent's id; NULL = by dn */
	bool full;                /* entry: full or part */
	struct attrs attrs;       /* entry: ordinary attributes only, never link attributes */
	const char *attribute;    /* links, values, bad */
	enum { LINKS_SET, LINKS_ADD, LINKS_REMOVE } mode; /* links */
	const struct wire_link *links;                    /* links */
	size_t link_count;
	bool more;               /* links set: further chunks of the same set follow */
	struct attr add, remove; /* values */
	const char *new_dn;      /* rename */
	const char *proof, *why; /* gone: "tombstone" | "delete"; bad, end: why */
	int64_t done, total;     /* progress; total 0 = not known */
	const char *phase;
	int64_t at;         /* stamp: when the directory says the entry changed */
	const char *cursor; /* end */
	bool sealed;        /* end: as said by the source, and its counts are what we received */
	struct err error;   /* end, unsealed: the cause if it was given */
	const char *level, *topic, *text,
		*remedy; /* finding: level ok|info|warn|fail; text: setup text */
};
bool wire_read(struct conn *c, const char *cursor /* NULL = full */, const char *const *classes,
	const char *const *attributes, struct err *e);
bool wire_fetch(struct conn *c, const char *const *ids, size_t count, struct err *e);
/* false: failed or ended: the read is unsealed. Counts are checked here: a mismatch gives SRC_END with sealed = false. */
bool wire_source_next(struct conn *c, struct arena *a, struct wire_source_msg *m_r, struct err *e);
/* Asks to be told of changes: SRC_PROGRESS when that stands and every 30 s, SRC_CHANGED for each. For sources
 * of capability watch. */
bool wire_watch(struct conn *c, struct err *e);
/* Asks for a check (findings, then SRC_END) or the set-up text (SRC_TEXT, then SRC_END). bases: NULL-ended. */
bool wire_check(struct conn *c, const char *const *bases, bool setup, struct err *e);

/* --- target --- */
enum wire_op_type { OP_FIND, OP_GET, OP_CREATE, OP_UPDATE, OP_DELETE, OP_REFS, OP_LIST_REFS };
const char *wire_op_name(enum wire_op_type t);
struct wire_ref {
	const char *key;
	const char *kind;
};
struct wire_op {
	int64_t id; /* the engine's, unique within the connection */
	enum wire_op_type type;
	const char *kind;
	const char *external;      /* externalId, the anchor */
	const char *name;          /* unique name: find, create */
	const char *key;           /* the target's id: get, update, delete, refs */
	const char *version;       /* optional: If-Match */
	const struct attrs *attrs; /* create, update: [] removes */
	const struct attrs
		*elements; /* update: lists of attrs that are only added to, and what leaves them */
	const char *attribute; /* refs, list-refs */
	const struct wire_ref *add, *remove;
	size_t add_count, remove_count;
};
bool wire_op_send(struct conn *c, const struct wire_op *op, struct err *e);

struct wire_found {
	const char *key, *external, *name, *version;
	bool by_external;
};
struct wire_result {
	int64_t id; /* 0: no result, see `progress` */
	bool ok;
	const char *key, *version;
	bool has_seen;
	struct attrs seen;              /* as the target now has it: only attributes it returned */
	const struct wire_found *found; /* find */
	size_t found_count;
	bool part;                   /* no result yet: some of the references of a list-refs */
	const struct wire_ref *refs; /* part; kind may be NULL */
	size_t ref_count;            /* part: these; ok: all that came */
	struct err error;            /* not ok: kind, code, text, wait */
	const char *attribute,
		*other; /* not ok: the attribute at fault; the other object (its key or name) */
};
/* 1: a result; 0: nothing within timeout_ms; -1: the connection failed (kind ERR_SIDE). */
int wire_result_next(
	struct conn *c, int timeout_ms, struct arena *a, struct wire_result *r_r, struct err *e);

/* Exchanges the key that the target was opened with for a credential of the agent `name`, which the connector
 * writes into the file that it inherited as descriptor 3; it is never said here. name_r: as the service calls
 * the agent. For targets of capability register. */
bool wire_register(
	struct conn *c, const char *name, struct arena *a, const char **name_r, struct err *e);

/* Reading a target (6.1): wire_list, then objects until end. */
bool wire_list(struct conn *c, const char *kind, struct err *e);
struct wire_object {
	bool end, sealed;
	const char *key, *external, *name, *version;
	struct attrs seen;
	int64_t total;
};
/* true with end and not sealed: e says why, where that is known (else it is left as it was). */
bool wire_object_next(struct conn *c, struct arena *a, struct wire_object *o_r, struct err *e);
