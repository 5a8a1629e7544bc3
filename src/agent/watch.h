/*
 * Watchers: for each source of a sync with on_change one child, `lockstep watch SOURCE --json`, that says when something
 * changed there. One that fails is started again, 5 s to 5 min later; exit code 6: this source cannot watch.
 */
#pragma once
#include "agent.h"
#include "base/json.h"

bool watch_start(struct agent *g, struct err *e);
void watch_stop(struct agent *g);
void watch_reloaded(struct agent *g);
void watch_json(struct agent *g, struct jsonw *w); /* "watching": [{source, state, since, text}] */
