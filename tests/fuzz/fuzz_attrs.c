/* Packed attributes that are taken are canonical, but for the case of names, and pass through the protocol's form
 * unchanged. */
#include <stdint.h>
#include <stdlib.h>
#include "model/attrs.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf packed = { 0 }, line = { 0 }, again = { 0 };
	CLEAN_JSON struct json *j = NULL;
	struct attrs as, back;
	struct jsonw w = jsonw(&line);
	struct err e;

	if (!attrs_unpack((struct str){ (const char *)data, size }, a, &as, &e))
		return 0;
	attrs_pack_spelled(&as, &packed);
	if (!str_eq(buf_str(&packed), (struct str){ (const char *)data, size }))
		abort();
	attrs_write(&as, &w, NULL);
	/* Names of the state are those of a protocol line once: UTF-8. Others cannot pass it. */
	for (size_t i = 0; i < as.count; i++)
		if (!utf8_valid(as.list[i].name, str_c(as.list[i].name).n))
			return 0;
	if (!json_parse(buf_str(&line), 0, &j, &e) || !attrs_read(j, a, &back, &e))
		abort();
	attrs_pack_spelled(&back, &again);
	if (!str_eq(buf_str(&packed), buf_str(&again)))
		abort();
	return 0;
}
