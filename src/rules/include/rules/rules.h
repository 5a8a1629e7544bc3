/*
 * Rules: who is in scope and what is wanted, a pure function of one entry at a time
 * (wanted = rules(mirror, configuration, now)). No I/O here: what a rule may see (SEMANTICS 5.1) comes
 * through struct world. Compiled once per sync and run; one Lua state inside, sandboxed: no library,
 * only our prelude, limits on steps and memory (1.4).
 */
#pragma once
#include <stdint.h>
#include "conf/conf.h"
#include "model/entry.h"

/* What a rule may see. All n are mirror integers. Answers are in the caller's arena. */
struct world {
	void *ctx;
	int64_t now;                                   /* the directory's clock (5.2) */
	int64_t (*find_dn)(void *ctx, const char *dn); /* 0 = none */
	int64_t (*parent)(void *ctx, int64_t n);       /* 0 at the top */
	bool (*in_group)(void *ctx, int64_t n,
		int64_t group); /* member, nested, primary group too; never of itself */
	char *(*dn)(void *ctx, int64_t n, struct arena *a);
	/* Other ends of a link attribute (reverse: owners that point here; "memberOf" = reverse "member"
	 * plus primary group). */
	size_t (*links)(void *ctx, int64_t n, const char *attribute, bool reverse, struct arena *a,
		int64_t **ns_r);
};

/* Syntax and cardinality of a source attribute, from the source's hello. */
struct rules_schema {
	void *ctx;
	/* false: the source does not know the name */
	bool (*lookup)(void *ctx, const char *name, bool *multi_r, bool *link_r, bool *bytes_r);
};

/* The attributes to read for a sync: all that its maps, filters, `when` lines and built-ins (enabled,
 * memberOf...) name. Needs no schema. Adds names to list (map of lower-case name -> spelling), arena-owned. */
struct names {
	const char **list;
	size_t count, cap;
	struct arena *arena;
};
bool rules_attributes(const struct conf_sync *s, struct names *names, struct err *e);
void names_add(struct names *n, const char *name); /* unless there already, without case */

struct rules;
/* Compiles; a name that the schema does not know, a bad filter or expression is ERR_CONFIG with file line. */
bool rules_compile(const struct conf *c, const struct conf_sync *s,
	const struct rules_schema *schema, struct rules **r_r, struct err *e);
void rules_free(struct rules **r);
/* DNs of scope (base, not_base, group) are resolved once per projection, after a read. */
void rules_resolve(struct rules *r, const struct world *w);
/* Scope groups' n (0 = not in the mirror), for the dirty list. */
size_t rules_scope_groups(const struct rules *r, const int64_t **ns_r);
/* True when a verdict or value may depend on group membership other than scope groups (memberOf in a filter or expression). */
bool rules_uses_memberof(const struct rules *r);

/* Link attributes, other than by memberOf, that a verdict or value hangs on: of the entry itself. */
struct rules_link {
	const char *attribute;
	bool chain; /* and of those that its links lead to, and so on (rule 1941) */
	bool dn;    /* and on the DNs of the other ends */
};
size_t rules_links(const struct rules *r, const struct rules_link **list_r);
/* Which entries the DNs in filters name now, as text for a digest: another one makes another rule. */
void rules_named(const struct rules *r, struct buf *out);

struct scope_step {
	const char *what;
	const char *text;
	int line;
	bool pass;
}; /* "base", "group", ... for explain */
struct verdict {
	bool in;
	const char *
		why; /* one line: "not under any base (line 12)", "filter (mail=*) does not match (line 14)" */
	int64_t wake; /* earliest time the answer may change by clock alone; INT64_MAX = never */
	struct scope_step steps[24];
	size_t step_count;
};
/* The first `base` or `group` (excluding: `not_base`) that was not in the directory when last resolved; NULL = none. */
const struct conf_text *rules_scope_lost(const struct rules *r, bool excluding);
/* Scope of an entry whose kind is known; a kind that is switched off is out. */
bool rules_scope(struct rules *r, const struct world *w, const struct entry *en, struct arena *a,
	struct verdict *v_r, struct err *e);

struct map_step {
	const char *name;
	const char *expr;
	int line;
	bool is_default;
	const char *error;
}; /* error: NULL = fine */
struct mapped {
	struct attrs wanted; /* vocabulary names; no reference attributes (they follow links) */
	const char *name;    /* value of the kind's unique name attribute; NULL = none */
	bool active;         /* true for kinds that cannot be disabled */
	int64_t wake;
	struct map_step *steps;
	size_t step_count; /* one per mapped attribute; an error holds that attribute back (N13) */
	bool refs[3];      /* which of the kind's references are mapped */
};
/* false (ERR_OBJECT, code "no-name", "bad-value"...): the object cannot be wanted as it is; it counts as present.
 * What could be mapped is in m_r all the same, wake too. */
bool rules_map(struct rules *r, const struct world *w, const struct entry *en, const struct kind *k,
	struct arena *a, struct mapped *m_r, struct err *e);
