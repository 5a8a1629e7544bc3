/*
 * A hash map from bytes to void *, keys copied (bounded use only: memory must not grow with the
 * directory, I10). Iteration order is insertion order.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/str.h"

struct map;
struct map *map_new(void);
void map_free(struct map *m, void (*free_value)(void *));
void *map_get(const struct map *m, struct str key);
bool map_has(const struct map *m, struct str key);
/* returns the value replaced, or NULL */
void *map_set(struct map *m, struct str key, void *value);
void *map_del(struct map *m, struct str key);
size_t map_count(const struct map *m);
/* it starts at 0; false at the end */
bool map_each(const struct map *m, size_t *it, struct str *key_r, void **value_r);
/* SipHash with a fixed key: the same in every run and on every machine. (A map has a random key of its own.) */
uint64_t hash_bytes(const void *p, size_t n);
