/*
 * Attributes of an entry or an object: names with lists of values, values are bytes (usually UTF-8,
 * may hold NUL). Names are compared without ASCII case; the spelling that came first is kept.
 * Everything lives in the arena given to attrs_new. In a change ("part") an attribute with no values
 * means "removed"; in a whole entry it is never there.
 */
#pragma once
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#define ATTRS_MAX 4096 /* attributes of one entry, in packed and protocol form */

struct attr {
	const char *name;
	size_t count;
	struct str *values;
};

struct attrs {
	struct arena *arena;
	size_t count, cap;
	struct attr *list;
};

struct attrs attrs_new(struct arena *a);
const struct attr *attrs_get(const struct attrs *as, const char *name); /* NULL when absent */
struct str attrs_first(const struct attrs *as, const char *name);       /* first value or empty */
void attrs_set(struct attrs *as, const char *name, const struct str *values,
	size_t count); /* copies; replaces */
void attrs_add(struct attrs *as, const char *name,
	struct str value); /* one more value, unless there already */
void attrs_set_c(struct attrs *as, const char *name, const char *value);
void attrs_remove(struct attrs *as, const char *name);
bool attr_has(const struct attr *a, struct str value);          /* a may be NULL */
bool attr_same_set(const struct attr *a, const struct attr *b); /* as sets, bytes; NULL = none */
void attrs_copy(struct attrs *to, const struct attrs *from);
/* A change into a whole: what has values replaces, what has none goes. Names and values are not copied: they are
 * change's from then on, too. */
void attrs_share(struct attrs *to, const struct attrs *change);

/* Canonical binary form: names lower-case and sorted, values sorted: equal sets give equal bytes. */
void attrs_pack(const struct attrs *as, struct buf *out);
/* The same with names as spelled: for the vocabulary, where case matters to the target. */
void attrs_pack_spelled(const struct attrs *as, struct buf *out);
bool attrs_unpack(struct str packed, struct arena *a, struct attrs *as_r, struct err *e);

/* Protocol form (lockstep-connector(7)): {"mail": ["x", {"b64": "..."}], "gone": []}. */
void attrs_write(const struct attrs *as, struct jsonw *w, const char *name);
bool attrs_read(const struct json *j, struct arena *a, struct attrs *as_r, struct err *e);
/* The same of a change in which a list may come as {"add": [...], "remove": [...]}: then as has what is added, and
 * elements, which may be NULL when writing, has the name with what is removed. */
void attrs_write_elements(
	const struct attrs *as, const struct attrs *elements, struct jsonw *w, const char *name);
bool attrs_read_elements(const struct json *j, struct arena *a, struct attrs *as_r,
	struct attrs *elements_r, struct err *e);
/* One list of values, and one value: a string where it is UTF-8 without NUL, else {"b64": ...}. */
void attr_write(const struct attr *at, struct jsonw *w, const char *name);
bool attr_read(
	const struct json *j, const char *name, struct arena *a, struct attr *at_r, struct err *e);
void value_write(struct jsonw *w, struct str v);
