/*
 * What is sent to a SCIM service: bodies of create, PATCH and PUT, from attributes in vocabulary
 * names. Written straight into a buffer, no tree (PUT excepted, which changes the tree that was
 * read).
 *
 * An element of emails, phoneNumbers, addresses is changed by itself (`emails[type eq
 * "work"].value`), because others may own the rest (SEMANTICS 6.3). RFC 7644 lets a server refuse a
 * replace whose filter matches nothing; after such a refusal the object is read and `have` says
 * what is there.
 *
 * Errors: ERR_OBJECT "bad-value", naming the attribute: values that are not text, truth values that
 * are neither true nor false.
 */
#pragma once
#include "base/err.h"
#include "scim_place.h"
#include "scim_profile.h"

/* Of lists of which others may own elements. */
enum body_part {
	BODY_WHOLE,
	BODY_MORE, /* attr's values are added */
	BODY_LESS, /* attr's one value leaves */
};
struct body_item {
	struct place at;
	const struct attr *attr;
	enum body_part part;
	bool done;
};
struct body_items {
	struct body_item *list;
	size_t count;
};

/* Where each attribute goes; in the arena of attrs, and pointing into attrs. gone (may be NULL): lists of as that
 * are only added to, and what leaves them. */
bool body_items(enum kind_id kind, const struct attrs *as, const struct attrs *gone,
	struct body_items *it_r, struct err *e);

/* POST: a whole resource. Attributes without values are left out. */
void body_create(enum kind_id kind, const char *external, struct body_items *it, struct jsonw *w);

/*
 * PATCH: the items from *done on, at most sv->patch_ops operations; *done is moved behind what was
 * written. have: the resource as it is (NULL: not known; it leaves out what need not be done).
 * Returns the number of operations; 0 = nothing to do, and nothing was written.
 */
size_t body_patch(const struct scim_service *sv, struct body_items *it, const struct json *have,
	size_t *done, struct jsonw *w);
/* The frame of a PATCH body and of one operation in it; the caller writes its value and ends it. */
enum body_op { BODY_ADD, BODY_REPLACE, BODY_REMOVE };
void body_patch_begin(struct jsonw *w);
void body_patch_end(struct jsonw *w);
void body_op_begin(
	struct jsonw *w, const struct scim_service *sv, enum body_op op, const char *path);

/* True when one of these operations could be refused for want of a target. */
bool body_patch_needs_target(const struct body_items *it);

/* Of scim_body.c, scim_patch.c and scim_put.c. whole_element: the element of a single value ends with it; of an
 * address each part goes alone. */
bool body_same(const char *a, const char *b);
bool body_same_element(const struct place *a, const struct place *b);
bool body_whole_element(const struct place *p);
void body_write_value(struct jsonw *w, const char *name, const struct place *p, struct str v);
/* One element {"type": ..., sub: value, ...} with every item of the same element from `from` on whose value number
 * `nth` exists; marks them done at their last value. */
void body_write_element(
	struct jsonw *w, struct body_items *it, size_t from, size_t nth, bool primary);
/* A value, or the array of them. */
void body_write_plain(struct jsonw *w, const char *name, struct body_item *it);
/* PUT: changes the resource that was read. */
void body_put(struct body_items *it, struct json *resource);

/* References. A list of keys to add and to remove, taken from *done on (adds first, then removals).
 */
struct body_refs {
	enum kind_id kind;
	const char *attribute;
	const char *const *add, *const *remove;
	size_t add_count, remove_count;
};
/* limit: changes in one request. Returns the number of changes written; *done grows by it. */
size_t body_refs_patch(const struct scim_service *sv, const struct body_refs *r, size_t limit,
	size_t *done, struct arena *a, struct jsonw *w);
void body_refs_put(const struct body_refs *r, struct arena *a, struct json *resource);
