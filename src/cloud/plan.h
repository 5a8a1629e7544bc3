/* Which resources can a filter hold for, by the indexes alone? */
#pragma once
#include "cloud.h"

struct rids {
	int64_t *list;       /* malloc'd; ascending, each once, after plan_collect */
	size_t n, cap, seen; /* seen: entries of the indexes, those of other types included */
};

/* False: only reading all rows will tell. exact_r: the filter holds for every one found, so that it
 * need not be asked again. */
bool plan_possible(const struct scim_filter *f, bool *exact_r);
/* Errors: tooMany, beyond CLOUD_COLLECT_MAX. */
bool plan_collect(
	struct call *k, unsigned type, const struct scim_filter *f, struct rids *r, struct err *e);
