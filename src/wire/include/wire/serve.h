/*
 * The connector's side: what a source or target program links. Blocking; reads requests from standard
 * input, writes lines to standard output, logs JSON lines to standard error. Both ends check the frame
 * (1 MiB a line, UTF-8, one object).
 */
#pragma once
#include "model/attrs.h"
#include "wire/conn.h"

/* Options of a connector as a table: --describe prints it, hello fills it. */
enum option_type { OPT_STRING, OPT_LIST, OPT_BOOL, OPT_INT, OPT_PATH, OPT_SECRET_PATH };
struct option {
	const char *name;
	enum option_type type;
	bool required;
	const char *otherwise; /* default, as text; NULL = none */
	const char *help;
};

struct serve; /* one per program */
struct serve *serve_new(
	const char *connector, const char *role, const struct option *options, size_t count);
void serve_free(struct serve *s);
/* Other descriptors than 0 and 1; they stay the caller's. */
void serve_descriptors(struct serve *s, int in, int out);
/* argc/argv of the program: handles --describe, --help, --version itself (prints, returns false with
 * *exit_r set); true: go on. */
bool serve_arguments(struct serve *s, int argc, char **argv, int *exit_r);

/* Next request: an object with a string "type"; a "stop" counts as end of input (clean: e->kind is ERR_NONE). *j_r lives until the next call. 1 request, 0 nothing within timeout_ms (-1 = block),
 * -1 end of input (clean) or broken input (e filled: reply with serve_error and exit). */
int serve_next(struct serve *s, int timeout_ms, const struct json **j_r, struct err *e);
/* Reads the engine's hello (must be first), checks versions and role, fills options: one that is unknown,
 * missing or malformed is ERR_CONFIG "bad-option" with the likely name. End of input: ERR_SIDE "no-hello". */
bool serve_hello(struct serve *s, struct err *e);
const char *serve_option(
	const struct serve *s, const char *name); /* first value, default, or NULL */
const char *const *serve_option_list(const struct serve *s, const char *name, size_t *count_r);
const char *const *serve_classes(const struct serve *s); /* NULL-ended, of hello */
const char *const *serve_attributes(const struct serve *s);

/* Answers. A line: w = serve_line(s); jsonw_str(w, "type", ...)...; serve_send(s). The object is opened
 * and closed for you; a "hello" already has versions and connector, and what an end
 * counts (entry, links, ..., a target's "object") is counted. Lines are buffered; serve_flush writes (blocking). serve_send flushes past 64 KiB. */
struct jsonw *serve_line(struct serve *s, const char *type);
bool serve_send(
	struct serve *s, struct err *e); /* a line over 1 MiB is an error, nothing is written */
bool serve_flush(struct serve *s, struct err *e);
/* At most one line a second; flushes what waits, too, so that the engine hears of us. */
void serve_progress(struct serve *s, int64_t done, int64_t total, const char *phase);
void serve_error(
	struct serve *s, const struct err *err); /* {"type":"error","error":{...}}, flushed */
void serve_write_error(struct jsonw *w, const char *name, const struct err *err,
	const char *attribute, const char *other);
void serve_finding(struct serve *s, const char *level, const char *topic, const char *text,
	const char *remedy);

/*
 * Answering `watch`. serve_watching says `progress` at once: it stands. serve_wait then waits until one of fds is
 * ready, with progress in time: 1 ready (or timeout_ms is over, 0 of them ready); -1: the engine wants no more,
 * or is gone. serve_changed tells, at most five times a second: what comes sooner is told by a later serve_wait.
 */
struct pollfd;
bool serve_watching(struct serve *s, struct err *e);
int serve_wait(struct serve *s, struct pollfd *fds, size_t count, int timeout_ms);
void serve_changed(struct serve *s);

/* Source helpers. id and dn: either may be NULL, not both. A line that would be too long is ERR_OBJECT,
 * "line-too-long", and nothing of it is sent: say serve_bad. */
struct serve_link {
	const char *id, *dn, *sid;
};
bool serve_entry(struct serve *s, const char *id, const char *dn, const char *parent,
	const char *sid, bool full, const struct attrs *attrs, struct err *e);
bool serve_links(struct serve *s, const char *id, const char *dn, const char *attribute,
	const char *mode /* set add remove */, const struct serve_link *links, size_t count,
	struct err *e); /* chunks of 1,000 with "more" by itself */
bool serve_values(struct serve *s, const char *id, const char *dn, const char *attribute,
	const struct attr *add, const struct attr *remove, struct err *e);
bool serve_rename(
	struct serve *s, const char *id, const char *dn, const char *new_dn, struct err *e);
bool serve_gone(struct serve *s, const char *id, const char *dn, const char *proof, struct err *e);
/* In a delta, if it is known: when the entry changed, so that the engine can tell how long that took. */
bool serve_stamp(struct serve *s, const char *id, int64_t changed, struct err *e);
bool serve_bad(struct serve *s, const char *id, const char *dn, const char *attribute,
	const char *why, struct err *e);
bool serve_end(struct serve *s, const char *cursor, bool sealed, const char *why,
	const struct err *cause, struct err *e); /* flushes */
