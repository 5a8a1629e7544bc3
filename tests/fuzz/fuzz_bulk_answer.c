/* Answers to Bulk: every operation's status, place and error. */
#include <stdlib.h>
#include "scim_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN_JSON struct json *j = NULL;
	struct answer_context c = { .what = "create", .write = true, .create = true };

	if (!json_parse((struct str){ (const char *)data, size }, 1 << 20, &j, NULL))
		return 0;
	json_for_each(it, answer_bulk(j)) {
		CLEAN_ARENA struct arena *a = arena_new();
		struct answer_op o;
		const char *attribute;
		struct err e;

		answer_bulk_op(it, &o);
		if (o.index < -1 || o.answer.status < 0 || o.answer.status > 999)
			abort();
		answer_key(&o.answer, a);
		answer_error(&o.answer, &c, scim_profile_find("strict"), &e, &attribute);
		if (e.kind == ERR_NONE)
			abort();
	}
	return 0;
}
