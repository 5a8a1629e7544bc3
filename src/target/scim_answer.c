#include "scim_answer.h"
#include <stdlib.h>
#include <string.h>

/* --- resources --- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The last segment of a path, percent-decoded; NULL when there is none. */
static const char *
last_segment(const char *location, struct arena *a)
{
	size_t n = strcspn(location, "?#"), from;

	while (n && location[n - 1] == '/')
		n--;
	for (from = n; from && location[from - 1] != '/'; from--)
		;
	if (from == n || !from)
		return NULL;
	char *out = arena_alloc(a, n - from + 1);
	size_t k = 0;
	for (size_t i = from; i < n; i++) {
		int hi = i + 2 < n && location[i] == '%' ? hex_digit(location[i + 1]) : -1;
		int lo = hi >= 0 ? hex_digit(location[i + 2]) : -1;
		out[k++] = lo >= 0 ? (char)(hi << 4 | lo) : location[i];
		i += lo >= 0 ? 2 : 0;
	}
	if (memchr(out, 0, k) || !utf8_valid(out, k))
		return NULL;
	return out;
}

const char *
answer_key(const struct answer *an, struct arena *a)
{
	const char *id = json_get_string(an->body, "id");

	if (id && *id)
		return id;
	const char *location = an->location;
	if (!location)
		location = json_get_string(json_get(an->body, "meta"), "location");
	return location ? last_segment(location, a) : NULL;
}

const char *
answer_resource_version(const struct json *resource)
{
	return json_get_string(json_get(resource, "meta"), "version");
}

const char *
answer_version(const struct answer *an)
{
	const char *v = answer_resource_version(an->body);
	return v ? v : an->version;
}

bool
answer_is_gone(const struct answer *an)
{
	return (an->status == 404 || an->status == 410) && !an->odd;
}

/* --- errors --- */

enum who { ANY, WRITES, CREATES };

/* First row that fits. scim: a scimType; NULL: any. */
static const struct row {
	int from, to;
	const char *scim;
	enum who who;
	enum err_kind kind;
	const char *code, *remedy;
} rows[] = {
	{ 300, 399, NULL, ANY, ERR_CONFIG, "redirected",
		"redirections are not followed; correct the url" },
	{ 401, 401, NULL, ANY, ERR_CONFIG, "token-refused",
		"put a valid token into token_file; where `lockstep register` got it, let that get "
		"another one for the account's key" },
	{ 403, 403, NULL, ANY, ERR_CONFIG, "token-refused",
		"give the token's account the right to do this" },
	{ 400, 409, "uniqueness", ANY, ERR_OBJECT, "name-taken",
		"another object of the service has this value" },
	{ 409, 409, NULL, ANY, ERR_OBJECT, "name-taken",
		"another object of the service has this value" },
	{ 404, 404, NULL, ANY, ERR_OBJECT, "gone",
		"the service does not have this object any more" },
	{ 410, 410, NULL, ANY, ERR_OBJECT, "gone",
		"the service does not have this object any more" },
	{ 412, 412, NULL, ANY, ERR_OBJECT, "stale",
		"somebody changed the object since it was read" },
	{ 413, 413, NULL, ANY, ERR_OBJECT, "too-large",
		"the service takes no request of this size" },
	{ 408, 408, NULL, CREATES, ERR_UNKNOWN, "timeout",
		"it will be looked for before the next try" },
	{ 408, 408, NULL, ANY, ERR_RETRY, "timeout", "it will be tried again" },
	{ 429, 429, NULL, ANY, ERR_WAIT, "rate-limit", "the service's rate limit is reached" },
	{ 503, 503, NULL, CREATES, ERR_UNKNOWN, "service-error",
		"it will be looked for before the next try" },
	{ 503, 503, NULL, ANY, ERR_RETRY, "service-error", "it will be tried again" },
	{ 400, 400, "invalidFilter", ANY, ERR_OBJECT, "bad-filter", "choose another profile" },
	{ 400, 400, "tooMany", ANY, ERR_OBJECT, "bad-filter", "choose another profile" },
	{ 400, 400, "mutability", ANY, ERR_OBJECT, "read-only",
		"take the attribute out of the map" },
	{ 400, 400, "noTarget", ANY, ERR_OBJECT, "no-target", "the service has no such value" },
	{ 400, 499, NULL, ANY, ERR_OBJECT, "refused",
		"correct the value in the directory or the map" },
	{ 501, 501, NULL, ANY, ERR_OBJECT, "unsupported", "choose another profile" },
	{ 500, 599, NULL, CREATES, ERR_UNKNOWN, "service-error",
		"it will be looked for before the next try" },
	{ 500, 599, NULL, ANY, ERR_RETRY, "service-error", "it will be tried again" },
	{ 0, 999, NULL, WRITES, ERR_UNKNOWN, "bad-answer", "the answer is not SCIM" },
	{ 0, 999, NULL, ANY, ERR_RETRY, "bad-answer", "the answer is not SCIM" },
};

static bool
row_fits(const struct row *r, long status, const char *scim, const struct answer_context *c)
{
	if (status < r->from || status > r->to)
		return false;
	if (r->scim && (!scim || !ascii_ieq(scim, r->scim)))
		return false;
	return r->who == ANY || (r->who == WRITES && c->write) || (r->who == CREATES && c->create);
}

/* Unique values that services name in what they say of a conflict; the first found is meant. */
static const struct conflict {
	const char *word, *attribute, *code;
} conflicts[] = {
	{ "aliases", "aliases", "address-taken" },
	{ "alias", "aliases", "address-taken" },
	{ "userName", "userName", "name-taken" },
	{ "displayName", "displayName", "name-taken" },
	{ "externalId", "externalId", "name-taken" },
	{ "emails", "emails.work", "address-taken" },
	{ "email", "emails.work", "address-taken" },
	{ "proxyAddress", "aliases", "address-taken" },
};

static const struct conflict *
conflict_find(const char *detail, enum kind_id kind)
{
	for (size_t i = 0; detail && i < ARRAY_LEN(conflicts); i++)
		if (strcasestr(detail, conflicts[i].word))
			return &conflicts[i];
	for (size_t i = 0; i < ARRAY_LEN(conflicts); i++)
		if (strcmp(conflicts[i].attribute, kinds[kind].name_attribute) == 0)
			return &conflicts[i];
	return NULL;
}

void
answer_error(const struct answer *an, const struct answer_context *c, const struct scim_profile *p,
	struct err *e, const char **attribute_r)
{
	const char *scim = json_get_string(an->body, "scimType");
	const char *detail = json_get_string(an->body, "detail");
	long status = an->status == 403 && p->quirks & SCIM_THROTTLE_403 ? 429 : an->status;
	CLEAN_BUF struct buf said = { 0 };
	const struct row *r = rows;

	/* 503 that says when to come back was not carried out */
	if (status == 503 && an->retry_after > 0)
		status = 429;
	if (an->odd && (status < 300 || status == 404 || status == 410))
		status = 0; /* not the service's own word */
	while (!row_fits(r, status, scim, c))
		r++;
	if (detail)
		text_escape(detail, strlen(detail), 400, &said);
	*attribute_r = NULL;
	const char *code = r->code;
	if (strcmp(code, "name-taken") == 0) {
		const struct conflict *k = conflict_find(detail, c->kind);
		*attribute_r = k ? k->attribute : NULL;
		code = k ? k->code : code;
	}
	err_set(e, r->kind, code, "%s: the service answered %ld%s%s%s%s; %s", c->what, an->status,
		scim ? " " : "",
		scim && strlen(scim) < 40 && utf8_valid(scim, strlen(scim)) ? scim : "",
		said.n ? ": " : "", buf_cstr(&said), r->remedy);
	if (r->kind == ERR_WAIT)
		e->wait = an->retry_after > 0 ? (unsigned)an->retry_after : 10;
}

/* --- lists --- */

/* An empty list may name no Resources, and no total. */
static bool
is_list_message(const struct json *body)
{
	json_for_each(it, json_get(body, "schemas"))
		if (json_string(it) &&
			strcmp(json_string(it),
				"urn:ietf:params:scim:api:messages:2.0:ListResponse") == 0)
			return true;
	return false;
}

bool
answer_list(const struct json *body, struct answer_list *l_r)
{
	*l_r = (struct answer_list){
		.resources = json_get(body, "Resources"),
		.total = json_get_int(body, "totalResults", -1),
		.start = json_get_int(body, "startIndex", -1),
		.next_cursor = json_get_string(body, "nextCursor"),
	};
	if (json_type(l_r->resources) != JSON_ARRAY) {
		if (l_r->resources && json_type(l_r->resources) != JSON_NULL)
			return false;
		l_r->resources = NULL;
	}
	return l_r->resources || l_r->total >= 0 || is_list_message(body);
}

/* --- Bulk --- */

static long
number_of(const char *s)
{
	char *end;
	long n = s ? strtol(s, &end, 10) : 0;
	return s && *s && !*end && n > 0 && n < 1000 ? n : 0;
}

/* "201", 201, {"code": "201"} or {"code": 201} */
static long
status_of(const struct json *j)
{
	if (json_type(j) == JSON_OBJECT)
		j = json_get(j, "code");
	if (json_type(j) == JSON_STRING)
		return number_of(json_string(j));
	double d = json_number(j, 0);
	return d >= 100 && d < 1000 ? (long)d : 0;
}

void
answer_bulk_op(const struct json *op, struct answer_op *o_r)
{
	const char *id = json_get_string(op, "bulkId");
	const struct json *response = json_get(op, "response");

	*o_r = (struct answer_op){
		.answer =
			{
				.status = status_of(json_get(op, "status")),
				.body = json_type(response) == JSON_OBJECT ? response : NULL,
				.location = json_get_string(op, "location"),
				.version = json_get_string(op, "version"),
			},
		.index = -1,
	};
	char *end = NULL;
	long n = id ? strtol(id, &end, 10) : 0;
	if (id && *id && !*end && n > 0)
		o_r->index = n - 1;
}

const struct json *
answer_bulk(const struct json *body)
{
	const struct json *ops = json_get(body, "Operations");
	return json_type(ops) == JSON_ARRAY ? ops : NULL;
}
