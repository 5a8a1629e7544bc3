/*
 * Expressions (SEMANTICS 1.4): compiled once, evaluated per entry. One Lua state, no library but the
 * prelude; what Lua may use of time and memory in one evaluation is limited. Simple expressions (a name,
 * or names joined by `or`) go past Lua with the same meaning.
 */
#pragma once
#include "rules/rules.h"
#include "scan.h"

#define EXPR_STEPS_MAX  200000 /* Lua instructions in one evaluation */
#define EXPR_MEMORY_MAX (8 * 1024 * 1024)
#define EXPR_VALUES_MAX 100000 /* elements of one result */

/* A value on our side: nothing, a truth value, or texts. */
struct value {
	enum { VALUE_NONE, VALUE_BOOL, VALUE_TEXTS } type;
	bool truth;
	bool list; /* multi-valued by schema, or a table from Lua */
	struct str *texts;
	size_t count;
};

/* A name resolved against the schema. */
struct name_ref {
	const char *name;
	enum builtin builtin;
	bool known, multi, link, bytes;
};

/* One evaluation: what it sees and what it leaves behind. */
struct eval {
	const struct world *w;
	const struct entry *en;
	const struct kind *kind; /* NULL when not known */
	struct arena *a;
	int64_t wake; /* lowered by before() and after() and by what `enabled` looks at */
};

struct engine;
struct engine *expr_engine_new(
	const struct rules_schema *schema); /* schema may be NULL: every name is known */
void expr_engine_free(struct engine *g);

struct expr {
	const char *text;
	struct name_ref **plain; /* else NULL, and `chunk` */
	size_t plain_count;
	int chunk;
	bool uses_memberof;
	const char **links; /* link attributes among its names */
	size_t link_count;
};
/* A name that the schema does not know is an error, unless `lenient` (default maps). ERR_CONFIG
 * "bad-expression" without place: the caller knows it. */
bool expr_compile(
	struct engine *g, const char *text, bool lenient, struct expr *x_r, struct err *e);
/* false: ERR_OBJECT "bad-value", text names the attribute or function. */
bool expr_eval(
	struct engine *g, const struct expr *x, struct eval *ev, struct value *v_r, struct err *e);

/* value.c: the value of a name for an entry. */
bool expr_name_value(const struct name_ref *r, struct eval *ev, struct value *v_r, struct err *e);
/* A time as directories write it: RFC 3339, GeneralizedTime, FILETIME; INT64_MAX = never. */
bool expr_time_parse(struct str s, int64_t *t_r);
/* now < t, remembering t as a wake-up when it lies ahead. */
bool eval_before(struct eval *ev, int64_t t);
