/* What pages/embed.py makes. */
#pragma once
#include <stddef.h>

struct web_page {
	const char *path, *type, *etag; /* etag: in quotes */
	const unsigned char *data;      /* gzip */
	size_t size;
};
extern const struct web_page web_pages[]; /* ended by path == NULL */
