/*
 * The names in an expression, found lexically (Lua 5.4 manual, 3.1), without running it: which
 * attributes to read, which names the schema must know, and whether the expression is so simple that
 * Lua is not needed. Expressions are no programs: `function` and the statements are refused here.
 */
#pragma once
#include "rules/rules.h"

#define EXPR_LENGTH_MAX 16384

enum expr_name_type {
	EXPR_ATTRIBUTE, /* mail, attr.mail, attr["mail"] */
	EXPR_BUILTIN,   /* enabled, dn, ... : struct builtin */
	EXPR_FUNCTION,  /* Trim( */
};

struct expr_name {
	enum expr_name_type type;
	const char *spelled; /* as written */
	bool through_attr;   /* behind `attr`: never a builtin but memberOf */
};

struct expr_names {
	struct expr_name *list;
	size_t count, cap;
	bool plain; /* NAME, or NAME or NAME or ...: list in that order */
	struct arena *arena;
};

bool expr_scan(const char *text, struct expr_names *n, struct err *e);

/* Names with a value of their own. */
enum builtin { B_NONE, B_ENABLED, B_LOCKED, B_DN, B_ID, B_KIND, B_CONTAINER, B_MEMBEROF };
enum builtin builtin_find(const char *name);
/* The attributes from which a builtin is computed, NULL-ended. */
const char *const *builtin_attributes(enum builtin b);
