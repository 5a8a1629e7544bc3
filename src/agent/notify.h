/*
 * Messages about alerts, and the daily summary. Each way (notify_way.h) sends for itself, by a child of its own,
 * lockstep-notify: what is new goes out after a moment, then at most one message every five minutes. A message is made
 * when it is sent, of all that its way has not got yet (notify_gather.h); what the way got is kept in the store, so
 * that a way that did not work for long gets one message, whatever was restarted or killed meanwhile.
 */
#pragma once
#include "agent.h"
#include "store/agent.h"

bool notify_start(struct agent *g, struct err *e);
void notify_stop(struct agent *g);
void notify_reloaded(struct agent *g);

void notify_soon(struct agent *g); /* there are news */
/* The ways that are configured, in the caller's arena. */
const struct way_row *notify_list(struct agent *g, struct arena *a, size_t *count_r);
