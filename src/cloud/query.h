/*
 * Lists: filter, index and cursor paging, over one type or all. A list is a `job`: it is worked on
 * in slices, so that a scan of a large tenant never holds up other requests.
 *
 * An equality on what is indexed (id, names, externalId, addresses, members.value, groups.value),
 * an `or` of such, and an `and` with such a part are answered from the indexes; anything else reads
 * the rows.
 *
 * Cursor (RFC 9865): the last rid seen, authenticated by HMAC-SHA-256 over it, the tenant, the
 * endpoint and the query, so it says nothing elsewhere. It stands on the order of making, so that
 * what is added or deleted meanwhile neither repeats nor hides another resource. It never expires.
 */
#pragma once
#include "render.h"

struct query {
	const char *filter, *attributes, *excluded,
		*cursor;      /* NULL: not given; cursor "" is the first page */
	int64_t start, count; /* as given; count < 0: not given */
	bool count_given;
};

struct job;
/* types: bits of 1 << SCIM_USER ... Lives in the arena. */
bool job_new(
	struct call *k, unsigned types, const struct query *q, struct job **j_r, struct err *e);
/* Works for a while; done_r when the answer stands in out. Slow lists end with tooMany. */
bool job_step(struct job *j, struct call *k, bool *done_r, struct err *e);
struct out *job_out(struct job *j);
void job_free(struct job *j);
