/* Private to agent*.c. */
#pragma once
#include <sys/stat.h>
#include "store/agent.h"

struct agent_store {
	struct db *db;
	struct stat file; /* as it was opened */
};
const char *agent_text(const struct db_rows *r, int col, struct arena *a); /* NULL gives "" */
