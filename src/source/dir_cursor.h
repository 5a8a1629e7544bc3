/*
 * The cursor of a DirSync read, and the digest of a request (SEMANTICS 4.1). A cursor is good for the
 * controller, the naming context and the request it came from, and for nothing else.
 */
#pragma once
#include <stdint.h>
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

struct dir_cursor {
	const char *context;    /* naming context id */
	const char *invocation; /* of the controller that gave the cookie */
	const char *request;    /* dir_request_digest */
	int64_t usn; /* its highestCommittedUSN before: never smaller later, unless it was set back */
	struct str cookie; /* of DirSync, opaque, MS-ADTS 3.1.1.3.4.1.3; or AD_COOKIE_USN */
};
#define AD_COOKIE_USN  "usn" /* changes are followed by uSNChanged: `usn` is all there is */
#define DIR_COOKIE_MAX (256 * 1024)

void dir_cursor_write(const struct dir_cursor *c, struct buf *out);
/* What is read lives in the arena. Kind ERR_RETRY, code "cursor-invalid". */
bool dir_cursor_read(const char *text, struct arena *a, struct dir_cursor *c_r, struct err *e);
/* Is a cursor good for where we are? Kind ERR_RETRY, code "cursor-invalid", the text says why not. */
bool dir_cursor_fits(const struct dir_cursor *c, const struct dir_cursor *here, struct err *e);

/* Without order, case and repetition. Both lists NULL-ended. */
void dir_request_digest(const char *const *classes, const char *const *attributes, char out[65]);
