#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include "base/map.h"
#include "base/mem.h"

/*
 * Entries stand in the order they came; `slots` is an open-addressing index into them (entry number
 * + 1, 0 = free). A deleted entry keeps its slot until the next rebuild, its key is gone. Each map has
 * its own SipHash key, so that nobody can send colliding names.
 */
struct entry {
	char *key; /* NULL: deleted */
	size_t n;
	uint64_t hash;
	void *value;
};

struct map {
	struct entry *entries;
	size_t used, cap, live; /* used counts the deleted ones */
	uint32_t *slots;
	size_t mask;
	unsigned char seed[crypto_shorthash_KEYBYTES];
};

static uint64_t
hash_with(const void *p, size_t n, const unsigned char *seed)
{
	uint64_t h;

	crypto_shorthash((unsigned char *)&h, p, n, seed);
	return h;
}

uint64_t
hash_bytes(const void *p, size_t n)
{
	static const unsigned char zero[crypto_shorthash_KEYBYTES];

	return hash_with(p, n, zero);
}

struct map *
map_new(void)
{
	struct map *m = xcalloc(1, sizeof(*m));

	randombytes_buf(m->seed, sizeof(m->seed));
	return m;
}

void
map_free(struct map *m, void (*free_value)(void *))
{
	if (!m)
		return;
	for (size_t i = 0; i < m->used; i++) {
		if (m->entries[i].key && free_value)
			free_value(m->entries[i].value);
		free(m->entries[i].key);
	}
	free(m->entries);
	free(m->slots);
	free(m);
}

static struct entry *
map_find(const struct map *m, struct str key, uint64_t hash)
{
	struct entry *e;

	if (!m->slots)
		return NULL;
	for (size_t i = hash & m->mask; m->slots[i]; i = (i + 1) & m->mask) {
		e = &m->entries[m->slots[i] - 1];
		if (e->key && e->hash == hash && e->n == key.n &&
			(key.n == 0 || memcmp(e->key, key.p, key.n) == 0))
			return e;
	}
	return NULL;
}

static void
map_index(struct map *m, size_t number)
{
	size_t i = m->entries[number].hash & m->mask;

	while (m->slots[i])
		i = (i + 1) & m->mask;
	m->slots[i] = (uint32_t)(number + 1);
}

/* Drops the deleted entries and makes room for at least one more; slots stay at most half full. */
static void
map_rebuild(struct map *m)
{
	size_t n = 0, cap = 8;

	for (size_t i = 0; i < m->used; i++)
		if (m->entries[i].key)
			m->entries[n++] = m->entries[i];
	while (cap < n * 2)
		cap *= 2;
	if (cap > UINT32_MAX / 2)
		abort(); /* a map is for bounded use */
	m->used = n;
	m->cap = cap;
	m->entries = xrealloc(m->entries, cap * sizeof(*m->entries));
	free(m->slots);
	m->slots = xcalloc(cap * 2, sizeof(*m->slots));
	m->mask = cap * 2 - 1;
	for (size_t i = 0; i < n; i++)
		map_index(m, i);
}

void *
map_get(const struct map *m, struct str key)
{
	struct entry *e = map_find(m, key, hash_with(key.p, key.n, m->seed));

	return e ? e->value : NULL;
}

bool
map_has(const struct map *m, struct str key)
{
	return map_find(m, key, hash_with(key.p, key.n, m->seed)) != NULL;
}

void *
map_set(struct map *m, struct str key, void *value)
{
	uint64_t hash = hash_with(key.p, key.n, m->seed);
	struct entry *e = map_find(m, key, hash);
	void *old;

	if (e) {
		old = e->value;
		e->value = value;
		return old;
	}
	if (m->used == m->cap)
		map_rebuild(m);
	e = &m->entries[m->used];
	*e = (struct entry){ .key = xmalloc(key.n + 1), .n = key.n, .hash = hash, .value = value };
	if (key.n)
		memcpy(e->key, key.p, key.n);
	e->key[key.n] = '\0';
	map_index(m, m->used++);
	m->live++;
	return NULL;
}

void *
map_del(struct map *m, struct str key)
{
	struct entry *e = map_find(m, key, hash_with(key.p, key.n, m->seed));

	if (!e)
		return NULL;
	free(e->key);
	e->key = NULL;
	m->live--;
	return e->value;
}

size_t
map_count(const struct map *m)
{
	return m->live;
}

bool
map_each(const struct map *m, size_t *it, struct str *key_r, void **value_r)
{
	while (*it < m->used && !m->entries[*it].key)
		(*it)++;
	if (*it >= m->used)
		return false;
	if (key_r)
		*key_r = (struct str){ m->entries[*it].key, m->entries[*it].n };
	if (value_r)
		*value_r = m->entries[*it].value;
	(*it)++;
	return true;
}
