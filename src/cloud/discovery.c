#include <string.h>
#include "cursor.h"
#include "discovery.h"

static void
put_schemas(struct jsonw *w, const char *urn)
{
	jsonw_arr(w, "schemas");
	jsonw_str(w, NULL, urn);
	jsonw_end(w);
}

static void
put_meta(struct jsonw *w, const struct call *k, const char *type, const char *path)
{
	jsonw_obj(w, "meta");
	jsonw_str(w, "resourceType", type);
	jsonw_str(w, "location", arena_printf(k->a, "%s%s", k->base, path));
	jsonw_end(w);
}

static void
put_supported(struct jsonw *w, const char *name, bool yes)
{
	jsonw_obj(w, name);
	jsonw_bool(w, "supported", yes);
	jsonw_end(w);
}

static void
write_config(struct call *k, struct jsonw *w)
{
	jsonw_obj(w, NULL);
	put_schemas(w, "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig");
	put_supported(w, "patch", true);
	jsonw_obj(w, "bulk");
	jsonw_bool(w, "supported", true);
	jsonw_int(w, "maxOperations", CLOUD_BULK_OPS);
	jsonw_int(w, "maxPayloadSize", (int64_t)CLOUD_BULK_MAX);
	jsonw_end(w);
	jsonw_obj(w, "filter");
	jsonw_bool(w, "supported", true);
	jsonw_int(w, "maxResults", CLOUD_PAGE_MAX);
	jsonw_end(w);
	put_supported(w, "changePassword", false);
	put_supported(w, "sort", true);
	put_supported(w, "etag", true);
	jsonw_obj(w, "pagination"); /* RFC 9865 */
	jsonw_bool(w, "cursor", true);
	jsonw_bool(w, "index", true);
	jsonw_str(w, "defaultPaginationMethod", "index");
	jsonw_int(w, "defaultPageSize", CLOUD_PAGE_DEFAULT);
	jsonw_int(w, "maxPageSize", CLOUD_PAGE_MAX);
	jsonw_int(w, "cursorTimeout", CURSOR_SECONDS);
	jsonw_end(w);
	jsonw_arr(w, "authenticationSchemes");
	jsonw_obj(w, NULL);
	jsonw_str(w, "type", "oauthbearertoken");
	jsonw_str(w, "name", "Bearer token");
	jsonw_str(w, "description",
		"The token that `lockstep-cloud tenant add` printed, or an agent's credential");
	jsonw_bool(w, "primary", true);
	jsonw_end(w);
	jsonw_end(w);
	/* what a client may ask for at once beyond what RFC 7643 has words for; lockstep-target-scim(8) */
	jsonw_obj(w, "urn:lockstep:params:scim:schemas:extension:2.0:ServiceProviderConfig");
	jsonw_int(w, "findTerms", CLOUD_FIND_TERMS);
	jsonw_int(w, "requests", CLOUD_REQUESTS);
	jsonw_int(w, "membersPerPatch", CLOUD_PATCH_MEMBERS);
	jsonw_obj(w, "credentials");
	jsonw_str(w, "endpoint", CREDENTIAL_PATH);
	jsonw_bool(w, "exchanged", k->agent); /* the token asked with is one already */
	jsonw_end(w);
	jsonw_end(w);
	put_meta(w, k, "ServiceProviderConfig", "/ServiceProviderConfig");
	jsonw_end(w);
}

static void
write_type(struct call *k, const struct scim_type *t, struct jsonw *w)
{
	jsonw_obj(w, NULL);
	put_schemas(w, "urn:ietf:params:scim:schemas:core:2.0:ResourceType");
	jsonw_str(w, "id", t->name);
	jsonw_str(w, "name", t->name);
	jsonw_str(w, "description", t->help);
	jsonw_str(w, "endpoint", t->endpoint);
	jsonw_str(w, "schema", t->core->urn);
	jsonw_arr(w, "schemaExtensions");
	for (size_t i = 0; i < t->n_exts; i++) {
		jsonw_obj(w, NULL);
		jsonw_str(w, "schema", t->exts[i]->urn);
		jsonw_bool(w, "required", false);
		jsonw_end(w);
	}
	jsonw_end(w);
	put_meta(w, k, "ResourceType", arena_printf(k->a, "/ResourceTypes/%s", t->name));
	jsonw_end(w);
}

static void
put_choices(struct jsonw *w, const char *name, const char *choices)
{
	struct str rest = str_c(choices);

	jsonw_arr(w, name);
	while (rest.n) {
		const char *bar = memchr(rest.p, '|', rest.n);
		size_t n = bar ? (size_t)(bar - rest.p) : rest.n;
		jsonw_strn(w, NULL, rest.p, n);
		rest = bar ? (struct str){ bar + 1, rest.n - n - 1 } : (struct str){ 0 };
	}
	jsonw_end(w);
}

static void
write_attr(const struct scim_attr *a, struct jsonw *w)
{
	static const char *const kinds[] = { "string", "boolean", "decimal", "integer", "dateTime",
		"binary", "reference", "complex" };
	static const char *const mutability[] = { "readWrite", "readOnly", "immutable",
		"writeOnly" };
	static const char *const returned[] = { "default", "always", "never", "request" };

	jsonw_obj(w, NULL);
	jsonw_str(w, "name", a->name);
	jsonw_str(w, "type", kinds[a->kind]);
	jsonw_bool(w, "multiValued", a->multi);
	jsonw_str(w, "description", a->help);
	jsonw_bool(w, "required", a->required);
	jsonw_bool(w, "caseExact", a->case_exact);
	jsonw_str(w, "mutability", mutability[a->mutability]);
	jsonw_str(w, "returned", returned[a->returned]);
	jsonw_str(w, "uniqueness", a->unique ? "server" : "none");
	if (a->canonical)
		put_choices(w, a->kind == SCIM_REFERENCE ? "referenceTypes" : "canonicalValues",
			a->canonical);
	if (a->kind == SCIM_COMPLEX) {
		jsonw_arr(w, "subAttributes");
		for (size_t i = 0; i < a->n_subs; i++)
			write_attr(&a->subs[i], w);
		jsonw_end(w);
	}
	jsonw_end(w);
}

static void
write_schema(struct call *k, const struct scim_schema *s, struct jsonw *w)
{
	jsonw_obj(w, NULL);
	put_schemas(w, "urn:ietf:params:scim:schemas:core:2.0:Schema");
	jsonw_str(w, "id", s->urn);
	jsonw_str(w, "name", s->name);
	jsonw_str(w, "description", s->help);
	jsonw_arr(w, "attributes");
	for (size_t i = 0; i < s->n_attrs; i++)
		write_attr(&s->attrs[i], w);
	jsonw_end(w);
	put_meta(w, k, "Schema", arena_printf(k->a, "/Schemas/%s", s->urn));
	jsonw_end(w);
}

/* Every schema once: the cores, then what extends them. NULL at the end. */
static const struct scim_schema *
schema_nth(size_t n)
{
	for (size_t t = 0; t < SCIM_TYPES; t++) {
		if (n == 0)
			return scim_types[t].core;
		n--;
		if (n < scim_types[t].n_exts)
			return scim_types[t].exts[n];
		n -= scim_types[t].n_exts;
	}
	return NULL;
}

static void
open_list(struct jsonw *w)
{
	jsonw_obj(w, NULL);
	put_schemas(w, SCIM_MSG "ListResponse");
	jsonw_arr(w, "Resources");
}

static void
close_list(struct jsonw *w, size_t n)
{
	jsonw_end(w);
	jsonw_int(w, "totalResults", (int64_t)n);
	jsonw_int(w, "itemsPerPage", (int64_t)n);
	jsonw_int(w, "startIndex", 1);
	jsonw_end(w);
}

/* id: NULL for all. */
static bool
get_types(struct call *k, const char *id, struct jsonw *w)
{
	if (!id)
		open_list(w);
	for (size_t t = 0; t < SCIM_TYPES; t++) {
		if (id && !ascii_ieq(id, scim_types[t].name))
			continue;
		write_type(k, &scim_types[t], w);
		if (id)
			return true;
	}
	if (!id)
		close_list(w, SCIM_TYPES);
	return !id;
}

static bool
get_schemas(struct call *k, const char *id, struct jsonw *w)
{
	const struct scim_schema *s;
	size_t n;

	if (!id)
		open_list(w);
	for (n = 0; (s = schema_nth(n)); n++) {
		if (id && !ascii_ieq(id, s->urn))
			continue;
		write_schema(k, s, w);
		if (id)
			return true;
	}
	if (!id)
		close_list(w, n);
	return !id;
}

bool
discovery_get(struct call *k, const char *path, struct reply *r, struct err *e)
{
	struct jsonw w = jsonw(&r->out.text);
	const char *rest = strchr(path + 1, '/');
	struct str head = { path, rest ? (size_t)(rest - path) : strlen(path) };
	const char *id = rest && rest[1] ? rest + 1 : NULL;
	bool found = false;

	r->status = 200;
	if (str_ieqc(head, "/ServiceProviderConfig") && !id) {
		write_config(k, &w);
		found = true;
	} else if (str_ieqc(head, "/ResourceTypes")) {
		found = get_types(k, id, &w);
	} else if (str_ieqc(head, "/Schemas")) {
		found = get_schemas(k, id, &w);
	}
	return found || err_set(e, ERR_OBJECT, "not-found", "there is nothing at %.200s", path);
}
