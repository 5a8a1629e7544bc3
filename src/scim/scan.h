/* Shared by path.c and filter_parse.c: reading attribute paths and filters from one text. */
#pragma once
#include "scim/filter.h"

struct scan {
	const struct scim_type *type;
	const struct scim_attr
		*in;  /* inside [ ]: the attribute whose elements are asked; may be unknown */
	bool element; /* inside [ ] */
	struct str text;
	size_t at;
	unsigned depth, terms;
	struct arena *arena;
	const char *code; /* scimType of errors */
	struct err *e;
};

bool scan_fail(struct scan *s, const char *what);
void scan_spaces(struct scan *s);
bool scan_char(struct scan *s, char c); /* takes c if it is next */
struct str scan_word(struct scan *s);   /* up to white space, bracket, quote or end; may be empty */
/* A path without its filter; the URN of a schema alone is taken only when schema_alone. */
bool scan_path(struct scan *s, bool schema_alone, struct scim_path *p_r);
/* "[" filter "]" behind p. */
bool scan_brackets(struct scan *s, struct scim_path *p);
/* An `or` list, up to ")" , "]" or the end. */
bool scan_filter(struct scan *s, const struct scim_filter **f_r);
