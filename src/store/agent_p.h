/* Private to agent*.c. */
#pragma once
#include "store/agent.h"

struct agent_store {
	struct db *db;
};
const char *agent_text(const struct db_rows *r, int col, struct arena *a); /* NULL gives "" */
