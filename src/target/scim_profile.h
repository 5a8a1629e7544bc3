/*
 * What is peculiar to a SCIM service, as data: a new service is a row here, not an `if`. What the
 * service says of itself (ServiceProviderConfig) stands in struct scim_service, which starts as the
 * profile's row and is narrowed by the answer, by options and by what is learned while working.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "base/json.h"
#include "model/kind.h"

enum scim_toggle { SCIM_AUTO, SCIM_NO, SCIM_YES };
enum scim_removal {
	SCIM_REMOVE_FILTER, /* {"op":"remove","path":"members[value eq \"id\"]"}: RFC 7644 3.5.2.2
			     */
	SCIM_REMOVE_VALUES, /* {"op":"remove","path":"members","value":[{"value":"id"}]}: as Entra
			       sends */
};

struct scim_profile {
	const char *name;
	const char *help;
	unsigned patch_ops;     /* operations in one PATCH */
	unsigned patch_members; /* members added or removed in one PATCH */
	unsigned find_terms; /* comparisons joined by `or` in one filter; 1: single comparisons only
			      */
	unsigned page;       /* objects asked for in one page of a listing */
	unsigned settle;     /* seconds until what was written is surely found */
	unsigned put;        /* bit 1 << KIND_x: changed by GET and PUT, never by PATCH */
	enum scim_toggle bulk;
	enum scim_removal removal;
	bool capital_ops;    /* "Add", "Replace", "Remove" */
	bool manager_string; /* the manager is sent as a bare id, not as {"value": id} */
	bool throttle_403;   /* 403 is a rate limit, not a refused token */
};

const struct scim_profile *scim_profile_find(const char *name); /* NULL when unknown */
const char *const *scim_profile_names(void);                    /* NULL-ended */

/* What is in force for this run. */
struct scim_service {
	const struct scim_profile *profile;
	bool described; /* it has a ServiceProviderConfig */
	bool patch, filter, etag, cursor;
	bool search;       /* POST .search is worth trying */
	unsigned bulk_ops; /* operations in one Bulk; 0: no Bulk */
	size_t bulk_bytes; /* largest Bulk body */
	unsigned patch_ops, patch_members, find_terms, page, put;
};

#define SCIM_BULK_OPS   250 /* more in one request gains nothing and costs memory at both ends */
#define SCIM_BULK_BYTES (4u << 20)
#define SCIM_MARKER     "urn:lockstep:params:scim:schemas:extension:2.0:ServiceProviderConfig"

/* Before anything is known of the service. */
void scim_service_start(struct scim_service *sv, const struct scim_profile *p);
/* The body of /ServiceProviderConfig; members of the wrong type count as absent. */
void scim_service_read(struct scim_service *sv, const struct json *config);
/* Unanswered operations that the engine may have with us. */
size_t scim_service_window(const struct scim_service *sv, unsigned requests);
/* Objects in one find request. */
size_t scim_service_find_batch(const struct scim_service *sv);
