/* Private to base: the strict lexical pass before cJSON sees a document. */
#pragma once
#include "base/str.h"

/* NULL when text is one JSON value as base/json.h wants it; otherwise what is wrong, at byte *at_r. */
const char *json_check(struct str text, size_t *at_r);
