/*
 * LDAP filters over mirrored entries (RFC 4515): evaluated by us, never sent to the source (SEMANTICS 4.1).
 * AD's matching rules 803 (bit and), 804 (bit or), 1941 (in chain), memberOf (computed from links),
 * objectCategory's short form, DN equality by identity. Three-valued as RFC 4511 4.5.1.7: undefined is not a match.
 */
#pragma once
#include "rules/rules.h"

struct filter;
#define FILTER_DEPTH_MAX  32
#define FILTER_LENGTH_MAX 16384
bool filter_parse(const char *text, struct arena *a, struct filter **f_r,
	struct err *e); /* text with column */
/* The schema's word on each name: links and bytes are compared as such; a name that it does not know is
 * ERR_CONFIG "bad-filter" unless `lenient`. A filter that was never bound takes a name for a link where
 * the entry has no such attribute and the value is a DN. */
bool filter_bind(struct filter *f, const struct rules_schema *schema, bool lenient, struct err *e);
bool filter_uses_memberof(const struct filter *f); /* memberOf, or any rule 1941 */
/* Calls note for each attribute that may be a link, memberOf aside; chain: under rule 1941. */
void filter_links(const struct filter *f,
	void (*note)(void *ctx, const char *attribute, bool chain), void *ctx);
void filter_named(
	const struct filter *f, struct buf *out); /* the n of its DNs, after filter_resolve */
void filter_attributes(const struct filter *f, struct names *names);
void filter_resolve(struct filter *f, const struct world *w); /* DNs in assertions to n */
bool filter_match(const struct filter *f, const struct world *w, const struct entry *en);
