/*
 * The one log of a program (programs log, libraries do not): lines on standard error, JSON when
 * `json` is set (connectors always), `key=value` text otherwise. Untrusted text is escaped and capped.
 *   log_event(LOG_INFO, "run-end", "run", id, "exit", "0", NULL);
 */
#pragma once
#include <stdbool.h>
#include "base/err.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
void log_init(const char *program, bool json, enum log_level max);
/* pairs of (const char *key, const char *value), ended by NULL */
void log_event(enum log_level level, const char *event, ...) __attribute__((sentinel));
void log_err(enum log_level level, const char *event, const struct err *e);
