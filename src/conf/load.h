/* Private to conf/: what load.c shares with values.c, check.c and print.c. */
#pragma once
#include "table.h"

/* Where a value stands, for errors. */
struct conf_place {
	const char *file;
	int line;
	const char *name;
};

/* Sets one option of a structure from its words; refuses with its place. */
bool conf_value_set(const struct conf_option *o, void *base, const char *const *words, size_t count,
	const struct conf_place *at, struct arena *a, struct err *e);
/* Sets all options of a section (not of its sub-sections) to their defaults. */
void conf_section_defaults(const struct conf_section *s, void *base, struct arena *a);
/* Same, for a whole sync with its sub-sections; kinds' `leave` from the kinds table. */
void conf_root_defaults(struct conf *c); /* of what stands once: c->arena is there */
void conf_sync_defaults(struct conf_sync *s, struct arena *a);
/* The value as it is written in a file: 'x', {'a', 'b'}. */
void conf_value_print(const struct conf_option *o, const void *base, struct buf *out);

/* What no single value can tell: names, types, references; completes kinds and maps. */
bool conf_check(struct conf *c, struct err *e);
