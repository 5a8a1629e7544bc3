/*
 * The run of lockstep-target-scim: jobs come in from the engine, wait in queues, travel in requests
 * (many finds in one filter, many writes in one Bulk), and are answered. One thread, one loop;
 * input is read while requests are in flight, memory is bounded by the window.
 */
#pragma once
#include "base/clock.h"
#include "scim_cost.h"
#include "scim_http.h"
#include "scim_idset.h"
#include "scim_job.h"
#include "wire/serve.h"

enum work_type { WORK_FIND, WORK_ONE, WORK_BULK, WORK_LIST };
struct work { /* what a request in flight carries */
	enum work_type type;
	enum kind_id kind;
	struct job_queue jobs; /* FIND, BULK: in order; ONE, LIST: one */
	int64_t number;        /* BULK: of its first operation, less one */
	bool search;           /* FIND: by POST .search */
	unsigned terms;        /* FIND: the service's find_terms when it was formed */
};

struct list_state {      /* of the listing that is going on */
	struct job *job; /* NULL: none */
	int64_t total, seen, start;
	unsigned count;
	char *cursor;     /* NULL: by index */
	bool search;      /* by POST .search: the service pays no heed to the index of a GET */
	struct idset ids; /* by index: what came */
	bool waiting;     /* a page is to be asked for */
	unsigned tries;   /* failures of this page */
};

struct declared { /* schemas that the service names for a kind */
	const char *urns[16];
	size_t count;
	bool known;   /* it names any */
	bool refuses; /* what is in none of them was refused: it is left out */
};

struct scim {
	struct serve *serve;
	struct http *http;
	struct scim_service service;
	const struct clock *clock;
	unsigned requests; /* most in flight */
	unsigned limit;    /* allowed now: less after a rate limit */
	size_t unanswered; /* jobs taken in and not answered */
	int64_t answered;  /* jobs answered, for progress */
	struct job_queue find[KIND_COUNT], bulk, one, lists;
	struct list_state list;
	struct job *spare; /* for reuse */
	struct err dead;   /* kind set: nothing can be sent any more, every job gets this */
	int64_t gate_ms;   /* nothing is sent before: a rate limit, */
	bool gate_away;    /* or the service was not reached */
	struct cost cost;
	struct scim_rate rate; /* we keep below it */
	bool learned;          /* ... as answers said */
	int64_t pace_ms;       /* it lets nothing more go before */
	int64_t since_ms;      /* when a batch that is not full began to wait; 0: none */
	int64_t line_ms;       /* last line written */
	int64_t bulk_number; /* of the last operation in a Bulk; none is given twice, so that no answer
				* fits another Bulk */
	unsigned bulk_refused; /* Bulks refused as a whole, in a row */
	unsigned forbidden;    /* 403 in a row */
	unsigned unreached;    /* requests in a row that did not get to the service */
	struct buf path, body; /* for building operations of a Bulk */
	struct arena *scratch; /* of one listed object */
	struct arena *keep;    /* of the run */
	struct declared declared[KIND_COUNT];
	bool quiet; /* no input in the last round: partial batches may go */
	struct buf
		certificate; /* until when it is valid, as libcurl writes it; empty: plain http */
	bool ended;          /* no more input */
};

/* --- results: each ends the job --- */
void run_ok(struct scim *s, struct job *j, const char *key, const char *version,
	const struct json *resource);
void run_fail(struct scim *s, struct job *j, const struct err *e, const char *attribute,
	const char *other);
void run_found(struct scim *s, struct job *j);
/* What references the resource holds, in lines of at most 1,000, then their number. */
void run_refs(struct scim *s, struct job *j, const struct json *resource);
/* Sends the line that was begun; false: it is too long. */
bool run_line(struct scim *s);
/* Puts it into the queue where it belongs by type and stage. */
void run_queue(struct scim *s, struct job *j);
/* Rate limit: waits and tries again, or answers the job when the wait is too long. */
void run_throttle(struct scim *s, struct job *j, const struct err *e);
/* From now on everything gets this error: a refused token, an unreachable service. */
void run_die(struct scim *s, const struct err *e);
/* Says what a slot carries; the loop frees it. */
struct work *run_work(struct http_slot *slot, enum work_type type);

/* --- kinds of requests: start uses a free slot and sends it; finish gets an answer (HTTP_ANSWERED)
 * --- */
void find_start(struct scim *s, struct http_slot *slot, enum kind_id kind);
void find_finish(struct scim *s, struct http_slot *slot, struct work *w);

/* True: sent. False: the job was answered without a request. */
bool write_start(struct scim *s, struct http_slot *slot, struct job *j);
void write_finish(struct scim *s, struct http_slot *slot, struct work *w);
/* One answer for one job, from a request or from a Bulk. slot: free to send the job's next request
 * at once, or NULL. Returns true when the slot was used. */
bool write_answered(struct scim *s, struct job *j, const struct answer *an, struct http_slot *slot);
/* Method, path and body of the job's next request; false: nothing is to be done (job answered). */
struct write_form {
	const char *method;
	struct buf *path, *body;
};
bool write_form(struct scim *s, struct job *j, struct write_form *f);

/* Of list-refs. */
void list_refs_form(const struct scim *s, const struct job *j, struct write_form *f);

void bulk_start(struct scim *s, struct http_slot *slot);
void bulk_finish(struct scim *s, struct http_slot *slot, struct work *w);

/* Begins a listing, or asks for its next page. */
void list_begin(struct scim *s, struct job *j);
void list_start(struct scim *s, struct http_slot *slot);
void list_finish(struct scim *s, struct http_slot *slot, struct work *w);
/* The page did not come: again, or an end that is not sealed. */
void list_again(struct scim *s, const struct err *e);
/* s->dead: ends what is not in flight. */
void list_give_up(struct scim *s);

/* --- what the service says it holds --- */
void declared_read(struct scim *s); /* asks it; no answer is no error */
/* Queues a new job, without what was refused before. */
void declared_queue(struct scim *s, struct job *j);
/* A refusal that may be for attributes in schemas the service does not name: true, it goes on without. */
bool declared_refused(struct scim *s, struct job *j, const struct answer *an);
void declared_finding(struct scim *s);

/* --- the program --- */
/* A GET, waited for; again when the connection broke off or a rate limit says when. http_release ends it. */
struct http_slot *run_ask(struct scim *s, const char *path);
/* GET /ServiceProviderConfig, or a look at /Users where there is none. */
bool run_discover(struct scim *s, struct err *e);
void check_run(struct scim *s);
/* Exchanges the key for a credential of the agent that is named. */
void register_run(struct scim *s, const char *name);
void run_hello(struct scim *s, const char *url);
/* Counts what was sent; takes in what an answer says of its rate limit. */
void run_rate(struct scim *s, const struct http_slot *slot);
/* Until the engine stops; false: the pipe broke. */
bool run_loop(struct scim *s, struct err *e);
void run_free(struct scim *s);
