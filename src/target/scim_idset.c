#include "scim_idset.h"
#include <stdlib.h>
#include <string.h>
#include "base/map.h"
#include "base/mem.h"

static uint64_t
hash(const char *id)
{
	uint64_t h = hash_bytes(id, strlen(id));
	return h ? h : 1;
}

/* Where it is, or the empty slot where it belongs. */
static uint64_t *
place(const struct idset *s, uint64_t h)
{
	size_t i = h & (s->room - 1);

	while (s->slots[i] && s->slots[i] != h)
		i = (i + 1) & (s->room - 1);
	return &s->slots[i];
}

static void
grow(struct idset *s)
{
	struct idset old = *s;

	s->room = old.room ? 2 * old.room : 256;
	s->slots = xcalloc(s->room, sizeof(*s->slots));
	for (size_t i = 0; i < old.room; i++)
		if (old.slots[i])
			*place(s, old.slots[i]) = old.slots[i];
	free(old.slots);
}

bool
idset_has(const struct idset *s, const char *id)
{
	return s->room && *place(s, hash(id));
}

bool
idset_add(struct idset *s, const char *id)
{
	uint64_t h = hash(id), *at;

	if (4 * (s->count + 1) > 3 * s->room)
		grow(s);
	at = place(s, h);
	if (*at)
		return false;
	*at = h;
	s->count++;
	return true;
}

void
idset_free(struct idset *s)
{
	free(s->slots);
	*s = (struct idset){ 0 };
}
