/*
 * Lists: filter, index and cursor paging, over one type or all. A list is a `job`: it is worked on
 * in slices, so that a scan of a large tenant never holds up other requests.
 *
 * An equality on what is indexed (id, names, externalId, addresses, members.value, groups.value),
 * an `or` of such, and an `and` with such a part are answered from the indexes; anything else reads
 * the rows.
 *
 * Cursor (RFC 9865, cursor.h): the place of the last resource shown, in the order of making or of the
 * sort, bound to tenant, endpoint and query. What is added or deleted meanwhile neither repeats nor
 * hides another resource.
 *
 * Sorted (RFC 7644 3.4.2.3, scim/sort.h): all that match are read for every page, and the first so
 * many kept: memory follows the page, time the tenant. By index the page may end at place
 * CLOUD_SORT_MAX at most; by cursor there is no such limit.
 *
 * Bounds, answered with tooMany: 30 s for a list, CLOUD_COLLECT_MAX entries read of the indexes,
 * CLOUD_SORT_MAX.
 */
#pragma once
#include "render.h"

struct query {
	const char *filter, *attributes, *excluded,
		*cursor; /* NULL: not given; cursor "" is the first page */
	const char *sort_by, *sort_order;
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
