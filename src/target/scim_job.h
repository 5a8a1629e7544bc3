/*
 * One operation of the engine (lockstep-connector(7)) from its line to its result. A job lives in
 * its own arena and in exactly one queue or request; answering it ends it.
 */
#pragma once
#include <stdint.h>
#include "model/attrs.h"
#include "model/kind.h"
#include "scim_answer.h"
#include "scim_body.h"

enum job_type {
	JOB_FIND,
	JOB_GET,
	JOB_CREATE,
	JOB_UPDATE,
	JOB_DELETE,
	JOB_REFS,
	JOB_LIST_REFS,
	JOB_LIST,
	JOB_TYPES
};
enum job_stage {
	JOB_FIRST,  /* as it came */
	JOB_LOOK,   /* the object is to be read first: PUT, or a PATCH that was refused without a
		       target; after a DELETE that was answered by an error */
	JOB_NAME,   /* find, one comparison at a time: now by name */
	JOB_SMALL,  /* the same in small letters */
	JOB_LOCATE, /* create: done, but the answer had no key; it is being looked for */
};

struct job_found {
	struct job_found *next;
	const char *key, *external, *name, *version;
	bool by_external;
};

struct job {
	struct job *next;
	struct arena *arena;
	int64_t id;
	enum job_type type;
	enum job_stage stage;
	enum kind_id kind;
	const char *external, *name, *key, *version;
	struct attrs attrs;
	struct body_items items; /* create, update: where attrs go */
	struct body_refs refs;
	size_t done;    /* update: items, refs: changes that the service has taken */
	size_t sent;    /* what done becomes when the request in flight succeeds */
	size_t limit;   /* refs: changes in one request after a refusal; 0: the service's */
	bool alone;     /* not in a Bulk any more */
	bool looked;    /* JOB_LOOK: the request in flight is the write */
	unsigned waits; /* rate limits met */
	struct job *same_external,
		*same_name; /* find: next one in the request that asks for the same */
	struct job_found *found, **found_end;
};

struct job_queue {
	struct job *first, **last;
	size_t count;
};
void job_queue_init(struct job_queue *q);
void job_queue_add(struct job_queue *q, struct job *j);
void job_queue_add_first(struct job_queue *q, struct job *j);
struct job *job_queue_take(struct job_queue *q); /* NULL when empty */

const char *job_name(enum job_type t);
struct job *job_new(void);
void job_reset(struct job *j); /* for reuse */
void job_free(struct job *j);
/* An `op` or `list` message. On failure id is set when it could be read (else -1), so that it can
 * be answered. */
bool job_read(struct job *j, const struct json *msg, struct err *e);

bool job_is_write(const struct job *j);
struct answer_context job_context(const struct job *j);
