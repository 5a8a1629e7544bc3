/* Answers: status, headers, SCIM error bodies (RFC 7644 3.12). */
#pragma once
#include "render.h"

struct reply {
	int status;
	struct out out;
	const char *location; /* NULL: none */
	const char *etag;
};
int reply_status(const struct err *e);
/* {"schemas": [...Error], "status": "404", ...} */
void reply_error_body(const struct err *e, struct jsonw *w, const char *name);
void reply_error(struct reply *r, const struct err *e);
