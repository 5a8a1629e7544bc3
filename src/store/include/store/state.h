/*
 * Care of state files: what `lockstep state check` and `lockstep state backup` do to each of them.
 * A finding is one line of text for the administrator; `say` may be NULL. The number of findings is
 * a result, not an error: errors are what kept us from looking.
 */
#pragma once
#include "store/db.h"
#include "store/mirror.h"

typedef void (*state_say)(void *ctx, const char *finding);

/* SQLite's integrity, then what must hold in a mirror whose read is over. Reads the whole file. */
bool mirror_check(struct mirror *m, state_say say, void *ctx, int64_t *findings_r, struct err *e);
/* A consistent copy as of now (mode 0600, put in place whole); a run may go on meanwhile. */
bool mirror_backup(struct mirror *m, const char *to, struct err *e);
