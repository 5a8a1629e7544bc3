/* What a source's messages are. */
#pragma once
#include "wire/msg.h"

static inline struct wire_source_msg
next(struct conn *c, struct arena *a)
{
	struct wire_source_msg m;
	struct err e = { 0 };

	if (!wire_source_next(c, a, &m, &e))
		fail_msg("%s", e.text);
	return m;
}
