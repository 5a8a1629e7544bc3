/* The service's own memory, STATE/agent.db (store/agent.h): opens g->store as soon as there is a state folder. Where that
 * file cannot be used, g->memory_error says why, and g->store is a memory that lasts until it can, or until the end. */
#pragma once
#include "agent.h"

/* It could not be written: another try, one that is damaged is put aside. Nobody may be reading from it. false: it is the
 * one that was open, as what hinders is expected to pass. */
bool keep_again(struct agent *g, const struct err *why);
bool keep_start(struct agent *g, struct err *e);
void keep_stop(struct agent *g);
void keep_reloaded(struct agent *g);
