/*
 * Other tools' configurations as a first step to ours (`lockstep config import`).
 *
 * An importer is a row in import.c: it tells a document that is its own, and makes a draft of a configuration from
 * what has a plain meaning here. All the rest goes to the list of what has no counterpart, by path and line, never
 * with its value: anything there may be a secret. Elements are taken by tables (struct import_rule); what no table
 * names is "not known". A third format is a row and a file like import_gcds.c.
 *
 * The document comes from outside: at most IMPORT_SIZE_MAX bytes, no DTD, hence no entities; nothing is loaded.
 */
#pragma once
#include <libxml/tree.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/kind.h"

#define IMPORT_SIZE_MAX     ((size_t)1 << 20)
#define IMPORT_DEPTH_MAX    32
#define IMPORT_NAME_MAX     100
#define IMPORT_ELEMENTS_MAX 20000
#define IMPORT_NOTES_MAX    20000
#define IMPORT_SECTIONS_MAX 200 /* connections and tasks */

struct import_note {
	int line;
	const char *what;       /* path of the element, with names: "tasks/task[People]/bean" */
	const char *as;         /* taken: the line of ours that came of it */
	const char *why, *todo; /* missed: why it has no counterpart, and what to do */
};
struct import_notes {
	struct import_note *list;
	size_t count, cap;
};

/* A line of the configuration that is being made: an option, or a section with lines in it. */
struct draft {
	const char *name, *title, *value;
	bool section, off; /* off: it stands there as a comment */
	int line;          /* of the document; 0: not from there */
	const char *from, *remark;
	struct draft *up, *next, *first, *last;
};

struct import {
	struct arena *arena;
	const char *file, *format; /* format: the importer's name */
	struct draft *draft;       /* the root */
	struct import_notes taken, missed;
	int sections;
	bool full; /* more than a configuration has: it is given up */
};

/* Reads a document that was loaded from `file` (a name, for messages) and appends the configuration to out; it is one
 * that conf_load takes. Errors are ERR_CONFIG with file and line. What im_r holds lives in a. */
bool import_read(struct str xml, const char *file, struct arena *a, struct import *im_r,
	struct buf *out, struct err *e);
const char *import_formats(struct arena *a); /* "lsc (...), gcds (...)" */

/* import_draft.c. Options from elements join the list of what was taken. n: where it comes from, NULL = not from the
 * document; remark: NULL = none. Values are texts of any kind, quoted when printed. */
struct draft *draft_section(
	struct import *im, struct draft *in, const char *name, const char *title, const xmlNode *n);
struct draft *draft_option(struct import *im, struct draft *in, const char *name, const char *value,
	const xmlNode *n, const char *remark);
/* As a comment, for a person to decide. */
void draft_suggest(
	struct import *im, struct draft *in, const char *name, const char *value, const xmlNode *n);
struct draft *draft_find(const struct draft *in, const char *name, const char *title);
void draft_print(const struct import *im, struct buf *out);
void import_miss(struct import *im, const xmlNode *n, const char *why, const char *todo);
void import_secret(struct import *im, const xmlNode *n, const char *todo);

/* import_walk.c: looking into documents. Texts are trimmed, in the arena, never NULL. */
const char *import_text(struct import *im, const xmlNode *n);
const char *import_attribute(struct import *im, const xmlNode *n, const char *name);
const xmlNode *import_child(const xmlNode *n, const char *name); /* first; NULL = none */
const char *import_child_text(struct import *im, const xmlNode *n, const char *name);
/* Comparisons without a copy, for searches: the text of an element without regard to case, of its first child of that
 * name as it is, of an attribute as it is. */
bool import_says(const xmlNode *n, const char *text);
bool import_child_is(const xmlNode *n, const char *name, const char *text);
bool import_attribute_is(const xmlNode *n, const char *name, const char *text);
const xmlNode *import_next(
	const xmlNode *after, const char *name); /* sibling of that name; NULL = any */
bool import_is(const xmlNode *n, const char *name);
char *import_path(struct import *im, const xmlNode *n);
/* The text as the name of a section: letters, digits, '_', '.', '-'. */
char *import_title(struct import *im, const char *text);

struct import_rule {
	const char *name;
	void (*take)(struct import *im, const xmlNode *n, void *ctx);
	const char *why, *todo; /* without take: missed for that reason; none: says nothing here */
};
/* A rule's `take` for what others look at. */
void import_nothing(struct import *im, const xmlNode *n, void *ctx);
/* Each element in `in` by the rule of its name; the rules end with one without name. */
void import_walk(struct import *im, const xmlNode *in, const struct import_rule *rules, void *ctx);
/* Names every element without elements in it, by path and line. What reads as a filter or a DN is shown, and becomes
 * a suggestion in `scope` (NULL = none). */
void import_unknown(struct import *im, const xmlNode *n, struct draft *scope);
void import_unknown_attributes(struct import *im, const xmlNode *n);

/* import_source.c: what every LDAP tool says of its server. */
struct import_server {
	const char *scheme, *host, *port; /* port: "" = none */
	bool start_tls;
};
void import_server(
	struct import *im, struct draft *source, const struct import_server *s, const xmlNode *n);
void import_source_end(struct import *im, struct draft *source, const char *title);
/* A SCIM target to be filled in; why: what the document writes to. */
void import_target(struct import *im, const char *why);
/* Without a sync it is no configuration: one for a person to fill in where none was found. */
void import_complete(struct import *im);
/* Nobody is in scope until a person has decided: better than everybody. */
void import_nobody(struct import *im, struct draft *scope, const char *remark);
bool import_dn(const char *text);
bool import_filter(struct import *im, const char *text, const char **why_r);

/* The importers. */
bool lsc_is(const xmlNode *root);
void lsc_import(struct import *im, const xmlNode *root);
bool gcds_is(const xmlNode *root);
void gcds_import(struct import *im, const xmlNode *root);
