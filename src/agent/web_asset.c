/* The pages, compressed, from a table that pages/embed.py makes at build time. */
#include "web_p.h"

#include <string.h>
#include "web_pages.h"

bool
web_asset(struct exchange *x, const char *path)
{
	const char *known = web_header(x, "If-None-Match");

	if (strcmp(path, "/") == 0)
		path = "/index.html";
	for (const struct web_page *p = web_pages; p->path; p++) {
		if (strcmp(p->path, path) != 0)
			continue;
		x->etag = p->etag;
		x->cached = true;
		if (known && strstr(known, p->etag)) {
			web_answer(x, 304, NULL);
			return true;
		}
		x->gzip = true; /* who reads pages understands it */
		x->fixed = p->data;
		x->fixed_n = p->size;
		web_answer(x, 200, p->type);
		return true;
	}
	return false;
}
