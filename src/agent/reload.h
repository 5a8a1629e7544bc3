/*
 * The configuration in a transaction: loaded here, then examined by a child (`lockstep config show`: expressions,
 * connectors' options); only when both are well does it take the place of the old one.
 *
 * STATE/agent.conf is the accepted configuration as one file with absolute paths. When the file was edited and not
 * accepted since, jobs run with that.
 */
#pragma once
#include "agent.h"

bool reload_start(struct agent *g, struct err *e);
void reload_stop(struct agent *g);

/* `done` comes from the loop, or at once when nothing changed; e: kind ERR_NONE when the file is in force now. One that
 * comes while another is at work is done after it. fn may be NULL. */
void reload_ask(struct agent *g, void (*fn)(void *ctx, const struct err *e), void *ctx);
void reload_forget(struct agent *g, const void *ctx); /* its fn is not called any more */
/* The file is not what is in force (edited, or gone). */
bool reload_pending(struct agent *g);
bool reload_pending_lately(struct agent *g); /* the same, as of a second ago at most: cheap */
/* The file that a job is to use. */
const char *reload_conf_file(struct agent *g);
