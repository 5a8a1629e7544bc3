/*
 * Resources as the client sees them: stored text, id, meta, groups or members, and what
 * `attributes` and `excludedAttributes` leave of it.
 *
 * A large group's members are not put into the text: a `hole` says where they belong, and the
 * stream (out_read) fetches them a page at a time while the answer is sent.
 */
#pragma once
#include "cloud.h"

struct projection {
	bool include; /* attributes=: only these; else all but these */
	struct scim_path *paths;
	size_t n;
};
/* attributes and excludedAttributes as comma lists; both NULL: everything. Unknown names are passed
 * over; attr[filter] is attr, whole. */
bool projection_parse(struct arena *a, const struct scim_type *type, const char *attributes,
	const char *excluded, struct projection *p_r, struct err *e);

struct hole {
	size_t at; /* in text: right behind "members":[ */
	int64_t group;
	unsigned subs; /* which sub-attributes are shown */
};
struct out {
	struct buf text;
	struct hole *holes; /* malloc'd */
	size_t n_holes;
};
void out_free(struct out *o);

/* Appends one resource. */
bool render_row(struct call *k, const struct projection *p, const struct store_row *row,
	struct out *o, struct err *e);
const char *render_location(const struct call *k, const struct store_row *row);
void render_version(const struct store_row *row, char tag_r[32]); /* W/"5" */

/* Where a stream stands. */
struct out_pos {
	size_t at;     /* bytes of text sent */
	size_t hole;   /* next hole */
	bool inside;   /* in that hole */
	int64_t after; /* last member sent of it */
	struct buf page;
	size_t page_at;
};
/* Up to max bytes into p; n_r 0 at the end. base as in call. */
bool out_read(struct cloud *c, const char *base, const struct out *o, struct out_pos *pos, char *p,
	size_t max, size_t *n_r, struct err *e);
