/*
 * The console (S1.3): pages and their API over HTTP, on 127.0.0.1 and ::1 alone. lockstepd(8), CONSOLE.
 *
 * Whoever reaches the port is nobody until signed in: a one-time link (web_link_new, `lockstep console`) becomes a
 * session, whose cookie the API asks for; what changes something asks for the session's token in a header, too. Host,
 * Origin and Sec-Fetch-Site must be ours, so that no page of another site can speak here with our cookie or by a name
 * of its own. All that is judged by the head of a request: of strangers no body is kept. Who holds connections keeps nobody
 * out: where all are taken, the longest silent one ends. Commands go through the table of commands.h.
 */
#pragma once
#include "agent.h"

#define WEB_PORT 8080 /* while there is no configuration to say */

bool web_start(struct agent *g, struct err *e);
void web_stop(struct agent *g);
void web_reloaded(struct agent *g); /* another port, or none */

/* A one-time link to sign in with, as `by`; good for 10 minutes. code "no-console": it is switched off, or its port is
 * taken. */
bool web_link_new(struct agent *g, const char *by, struct buf *url, struct err *e);
