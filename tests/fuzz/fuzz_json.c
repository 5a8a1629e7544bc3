/*
 * JSON against jansson as the oracle. What we take, jansson takes and means the same; what jansson
 * takes, we take, but for our limits (depth, digits of a number). What we print we read back equal.
 * A raw NUL is left out: jansson skips it, JSON has none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"
#include "oracle_json.h"

static void
require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_json: %s\n", what);
	abort();
}

static void
require_reads_equal(const struct json *j, struct str text)
{
	struct json *back CLEAN_JSON = NULL;
	struct err e = { 0 };

	require(json_parse(text, 64 << 20, &back, &e), e.text);
	require(json_equal(j, back), "not the same value");
}

/* Refusals that are our own limits, by their text. */
static bool
our_limit(const struct err *e)
{
	return strstr(e->text, "nested too deep") || strstr(e->text, "too many digits");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	bool nul = n && memchr(data, 0, n);
	char *oracle CLEAN_FREE = nul ? NULL : oracle_json((const char *)data, n);
	struct json *j CLEAN_JSON = NULL;
	struct buf printed CLEAN_BUF = { 0 };
	struct err e = { 0 };

	if (!json_parse((struct str){ (const char *)data, n }, 0, &j, &e)) {
		require(e.kind == ERR_OBJECT && e.code[0] && e.text[0], "refused without a reason");
		require(!oracle || our_limit(&e), e.text);
		return 0;
	}
	require(oracle != NULL, "taken, and the oracle refuses it");
	require_reads_equal(j, str_c(oracle));
	json_print(j, &printed);
	require_reads_equal(j, buf_str(&printed));
	return 0;
}
