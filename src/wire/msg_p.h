/* What the three files of the engine's side share. */
#pragma once
#include "wire/msg.h"

/* Sends what the buffer holds (one JSON object). */
bool msg_send(struct conn *c, const struct buf *line, struct err *e);
/* Opens {"type": type in the buffer. */
struct jsonw msg_begin(struct buf *b, const char *type);
void msg_names(
	struct jsonw *w, const char *name, const char *const *list); /* NULL-ended; NULL = [] */

/*
 * Receives a message: 1, and the tree is the caller's; 0: none within timeout_ms; -1: failed. What
 * is no JSON object with a type ends the connection's use (code "bad-line"), and a message "error"
 * comes out as the error it carries.
 */
int msg_recv(struct conn *c, int timeout_ms, struct json **j_r, const char **type_r, struct err *e);
/* The next line that is not about progress; waits as long as the connection's own deadline says. */
bool msg_recv_past_progress(struct conn *c, struct json **j_r, const char **type_r, struct err *e);
/* {"kind", "code", "message", "attribute", "other", "wait"} into err_r; false: it is none (e). */
bool msg_error(const struct json *j, struct err *err_r, struct err *e);
bool msg_refuse(struct err *e, const char *type, const char *why); /* code "bad-message" */
const char *msg_str(const struct json *j, const char *name, struct arena *a); /* NULL when absent */
bool msg_counts_match(const struct conn *c, const struct json *end, struct err *e);
