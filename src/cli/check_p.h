/* Private to the files of `lockstep check`. */
#pragma once
#include "cli_p.h"

struct checking {
	struct cli *c;
	struct jsonw *w;
	int worst; /* 0 fine, 1 failures */
};
/* level: "ok", "info", "warn", "fail"; remedy may be NULL */
void check_finding(struct checking *k, const char *where, const char *level, const char *topic,
	const char *text, const char *remedy);
/* check_state.c */
void check_read(struct checking *k);
