/*
 * The first so many of a set, in order, whatever the size of the set: a heap of those found so far. Memory: `most`
 * places of some 270 bytes, taken as they are needed.
 */
#pragma once
#include "cursor.h"

struct sorter {
	struct place *list; /* malloc'd; a heap with the last on top, sorted after sorter_finish */
	size_t n, cap, most;
	bool descending; /* the exact reverse of ascending */
};
/* Below, at or above 0 as a stands before, at or behind b. */
int sorter_compare(const struct sorter *s, const struct place *a, const struct place *b);
void sorter_offer(struct sorter *s, const struct place *p);
void sorter_finish(struct sorter *s);
void sorter_free(struct sorter *s);
