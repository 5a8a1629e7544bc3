/* Compiled rules of one sync, private to rules.c, scope.c and map.c. */
#pragma once
#include "expr.h"
#include "rules/filter.h"

struct rule_base {
	const struct conf_text *text;
	int64_t n; /* 0 = not in the mirror */
};
struct rule_filter {
	const struct conf_text *text;
	struct filter *f;
};
struct rule_when {
	const struct conf_text *text;
	struct expr x;
};
struct rule_map {
	const struct conf_map *map;
	const struct vocab *vocab; /* NULL: a URN */
	int ref;                   /* index in the kind's refs, or -1 */
	struct expr x;
};
struct rule_kind {
	bool enabled;
	struct rule_map *maps;
	size_t count;
};

/* Entries of one container share the answer of base and not_base. */
#define CONTAINER_SLOTS 64
struct container {
	int64_t n;          /* 0 = free */
	int base, not_base; /* index of the first that matches, -1 = none */
};

struct rules {
	struct arena *arena;
	const struct conf_sync *s;
	struct engine *engine;
	struct rule_base *bases, *not_bases, *groups;
	struct rule_filter *filters;
	struct rule_when *whens;
	int64_t *group_ns;
	struct rule_kind kind[KIND_COUNT];
	struct container slots[CONTAINER_SLOTS];
	bool uses_memberof;
	struct rules_link *links;
	size_t link_count;
};
