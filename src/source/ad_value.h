/*
 * What Active Directory writes into values and attribute names, taken apart: extended DNs
 * (MS-ADTS 3.1.1.3.4.1.5) and the range option (MS-ADTS 3.1.1.3.1.3.3). Pure; everything handed out
 * lives in the arena given or in the text given.
 */
#pragma once
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

struct ad_dn {
	char guid[37];   /* canonical (3.1); "" when the value has none */
	const char *sid; /* "S-1-..."; NULL when the value has none */
	const char *dn;  /* NULL when the value is an id alone */
};
/* "<GUID=...>;<SID=...>;CN=..." with ids as text or as hexadecimal bytes, or a plain DN.
 * Parts of other names are passed over. Kind ERR_OBJECT, code "bad-dn". */
bool ad_dn_parse(struct str value, struct arena *a, struct ad_dn *dn_r, struct err *e);

enum ad_range {
	AD_RANGE_NONE,    /* the whole attribute */
	AD_RANGE_PART,    /* values from..to of it; `last` when there are no more */
	AD_RANGE_ADDED,   /* DirSync increments: values that are there (";range=1-1") */
	AD_RANGE_REMOVED, /* and that went (";range=0-0") */
};
struct ad_name {
	struct str name;
	enum ad_range range;
	size_t from, to; /* AD_RANGE_PART; to is SIZE_MAX with `last` */
	bool last;
};
/* Takes an attribute description apart. `increments`: the answer is one of DirSync with incremental
 * values, where 1-1 and 0-0 are marks and not positions. Options other than range are passed over.
 * false: a range that cannot be read. */
bool ad_name_parse(struct str description, bool increments, struct ad_name *n_r);
