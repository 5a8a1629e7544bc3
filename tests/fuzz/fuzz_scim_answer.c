/* Answers of a SCIM service: resources, errors, lists, ServiceProviderConfig; and a PATCH and a PUT made
 * from what was read. */
#include <stdlib.h>
#include "scim_answer.h"
#include "scim_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
change(struct json *resource, const struct scim_service *sv, enum kind_id kind,
	const struct attrs *seen)
{
	struct body_items it;
	size_t done = 0;

	if (!body_items(kind, seen, NULL, &it, NULL))
		return;
	while (done < it.count) {
		CLEAN_BUF struct buf out = { 0 };
		CLEAN_JSON struct json *back = NULL;
		struct jsonw w = jsonw(&out);
		if (!body_patch(sv, &it, resource, &done, &w))
			break;
		if (!json_parse(buf_str(&out), 0, &back, NULL))
			abort(); /* what we send is JSON */
	}
	body_put(&it, resource);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_JSON struct json *j = NULL;
	struct scim_service sv;
	struct answer_list l;
	const char *attribute;
	struct err e;

	if (size < 2 ||
		!json_parse((struct str){ (const char *)data + 1, size - 1 }, 1 << 20, &j, NULL))
		return 0;
	enum kind_id kind = data[0] & 1 ? KIND_GROUP : KIND_USER;
	struct answer an = { .status = 200 + data[0] * 2, .body = j };
	struct answer_context c = {
		.what = "create", .write = data[0] & 2, .create = data[0] & 4, .kind = kind
	};
	struct attrs seen = attrs_new(a);

	scim_service_start(&sv, scim_profile_find("strict"));
	scim_service_read(&sv, j);
	scim_service_window(&sv, 8);
	answer_key(&an, a);
	answer_version(&an);
	answer_error(&an, &c, sv.profile, &e, &attribute);
	if (!utf8_valid(e.text, __builtin_strlen(e.text)))
		abort();
	if (answer_list(j, &l))
		json_for_each(r, l.resources)
			place_seen(kind, r, &seen);
	place_seen(kind, j, &seen);
	if (json_type(j) == JSON_OBJECT)
		change(j, &sv, kind, &seen);
	return 0;
}
