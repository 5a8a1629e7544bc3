/*
 * Attribute paths and filters: the whole grammar of RFC 7644 3.4.2.2 and 3.5.2 (PATCH paths).
 *
 * Bounded: SCIM_FILTER_BYTES, SCIM_FILTER_DEPTH levels of ( ), not and [ ], SCIM_FILTER_TERMS
 * comparisons. Operators and names are taken in any case; a URN prefix ends at the last colon.
 * Names that the type's schemas do not know are not an error: their attr is NULL and they have no
 * value (RFC 7644 3.4.2.1), so that one filter can serve several types.
 *
 * Tolerated because clients send it: 'single quotes' ('' is one), and no quotes at all around one
 * word that is compared with an attribute of text.
 *
 * Ownership: everything lives in the arena given. Errors: kind ERR_OBJECT, code the scimType
 * ("invalidFilter", "invalidPath"), text with the byte position.
 */
#pragma once
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "scim/schema.h"

#define SCIM_FILTER_BYTES 65536
#define SCIM_FILTER_DEPTH 32
#define SCIM_FILTER_TERMS 1000

struct scim_filter;

struct scim_path {
	struct str text;                  /* as written, for messages */
	const struct scim_schema *schema; /* NULL: unknown URN or name; always in [ ] */
	const struct scim_attr *attr; /* NULL: unknown; with a schema: the path is its URN alone */
	const struct scim_attr *sub;  /* NULL: none */
	const struct scim_filter
		*filter; /* attr[filter]; its paths are sub-attributes; NULL: none */
};

enum scim_op {
	SCIM_AND,
	SCIM_OR,
	SCIM_NOT, /* child, ...next */
	SCIM_HAS, /* attr[child] */
	SCIM_PR,
	SCIM_EQ,
	SCIM_NE,
	SCIM_CO,
	SCIM_SW,
	SCIM_EW,
	SCIM_GT,
	SCIM_GE,
	SCIM_LT,
	SCIM_LE,
};

struct scim_filter {
	enum scim_op op;
	const struct scim_filter *child; /* AND, OR: first of two or more; NOT, HAS: the one */
	const struct scim_filter *next;  /* following sibling */
	struct scim_path
		path;        /* comparisons and HAS; attr is the attribute compared, sub resolved */
	enum json_type type; /* of the value: null, boolean, number, string */
	const char *text;    /* string value */
	struct str folded;   /* string value without case; text itself when caseExact */
	double number;
	bool truth;
};

bool scim_filter_parse(const struct scim_type *type, struct str text, struct arena *a,
	const struct scim_filter **f_r, struct err *e);
/* A filter on the elements of one attribute, as inside [ ]. */
bool scim_filter_parse_sub(const struct scim_attr *attr, struct str text, struct arena *a,
	const struct scim_filter **f_r, struct err *e);
/* attr, attr.sub, attr[filter], attr[filter].sub, each with a URN before it, or a URN alone. */
bool scim_path_parse(const struct scim_type *type, struct str text, struct arena *a,
	struct scim_path *p_r, struct err *e);

/*
 * Does the filter hold for this resource? Attributes of scim_attr.rows are asked through rows()
 * when it is given: the node is one comparison or HAS whose path.attr is such an attribute; it
 * holds when any element makes it hold, so rows() may ask scim_filter_match (without rows) about a
 * part at a time.
 */
struct scim_match {
	bool (*rows)(void *ctx, const struct scim_filter *node);
	void *ctx;
};
bool scim_filter_match(
	const struct scim_filter *f, const struct json *resource, const struct scim_match *m);
/* For an element of a multi-valued (or a complex) attribute: paths are sub-attributes; an element
 * that is no object counts as its `value`. */
bool scim_filter_match_element(const struct scim_filter *f, const struct json *element);
/* One comparison of a plain value, by the attribute's type and caseExact. */
bool scim_compare(
	const struct scim_filter *f, const struct scim_attr *attr, const struct json *value);
/* True when any node of the filter names an attribute for which want() is true. */
bool scim_filter_any(const struct scim_filter *f, bool (*want)(const struct scim_attr *attr));

/* Member of an object by name without case; NULL when absent. */
const struct json *scim_get(const struct json *obj, const char *name);
