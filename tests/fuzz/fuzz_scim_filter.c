/* SCIM filters: whatever parses can be asked, and not (f) says the opposite of f; whatever can be sorted by gives a
 * key of bounded length. */
#include <stdlib.h>
#include <string.h>
#include "scim/sort.h"

static const char user[] =
	"{\"id\":\"1\",\"externalId\":\"Ab\",\"userName\":\"bj@example.com\",\"name\":{"
	"\"givenName\":\"B\xc3\xa4r\"},"
	"\"active\":true,\"emails\":[{\"value\":\"bj@example.com\",\"type\":\"work\",\"primary\":"
	"true},"
	"{\"value\":\"x\"}],\"meta\":{\"created\":\"2026-01-01T00:00:00Z\"},\"" SCIM_URN_LOCKSTEP
	"\":{\"aliases\":[\"a@b\"]},\"displayName\":\"g\"}";

static void
one(const struct scim_type *type, struct str text, const struct json *doc)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf negated = { 0 };
	const struct scim_filter *f, *not_f;
	struct err e = { 0 };
	bool holds;

	if (!scim_filter_parse(type, text, a, &f, &e)) {
		if (e.kind != ERR_OBJECT || strcmp(e.code, "invalidFilter") != 0)
			abort();
		return;
	}
	holds = scim_filter_match(f, doc, NULL);
	buf_adds(&negated, "not (");
	buf_add(&negated, text.p, text.n);
	buf_adds(&negated, ")");
	if (scim_filter_parse(type, buf_str(&negated), a, &not_f, NULL) &&
		scim_filter_match(not_f, doc, NULL) == holds)
		abort();
}

/* The text as sortBy. */
static void
sort_key(const struct scim_type *type, const char *by, const struct json *doc)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf key = { 0 };
	struct scim_path p;

	if (!scim_sort_parse(type, by, a, &p, NULL))
		return;
	scim_sort_key(&p, doc, &key);
	if (key.n < 1 || key.n > SCIM_SORT_BYTES)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	CLEAN_JSON struct json *doc = NULL;
	struct scim_path p;
	CLEAN_ARENA struct arena *a = arena_new();
	struct str text = { (const char *)data, n };

	if (!json_parse(str_c(user), 0, &doc, NULL))
		abort();
	one(&scim_types[SCIM_USER], text, doc);
	one(&scim_types[SCIM_GROUP], text, doc);
	scim_path_parse(&scim_types[SCIM_USER], text, a, &p, NULL);
	sort_key(&scim_types[SCIM_USER], arena_strndup(a, text.p, n), doc);
	return 0;
}
