/* jansson behind two plain functions: its names and ours cannot stand in one file. */
#include <jansson.h>
#include <stdlib.h>
#include "oracle_json.h"

char *
oracle_json(const char *p, size_t n)
{
	const size_t how = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL;
	json_t *j = json_loadb(p, n, how, NULL);
	char *printed;

	if (!j)
		return NULL;
	printed = json_dumps(j, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(17));
	json_decref(j);
	if (!printed)
		abort();
	return printed;
}
