/* The service's own memory, STATE/agent.db (store/agent.h): opens g->store as soon as there is a state folder. */
#pragma once
#include "agent.h"

bool keep_start(struct agent *g, struct err *e);
void keep_stop(struct agent *g);
void keep_reloaded(struct agent *g);
