/* Comparing plain values. Private to scim. */
#pragma once
#include "scim/filter.h"

struct value_time {
	int64_t seconds;
	char fraction[10]; /* digits, zero-padded, so that strcmp orders them */
};
/* RFC 3339, fraction of a second included. t_r may be NULL. */
bool value_time(const char *s, struct value_time *t_r);
/* The text without case, in the arena. */
struct str value_fold(struct arena *a, const char *s);
/* Two texts, by caseExact. */
bool value_text_equal(const char *a, const char *b, bool case_exact);
/* Absent in the sense of RFC 7643 2.5: null, [], {} or "no such member". */
bool value_absent(const struct json *j);
/* What stands for a single value: [v] is v (Entra sends a manager so). */
const struct json *value_lone(const struct json *j);
/* The object that holds the path's attribute: the resource, or its extension's object. */
const struct json *value_holder(const struct scim_path *p, const struct json *resource);
/* true, or "True" in any case. */
bool value_true(const struct json *j);
