#include <stdio.h>
#include <string.h>
#include "reply.h"

static const struct {
	const char *code;
	int status;
	bool scim; /* code is a scimType */
} statuses[] = {
	{ "invalidFilter", 400, true },
	{ "tooMany", 400, true },
	{ "uniqueness", 409, true },
	{ "mutability", 400, true },
	{ "invalidSyntax", 400, true },
	{ "invalidPath", 400, true },
	{ "noTarget", 400, true },
	{ "invalidValue", 400, true },
	{ "invalidVers", 400, true },
	{ "invalidCursor", 400, true },
	{ "expiredCursor", 400, true },
	{ "invalidCount", 400, true },
	{ "unauthorized", 401, false },
	{ "forbidden", 403, false },
	{ "not-found", 404, false },
	{ "method", 405, false },
	{ "conflict", 409, false },
	{ "precondition", 412, false },
	{ "too-large", 413, false },
	{ "media-type", 415, false },
	{ "not-implemented", 501, false },
	{ "busy", 503, false },
	{ "store-busy", 503, false },
	{ "store-full", 507, false },
};

static int
place(const struct err *e)
{
	const char *code = strcmp(e->code, "bad-json") == 0 ? "invalidSyntax" : e->code;

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		if (strcmp(statuses[i].code, code) == 0)
			return (int)i;
	}
	return -1;
}

int
reply_status(const struct err *e)
{
	int at = place(e);

	return at < 0 ? 500 : statuses[at].status;
}

void
reply_error_body(const struct err *e, struct jsonw *w, const char *name)
{
	int at = place(e);
	char status[12];

	snprintf(status, sizeof(status), "%d", reply_status(e));
	jsonw_obj(w, name);
	jsonw_arr(w, "schemas");
	jsonw_str(w, NULL, SCIM_MSG "Error");
	jsonw_end(w);
	jsonw_str(w, "status", status);
	if (at >= 0 && statuses[at].scim)
		jsonw_str(w, "scimType", statuses[at].code);
	/* what went wrong inside is for the log, not for the client */
	jsonw_str(w, "detail", at < 0 ? "internal error" : e->text);
	jsonw_end(w);
}

void
reply_error(struct reply *r, const struct err *e)
{
	struct jsonw w;

	out_free(&r->out);
	r->status = reply_status(e);
	r->location = r->etag = NULL;
	w = jsonw(&r->out.text);
	reply_error_body(e, &w, NULL);
}
