/* The schedule at work: waits for what is due, starts it as a job, tells it what became of runs. */
#pragma once
#include "agent.h"

bool timer_start(struct agent *g, struct err *e);
void timer_stop(struct agent *g);
void timer_reloaded(struct agent *g);
void timer_changed(struct agent *g, const char *source); /* a watcher says so */
