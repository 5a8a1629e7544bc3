/* The service's own memory, STATE/agent.db (store/agent.h): opens g->store as soon as there is a state folder. */
#pragma once
#include "agent.h"

/* Closes it and opens what is there now; one that is damaged is put aside. Nobody may be reading from it. */
void keep_again(struct agent *g);
bool keep_start(struct agent *g, struct err *e);
void keep_stop(struct agent *g);
void keep_reloaded(struct agent *g);
