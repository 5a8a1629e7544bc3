/* What messages say: subject and text for people, JSON for programs. Pure. */
#pragma once
#include "base/json.h"
#include "store/agent.h"

struct notify_batch {
	const char *host;
	int64_t now;
	const struct alert_row *raised; /* open now, told for the first time */
	size_t raised_count;
	const struct alert_row *cleared; /* were told as open before */
	size_t cleared_count;
	const struct alert_row *passed; /* came and went before anybody was told */
	size_t passed_count;
	const struct alert_row *open; /* those that were told before */
	size_t open_count;
	bool well; /* the last one cleared */
};
/* The body of a message_row: {"subject","text","json":{...}}. */
void notify_text(const struct notify_batch *b, struct buf *out);
/* One that only tries whether messages arrive. */
void notify_text_test(const char *host, int64_t now, struct buf *out);
/* A summary of a day, or of longer when the last one could not be sent. */
struct notify_day {
	const char *host;
	int64_t now, since;
	int64_t raised, cleared; /* alerts of this time */
	const struct alert_row *open;
	size_t open_count;
	const char *lines;         /* of the syncs, each ended by a newline */
	const struct json *status; /* may be NULL */
};
void notify_text_day(const struct notify_day *d, struct buf *out);
