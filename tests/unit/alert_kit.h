/* What the tests of alerts share: a store in a folder of its own, and JSON. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/json.h"
#include "base/mem.h"
#include "store/agent.h"

#define NOW 1790000000

struct kit {
	char dir[64];
	struct agent_store *s;
	struct arena *a;
	struct err e;
};

#define OK(k, expr)                                                                                \
	do {                                                                                       \
		if (!(expr))                                                                       \
			fail_msg("%s:%d: %s: %s", __FILE__, __LINE__, #expr, (k)->e.text);         \
	} while (0)

static int
setup(void **state)
{
	struct kit *k = xcalloc(1, sizeof(*k));
	struct store_env env = { .sync_off = true };

	snprintf(k->dir, sizeof(k->dir), "/tmp/lockstep-alerts-XXXXXX");
	assert_non_null(mkdtemp(k->dir));
	k->a = arena_new();
	OK(k, agent_store_open(agent_store_path(k->dir, k->a), &env, false, &k->s, NULL, &k->e));
	*state = k;
	return 0;
}

static int
teardown(void **state)
{
	struct kit *k = *state;
	CLEAN_FREE char *rm = xasprintf("rm -rf '%s'", k->dir);

	agent_store_close(&k->s);
	arena_free(k->a);
	assert_int_equal(system(rm), 0);
	free(k);
	return 0;
}

static inline struct json *
parse(const char *text)
{
	struct json *j = NULL;
	struct err e;

	if (!json_parse(str_c(text), 0, &j, &e))
		fail_msg("%s: %s", text, e.text);
	return j;
}

/* As recorded from `lockstep status --json`. */
#define STATUS(held, failing, codes, failures, missing)                                            \
	"{\"targets\":[{\"target\":\"hosted\",\"in_lockstep\":false,\"run\":12,\"ended\":1,"       \
	"\"exit\":1,"                                                                              \
	"\"held\":" held ",\"dirty\":2,\"waiting\":0,\"users\":100,\"groups\":3,\"pinned\":0,"     \
	"\"pins\":[],"                                                                             \
	"\"failing\":" failing ",\"failures\":[" failures "],\"failing_codes\":[" codes "]}],"     \
	"\"sources\":[{\"source\":\"company\",\"entries\":120,\"missing\":" missing                \
	",\"read\":5}]}"
#define FAILS(name, code, text)                                                                    \
	"{\"object\":\"" name "\",\"code\":\"" code "\",\"message\":\"" text                       \
	"\",\"since\":1,\"attempts\":2}"
