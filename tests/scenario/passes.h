/*
 * A scenario, performed every way (DESIGN.md, Tests). Each `run` step is taken apart by itself: from the
 * state just before it, the run is stopped at each of its events - commits, lines to and from the target -
 * or asked to end there, and each call of the target fails in each way; further runs must always bring the same end state.
 */
#pragma once
#include "play.h"

struct pass {
	const char *name;
	bool full;      /* every run reads everything */
	bool stops;     /* stop at every event */
	bool asks;      /* asked at every event to end at the next safe point */
	bool faults;    /* every call fails in every way */
	bool processes; /* connectors are programs */
	int most;       /* stops per run, and a sixth of it calls for each way to fail; 0 = all */
	bool sparse;    /* every fourth way only, by turns */
};

struct passes_env {
	const char *programs, *tmp;
	bool verbose;
	int64_t variants; /* counted */
};
/* false: why says what is wrong. */
bool pass_perform(
	const struct script *s, const struct pass *pass, struct passes_env *env, struct buf *why);
