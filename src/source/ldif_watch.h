/* Watching the files of an LDIF source. */
#pragma once
#include "wire/serve.h"

/* Answers `watch` until the engine wants no more: tells whenever a file that counts was written or put in place.
 * ERR_CONFIG, ERR_SIDE: it cannot be watched (any more). */
bool ldif_watch(struct serve *s, const char *path, struct err *e);
