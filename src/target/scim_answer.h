/*
 * What a SCIM service answered: resources, errors, lists, Bulk. All of it is foreign data: members
 * of the wrong type count as absent; quirks of services are taken as they come (status as a number,
 * a string or an object; relative or missing locations; no version).
 */
#pragma once
#include "base/err.h"
#include "scim_place.h"
#include "scim_profile.h"

/* One answer, alone or as an operation of a Bulk answer. Strings belong to the tree. */
struct answer {
	long status;             /* HTTP */
	const struct json *body; /* the resource or the error; NULL: none */
	bool odd; /* there was a body that is not JSON: a page of something in between */
	const char *location; /* NULL: none */
	const char *version;  /* ETag, meta.version or Bulk's version; NULL: none */
	long retry_after;     /* seconds; 0: not stated */
};

/* Key of the object an answer speaks of: its id, else the last segment of its location. NULL:
 * neither. */
const char *answer_key(const struct answer *an, struct arena *a);
const char *answer_version(const struct answer *an);
const char *answer_resource_version(const struct json *resource);
/* True when the service itself says that the object is not there (and not a proxy's page). */
bool answer_is_gone(const struct answer *an);

/* What was being done when the error came. */
struct answer_context {
	const char *what; /* "create", "update", ...: for the text */
	bool write;       /* changes something */
	bool create;      /* not idempotent */
	enum kind_id kind;
};
/* The error of a status >= 300. *attribute_r: the vocabulary name at fault, or NULL. */
void answer_error(const struct answer *an, const struct answer_context *c,
	const struct scim_profile *p, struct err *e, const char **attribute_r);

/* A list (RFC 7644 3.4.2). total and start are -1 when absent. */
struct answer_list {
	const struct json *resources; /* array or NULL */
	int64_t total, start;
	const char *next_cursor;
};
bool answer_list(const struct json *body, struct answer_list *l_r);

/* One operation of a Bulk answer; index: the bulkId that we gave ("1" is 0), or -1. */
struct answer_op {
	struct answer answer;
	int64_t index;
};
void answer_bulk_op(const struct json *op, struct answer_op *o_r);
/* The operations of a Bulk answer; NULL when it is not one. */
const struct json *answer_bulk(const struct json *body);
