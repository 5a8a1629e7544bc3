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
/* What a service does otherwise than RFC 7644 says, each by itself: bits of a profile, and by name those of the
 * option `quirks`. */
enum scim_quirk {
	SCIM_CAPITAL_OPS = 1 << 0, /* "Add", "Replace", "Remove" */
	SCIM_REMOVE_VALUES =
		1 << 1, /* members leave by {"op": "remove", "path": "members", "value": [...]},
				       * not by the path members[value eq "id"] (3.5.2.2) */
	SCIM_MANAGER_STRING = 1 << 2, /* the manager is a bare id, not {"value": id} */
	SCIM_THROTTLE_403 = 1 << 3,   /* 403 is a rate limit, not a refused token */
	SCIM_NO_TOTALS = 1 << 4,  /* lists do not say totalResults: an empty page is their end */
	SCIM_CASE_NAMES = 1 << 5, /* filters compare names with case: they are asked for in small
				       * letters, too */
	SCIM_HIDES_REFS = 1 << 6, /* groups do not show their members, users not their manager */
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
	unsigned rate,
		rate_seconds; /* requests that it takes in so many seconds; 0: no limit is known */
	unsigned quirks;      /* enum scim_quirk */
	const char *park; /* form of a name that nobody wants, with {id}; NULL: the engine's own */
};

const struct scim_profile *scim_profile_find(const char *name); /* NULL when unknown */
const char *const *scim_profile_names(void);                    /* NULL-ended */

unsigned scim_quirk_find(const char *name); /* its bit; 0 when unknown */
const char *const *scim_quirk_names(void);  /* NULL-ended */

/* What is in force for this run. */
struct scim_service {
	const struct scim_profile *profile;
	bool described; /* it has a ServiceProviderConfig */
	bool patch, filter, etag, cursor;
	bool search;       /* POST .search is worth trying */
	unsigned bulk_ops; /* operations in one Bulk; 0: no Bulk */
	size_t bulk_bytes; /* largest Bulk body */
	unsigned requests; /* in flight, as it says */
	unsigned patch_ops, patch_members, find_terms, page, put;
	char credentials[128]; /* where a key is exchanged, from the base on; empty: nowhere */
	bool exchanged;        /* the token we have is such a credential */
	bool subs;             /* sub-attributes may be asked for: attributes=members.value */
	bool remove_values;    /* elements leave a list by their values, not by a filter */
};

#define SCIM_BULK_OPS 250 /* more in one request gains nothing and costs memory at both ends */
#define SCIM_REQUESTS 8   /* in flight at a service that says nothing of it */
#define SCIM_REQUESTS_MAX                                                                          \
	16 /* ... and at one that says it takes more: each has buffers of its own */
#define SCIM_WINDOW_MAX 2500 /* each is kept in memory at both ends until it is answered */
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
