#include "scim_profile.h"
#include <string.h>
#include "base/mem.h"

#define PUT_ALL ((1u << KIND_USER) | (1u << KIND_GROUP))

/* Sources: RFC 7644; research on each service's published limits (membership changes in one PATCH,
 * throttling). */
static const struct scim_profile profiles[] = {
	{ .name = "strict",
		.help = "RFC 7644, nothing assumed beyond it",
		.patch_ops = 1000,
		.patch_members = 1000,
		.find_terms = 40,
		.page = 200,
		.settle = 5 },
	{ .name = "lockstep",
		.help = "lockstep-cloud",
		.park = "parked-{id}",
		.patch_ops = 1000,
		.patch_members = 5000,
		.find_terms = 200,
		.page = 1000,
		.settle = 1 },
	{ .name = "entra-like",
		.help = "a service made for Microsoft Entra's provisioning",
		.patch_ops = 100,
		.patch_members = 100,
		.find_terms = 1,
		.page = 100,
		.settle = 10,
		.bulk = SCIM_NO,
		.rate = 25, /* what Entra wants a service to bear for each tenant */
		.rate_seconds = 1,
		.quirks = SCIM_CAPITAL_OPS | SCIM_REMOVE_VALUES | SCIM_MANAGER_STRING },
	{ .name = "put-only",
		.help = "a service that cannot PATCH: objects are read, changed and put back",
		.patch_ops = 1,
		.patch_members = 1000,
		.find_terms = 1,
		.page = 100,
		.settle = 10,
		.put = PUT_ALL,
		.bulk = SCIM_NO },
	{ .name = "okta-like",
		.help = "a service made for Okta's applications: users by PUT, groups by PATCH",
		.patch_ops = 100,
		.patch_members = 100,
		.find_terms = 1,
		.page = 100,
		.settle = 10,
		.put = 1u << KIND_USER,
		.bulk = SCIM_NO },
	{ .name = "aws",
		.help = "AWS IAM Identity Center: at most 100 members in one PATCH",
		.patch_ops = 100,
		.patch_members = 100,
		.find_terms = 1,
		.page = 50,
		.settle = 10,
		.bulk = SCIM_NO,
		.quirks = SCIM_REMOVE_VALUES | SCIM_HIDES_REFS },
	{ .name = "google",
		.help = "Google Cloud Identity: two operations and one member in one PATCH, 403 as "
			"rate limit",
		.patch_ops = 2,
		.patch_members = 1,
		.find_terms = 1,
		.page = 100,
		.settle = 15,
		.bulk = SCIM_NO,
		.rate = 2400, /* queries of one user */
		.rate_seconds = 60,
		.quirks = SCIM_THROTTLE_403 },
	{ .name = "eventual",
		.help = "a slow service whose look-ups show a change only after a while",
		.patch_ops = 100,
		.patch_members = 100,
		.find_terms = 1,
		.page = 50,
		.settle = 60,
		.bulk = SCIM_NO },
};

const struct scim_profile *
scim_profile_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(profiles); i++)
		if (strcmp(profiles[i].name, name) == 0)
			return &profiles[i];
	return NULL;
}

const char *const *
scim_profile_names(void)
{
	static const char *const names[] = { "strict", "lockstep", "entra-like", "put-only",
		"okta-like", "aws", "google", "eventual", NULL };
	_Static_assert(ARRAY_LEN(names) == ARRAY_LEN(profiles) + 1, "one name per profile");
	return names;
}

static const char *const quirk_names[] = { "capital-ops", "remove-values", "manager-string",
	"throttle-403", "no-totals", "case-names", "hides-refs", NULL }; /* by bit */

unsigned
scim_quirk_find(const char *name)
{
	for (size_t i = 0; quirk_names[i]; i++)
		if (strcmp(quirk_names[i], name) == 0)
			return 1u << i;
	return 0;
}

const char *const *
scim_quirk_names(void)
{
	return quirk_names;
}

void
scim_service_start(struct scim_service *sv, const struct scim_profile *p)
{
	*sv = (struct scim_service){
		.profile = p,
		.patch = true,
		.filter = true,
		.search = p->find_terms > 1,
		.bulk_ops = p->bulk == SCIM_YES ? SCIM_BULK_OPS : 0,
		.bulk_bytes = SCIM_BULK_BYTES,
		.requests = SCIM_REQUESTS,
		.patch_ops = p->patch_ops,
		.patch_members = p->patch_members,
		.find_terms = p->find_terms,
		.page = p->page,
		.put = p->put,
		.remove_values = p->quirks & SCIM_REMOVE_VALUES,
	};
}

static bool
supported(const struct json *config, const char *feature, bool otherwise)
{
	return json_get_bool(json_get(config, feature), "supported", otherwise);
}

/* A positive number of a feature, `otherwise` when absent or not sensible. */
static size_t
number(const struct json *feature, const char *name, size_t otherwise)
{
	int64_t n = json_get_int(feature, name, 0);
	return n > 0 ? (size_t)n : otherwise;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void
read_bulk(struct scim_service *sv, const struct json *bulk)
{
	if (sv->profile->bulk == SCIM_NO || !json_get_bool(bulk, "supported", false)) {
		sv->bulk_ops = 0;
		return;
	}
	sv->bulk_ops = (unsigned)least(number(bulk, "maxOperations", SCIM_BULK_OPS), SCIM_BULK_OPS);
	sv->bulk_bytes = least(number(bulk, "maxPayloadSize", SCIM_BULK_BYTES), SCIM_BULK_BYTES);
	if (sv->bulk_ops < 2)
		sv->bulk_ops = 0;
}

/* A path below the base and nothing else, since a key goes there. */
static void
read_credentials(struct scim_service *sv, const struct json *credentials)
{
	const char *at = json_get_string(credentials, "endpoint");
	size_t n = at ? strlen(at) : 0;

	if (n < 2 || n >= sizeof(sv->credentials) || at[0] != '/' || strstr(at, "..") ||
		strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-") !=
			n)
		return;
	memcpy(sv->credentials, at, n + 1);
	sv->exchanged = json_get_bool(credentials, "exchanged", false);
}

void
scim_service_read(struct scim_service *sv, const struct json *config)
{
	const struct json *marker = json_get(config, SCIM_MARKER);
	const struct json *pages = json_get(config, "pagination");

	sv->described = true;
	sv->patch = supported(config, "patch", true);
	if (!sv->patch)
		sv->put = PUT_ALL;
	sv->filter = supported(config, "filter", true);
	sv->etag = supported(config, "etag", false);
	sv->cursor = json_get_bool(pages, "cursor", false);
	read_bulk(sv, json_get(config, "bulk"));
	if (marker) {
		sv->remove_values = sv->subs = true;
		sv->find_terms = (unsigned)least(number(marker, "findTerms", sv->find_terms), 1000);
		sv->patch_members =
			(unsigned)least(number(marker, "membersPerPatch", sv->patch_members), 5000);
		sv->requests = (unsigned)least(
			number(marker, "requests", SCIM_REQUESTS), SCIM_REQUESTS_MAX);
		sv->page = 1000;
		read_credentials(sv, json_get(marker, "credentials"));
		sv->search = sv->find_terms > 1;
	}
	sv->page = (unsigned)least(
		sv->page, number(json_get(config, "filter"), "maxResults", sv->page));
	sv->page = (unsigned)least(sv->page, number(pages, "maxPageSize", sv->page));
}

size_t
scim_service_find_batch(const struct scim_service *sv)
{
	/* each object is looked for by its externalId and by its name, maybe in two spellings */
	unsigned each = sv->profile->quirks & SCIM_CASE_NAMES ? 3 : 2;

	return sv->find_terms <= each ? 1 : sv->find_terms / each;
}

size_t
scim_service_window(const struct scim_service *sv, unsigned requests)
{
	/* all requests full, and as much again that is being read, formed and confirmed */
	size_t most = 2 * (size_t)requests * sv->bulk_ops;

	if (most < 4 * (size_t)requests)
		most = 4 * (size_t)requests;
	if (most < 2 * scim_service_find_batch(sv))
		most = 2 * scim_service_find_batch(sv);
	return most < SCIM_WINDOW_MAX ? most : SCIM_WINDOW_MAX;
}
