/*
 * An entry of a directory as the mirror holds it. `n` is the mirror's own integer for it, stable
 * while the source file lives; `id` the directory's immutable id (I8).
 */
#pragma once
#include <stdint.h>
#include "model/attrs.h"
#include "model/kind.h"

enum presence {
	PRESENCE_STUB, /* known only because something refers to it (a parent, a link) */
	PRESENCE_HERE,
	PRESENCE_ABSENT, /* not in the last sealed full read; not confirmed (I1): counts as present */
	PRESENCE_GONE,   /* tombstone seen, or absence confirmed */
};

struct entry {
	int64_t n;
	const char *id;  /* NULL for a stub known by DN or SID only */
	const char *rdn; /* leaf RDN as written */
	int64_t parent;  /* n of the entry above, 0 = top */
	enum presence presence;
	int64_t rev;        /* mirror revision of the last change */
	struct attrs attrs; /* ordinary attributes; links are rows of their own */
};
static inline bool
entry_present(const struct entry *e)
{
	return e->presence == PRESENCE_HERE || e->presence == PRESENCE_ABSENT;
}
/* The kind by objectClass, or NULL (containers and others). */
const struct kind *entry_kind(const struct entry *e);
