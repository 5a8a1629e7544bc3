/*
 * The first pass over a configuration: lexical rules and structure. libConfuse alone would let pass or
 * misname what SEMANTICS 1.2 wants refused with its line - backslashes and ${} in double quotes, a
 * string or section that is never closed, names given twice - and cannot hold free-form sections with
 * sub-sections. So this pass checks, finds every name with its file and line, follows includes, and
 * hands on each file's text with comments blanked (libConfuse refuses them in lists and miscounts their
 * lines); libConfuse then reads the values.
 */
#pragma once
#include "table.h"

#define SCAN_FILE_MAX    (4u << 20) /* bytes of one file */
#define SCAN_INCLUDE_MAX 8          /* depth */
#define SCAN_FILES_MAX   256
#define SCAN_ITEMS_MAX   200000
#define SCAN_NONE        SIZE_MAX

struct scan_item {
	const struct conf_section *within;  /* table of the section it stands in */
	const struct conf_section *section; /* its own table when it is a section, else NULL */
	size_t parent; /* item of the section it stands in; SCAN_NONE at the top */
	const char *name;
	const char *title; /* of a titled section */
	const char *file;
	int line;
	/* Bytes of its file, for edit.c: all of it; the value, or what stands between '{' and '}'. */
	size_t from, to, inner_from, inner_to;
};

struct scan_file {
	const char *path;
	const char *text;
	size_t size;
};

struct scan {
	struct arena *arena;
	struct scan_item *items;
	size_t count, cap;
	struct scan_file files[SCAN_FILES_MAX];
	size_t file_count;
};

/* text: what stands in the file, or shall; NULL = it is read. */
bool scan_load(struct scan *s, const char *path, const struct str *text, struct err *e);

/* The words of an option's value (1 of a list or of none) in text with comments blanked. */
struct scan_word {
	size_t from, to;
	const char *text;
};
size_t scan_words(
	const char *text, size_t from, size_t to, struct arena *a, struct scan_word **w_r);
