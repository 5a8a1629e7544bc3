/*
 * The ids of one listing, to notice an object that comes twice: 16 bytes for each at most, of its hash alone. Two
 * ids of the same hash would look like one; the listing is then not sealed, which is the safe side.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct idset {
	uint64_t *slots; /* 0: empty */
	size_t room, count;
};
bool idset_has(const struct idset *s, const char *id);
/* False: it was there. */
bool idset_add(struct idset *s, const char *id);
void idset_free(struct idset *s);
