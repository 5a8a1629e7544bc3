/* What a message tells: the news that a way has not got yet, and what became of them since. */
#pragma once
#include "notify_text.h"

/*
 * For a way, as of now: alerts that are open, that were told as open and are over, that came and went since. What an
 * alert is now counts, not each step on the way. That the way itself did not work is told by the others. Lives in the
 * arena. last_r: the newest of these news; id 0 = there are none. Of more than a few thousand the oldest come first, the
 * rest in the next message.
 */
void notify_gather(struct agent_store *s, const struct way_row *w, const char *host, int64_t now,
	struct arena *a, struct notify_batch *b_r, struct news_row *last_r);
/* Is there nothing to say to it? */
bool notify_gather_empty(const struct notify_batch *b, const struct way_row *w);
