/*
 * Alerts of the running service: listens to what happens, asks `lockstep status` after each run and `lockstep check`
 * once a day, looks at the disk each minute, and keeps what alert_rules.h finds in the store.
 */
#pragma once
#include "agent.h"
#include "base/json.h"

bool alerts_start(struct agent *g, struct err *e);
void alerts_stop(struct agent *g);
void alerts_reloaded(struct agent *g);

/* The last `lockstep status --json`; NULL = not known yet. Valid until the loop goes on. */
const struct json *alerts_status(const struct agent *g);
/* Bytes free where the state is; < 0: not known. */
int64_t alerts_disk_free(const struct agent *g);
