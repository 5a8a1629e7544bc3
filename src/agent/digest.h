/* The daily summary. */
#pragma once
#include "agent.h"

/* Is one due to somebody who got the last at `last`? `daily` of the configuration says the time of day. */
bool digest_due(const struct agent *g, int64_t last, int64_t now);
/* The same `last` as of now: one that is wanted since now comes at its next time; by a clock that was set back a little, as
 * clocks are, no day's comes twice; not wanted: 0. */
int64_t digest_last(const struct agent *g, int64_t last, int64_t now);
/* The body of a message: what was since `last`, a day at least. */
void digest_make(struct agent *g, int64_t last, int64_t now, struct buf *out);
