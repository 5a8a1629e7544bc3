/* What tests over files share: a folder of one's own, and a step that must succeed. */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/mem.h"

/* k has an `e`. */
#define OK(k, expr)                                                                                \
	do {                                                                                       \
		if (!(expr))                                                                       \
			fail_msg("%s:%d: %s: %s", __FILE__, __LINE__, #expr, (k)->e.text);         \
	} while (0)

/* In memory where there is such a place. */
static inline void
folder_make(char dir[64])
{
	snprintf(
		dir, 64, "%s/lockstep-test-XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	assert_non_null(mkdtemp(dir));
}

static inline void
folder_remove(const char *dir)
{
	CLEAN_FREE char *cmd = xasprintf("rm -rf '%s'", dir);

	assert_int_equal(system(cmd), 0);
}
