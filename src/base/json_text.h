/* Private to base: JSON values as text, for the tree's printer and for the streaming writer. */
#pragma once
#include "base/str.h"

/* How many of the n bytes at p are ASCII that stands in a JSON string as it is, up to the first other. */
size_t json_text_plain(const unsigned char *p, size_t n);
/* A quoted string; invalid UTF-8 and NUL become U+FFFD. */
void json_text_string(struct buf *out, const char *p, size_t n);
/* The shortest form that reads back equal; null when it is not finite. */
void json_text_number(struct buf *out, double v);
