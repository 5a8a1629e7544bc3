/* Times and durations: what is read is written so that it reads back the same. */
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"

#define YEAR_9999 INT64_C(253402300799)

static void
comes_back(int64_t t)
{
	char text[24];
	int64_t again;

	if (t < 0 || t > YEAR_9999)
		return; /* before 1970, later than four digits say, and never: these have no form of ours */
	time_format(t, text);
	if (strlen(text) != 20 || (!time_parse_rfc3339(text, &again) || again != t))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	CLEAN_FREE char *text = xstrndup((const char *)data, n);
	struct str s = { (const char *)data, n };
	int64_t t;

	if (time_parse_rfc3339(text, &t))
		comes_back(t);
	if (time_parse_generalized(s, &t))
		comes_back(t);
	if (time_parse_filetime(s, &t))
		comes_back(t);
	if (duration_parse(text, &t)) {
		CLEAN_BUF struct buf out = { 0 };

		if (t < 0 || t > INT64_C(100) * 366 * 86400)
			abort();
		duration_format(t, &out);
		if (!out.n)
			abort();
	}
	return 0;
}
