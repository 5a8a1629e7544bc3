/*
 * The configuration as tables (SEMANTICS 1.1): what may stand where, of which type, with which
 * default. Scanner, loader, printer and `check` go by them; the manual page lockstep.conf(5) is held
 * against them by a test. A new option is a row and a member of a structure in conf.h.
 */
#pragma once
#include "conf/conf.h"

enum conf_type {
	CONF_TEXT,     /* const char * */
	CONF_TEXTS,    /* struct conf_texts */
	CONF_YESNO,    /* bool */
	CONF_DURATION, /* int64_t seconds */
	CONF_LEAVE,    /* enum leave */
	CONF_LIMIT,    /* struct conf_limit: a percentage, a number, or both */
	CONF_COUNT,    /* int64_t, 0 or more */
	CONF_EXACT,    /* bool: "exact" or "ours" */
	CONF_TIME,     /* const char *: "HH:MM" */
	CONF_DAYS,     /* struct conf_texts: "mon" to "sun" */
};

struct conf_option {
	const char *name;
	enum conf_type type;
	size_t offset;         /* in the structure of its section */
	const char *otherwise; /* default as it would be written; a limit: "10%,500"; NULL = none */
	const char *help;
};

/* How a section treats names that are not in its table. */
enum conf_free {
	FREE_NONE,    /* refused, with the nearest name */
	FREE_OPTIONS, /* a connector's options: any name; checked later against --describe */
	FREE_MAP,     /* names of the vocabulary, or URNs */
};

struct conf_section {
	const char *name;
	bool titled;
	enum conf_free free;
	size_t offset;                       /* of its structure in that of the section around it */
	const struct conf_option *options;   /* ended by name == NULL */
	const struct conf_section *sections; /* ended by name == NULL; NULL = none */
};

extern const struct conf_section conf_root;
const struct conf_option *conf_option_find(const struct conf_section *s, const char *name);
const struct conf_section *conf_section_find(const struct conf_section *s, const char *name);
/* Nearest name that may stand in s (option or section), or NULL. */
const char *conf_name_nearest(const struct conf_section *s, const char *name);

/* Connectors of our own; everything else is `type = "exec"`. NULL-ended. */
extern const char *const conf_source_types[];
extern const char *const conf_target_types[];

/* ERR_CONFIG "bad-config": "FILE:LINE: message", with ", near '...'" unless near is NULL. */
bool conf_fail(struct err *e, const char *file, int line, const char *near, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
