/* A target's file in a folder of its own. */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include "base/mem.h"
#include "folder.h"
#include "store/history.h"

#define USER (&kinds[KIND_USER])

struct kit {
	char dir[64], path[96];
	struct ledger *l;
	struct arena *a;
	struct err e;
};

static inline void
kit_open(struct kit *k)
{
	struct store_env env = { .sync_off = true };

	OK(k, ledger_open(k->path, &env, false, &k->l, &k->e));
}

static inline int
setup(void **state)
{
	struct kit *k = xcalloc(1, sizeof(*k));

	folder_make(k->dir);
	snprintf(k->path, sizeof(k->path), "%s/t.db", k->dir);
	k->a = arena_new();
	kit_open(k);
	*state = k;
	return 0;
}

static inline int
teardown(void **state)
{
	struct kit *k = *state;

	ledger_close(&k->l);
	arena_free(k->a);
	folder_remove(k->dir);
	free(k);
	return 0;
}

static inline int64_t
add(struct kit *k, const char *anchor, int64_t n, enum object_state state)
{
	struct object ob = { .anchor = anchor,
		.kind = USER,
		.name = anchor,
		.sync = "s",
		.source = "c",
		.n = n,
		.wanted = true,
		.active = true };

	OK(k, ledger_object_add(k->l, &ob, &ob.o, &k->e));
	if (state == OBJECT_NEW)
		return ob.o;
	ob.sent = ob.seen = attrs_new(k->a);
	ob.state = state;
	OK(k, ledger_object_save(k->l, &ob, &k->e));
	return ob.o;
}

static inline int64_t
plan(struct kit *k, int64_t o, enum op_class class)
{
	struct op op = { .o = o,
		.class = class,
		.rank = RANK_UPDATE,
		.attribute = -1,
		.attrs = attrs_new(k->a) };

	OK(k, ledger_op_add(k->l, &op, &op.id, &k->e));
	return op.id;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
