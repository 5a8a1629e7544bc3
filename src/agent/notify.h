/*
 * Messages about alerts: news are gathered - the first goes at once, then at most one message every five minutes -
 * and wait in the store until lockstep-notify, a child for each, has sent them.
 */
#pragma once
#include "agent.h"
#include "store/agent.h"

bool notify_start(struct agent *g, struct err *e);
void notify_stop(struct agent *g);
void notify_reloaded(struct agent *g);

void notify_soon(struct agent *g); /* there are news */
/* Puts a message that is made already (notify_text.h) on its way, by each way that is configured. */
void notify_send(struct agent *g, const char *body);
/* The message that failed most often; attempts 0 when none waits. */
void notify_worst(struct agent *g, struct arena *a, struct message_row *m_r);
