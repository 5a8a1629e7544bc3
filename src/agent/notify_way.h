/* The ways that messages take, as the configuration has them. */
#pragma once
#include "base/json.h"
#include "conf/conf.h"

#define NOTIFY_WAYS 2
extern const char *const notify_ways[NOTIFY_WAYS + 1]; /* "mail", "webhook", NULL */
bool notify_way_on(const struct conf *c, const char *way);
/* What lockstep-notify reads: body with the way and its options. false: body is no JSON, or the way is off. */
bool notify_way_message(const struct conf *c, const char *way, const char *body, struct buf *out);
/* Name of this machine. */
void notify_host(char *out, size_t max);
