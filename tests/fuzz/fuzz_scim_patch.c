/* SCIM PATCH and resources: what comes out is in normal form, which is its own normal form. */
#include <stdlib.h>
#include <string.h>
#include "scim/patch.h"
#include "scim/resource.h"

static const char user[] =
	"{\"userName\":\"a\",\"title\":\"t\",\"name\":{\"givenName\":\"g\"},\"emails\":[{\"value\":"
	"\"e\","
	"\"type\":\"work\",\"primary\":true},{\"value\":\"f\"}],\"" SCIM_URN_ENTERPRISE
	"\":{\"manager\":{\"value\":\"m\"}},\"" SCIM_URN_LOCKSTEP "\":{\"aliases\":[\"x\",\"y\"]}}";

static void
check_normal(const struct scim_type *t, const struct json *j, struct arena *a)
{
	CLEAN_BUF struct buf once = { 0 };
	CLEAN_BUF struct buf twice = { 0 };
	CLEAN_JSON struct json *again = NULL;
	struct scim_keys keys;
	struct err e = { 0 };

	if (!scim_resource_write(t, j, a, &once, &keys, &e)) {
		if (e.kind != ERR_OBJECT ||
			(strcmp(e.code, "invalidValue") && strcmp(e.code, "invalidSyntax")))
			abort();
		return;
	}
	if (!json_parse(buf_str(&once), 0, &again, &e) ||
		!scim_resource_write(t, again, a, &twice, &keys, &e) ||
		!str_eq(buf_str(&once), buf_str(&twice)))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	CLEAN_JSON struct json *body = NULL;
	CLEAN_JSON struct json *j = NULL;
	CLEAN_ARENA struct arena *a = arena_new();
	const struct scim_type *t = &scim_types[n && data[0] == '\n' ? SCIM_GROUP : SCIM_USER];
	struct scim_patch p;
	struct err e = { 0 };

	if (!json_parse((struct str){ (const char *)data, n }, 1 << 16, &body, &e))
		return 0;
	check_normal(t, body, a);
	if (!scim_patch_parse(t, body, a, &p, &e)) {
		if (e.kind != ERR_OBJECT || !*e.code)
			abort();
		return 0;
	}
	if (!json_parse(str_c(user), 0, &j, NULL))
		abort();
	for (size_t i = 0; i < p.n; i++) {
		if (!p.ops[i].path.attr->rows && !scim_patch_apply_one(t, &p.ops[i], j, &e))
			return 0;
	}
	check_normal(t, j, a);
	return 0;
}
