/* A parsed filter, private to filter_*.c. */
#pragma once
#include "rules/filter.h"

enum filter_type { F_AND, F_OR, F_NOT, F_EQ, F_SUB, F_GE, F_LE, F_PRESENT, F_EXT };

enum filter_rule {
	R_DEFAULT, /* the attribute's own equality */
	R_BIT_AND, /* 1.2.840.113556.1.4.803 */
	R_BIT_OR,  /* 1.2.840.113556.1.4.804 */
	R_CHAIN,   /* 1.2.840.113556.1.4.1941 */
	R_EXACT,   /* bytes: caseExactMatch, octetStringMatch */
	R_IGNORE,  /* caseIgnoreMatch and the like */
	R_INTEGER, /* integerMatch */
	R_DN,      /* distinguishedNameMatch */
};

enum filter_special { S_NONE, S_MEMBEROF, S_DN, S_CATEGORY };

struct filter {
	enum filter_type type;
	struct filter **parts; /* and, or, not */
	size_t part_count;
	const char *attr; /* NULL: extensible match over all attributes */
	enum filter_special special;
	bool link, bytes, bound;
	struct str value; /* decoded */
	struct str *subs; /* substrings, normalized: initial, any..., final; empty = not given */
	size_t sub_count;
	enum filter_rule rule;
	bool dn_too;        /* :dn */
	const char *dn_key; /* of a value that is a DN, else NULL */
	int64_t n;          /* the entry it names, after filter_resolve; 0 = none */
};

/* Text as it is compared: folded, runs of spaces as one, none at the ends unless `part`. */
struct str filter_normal(struct str s, bool part, struct arena *a);
