/* Private to the files of `lockstep check`. */
#pragma once
#include "cli_p.h"

struct checking {
	struct cli *c;
	struct jsonw *w;
	int worst;  /* 0 fine, 1 failures */
	bool names; /* nothing but whether sources have the attributes that are named (--names) */
};
/* level: "ok", "info", "warn", "fail"; remedy may be NULL */
void check_finding(struct checking *k, const char *where, const char *level, const char *topic,
	const char *text, const char *remedy);
void check_fail(struct checking *k, const char *where, const struct err *e);
/* check_state.c */
void check_read(struct checking *k);
/* check_names.c. Asked for before, and the source had them all. */
struct names;
bool check_names_asked(struct checking *k, const char *source, const struct names *names);
/* The source refused one of them: a finding with the line of the configuration that names it. */
void check_names_refused(struct checking *k, const char *where, const char *source,
	const struct names *names, const struct err *said);
