/*
 * Where an attribute of the vocabulary (model/kind.h) stands in a SCIM resource, and back:
 *
 *   displayName              displayName
 *   name.givenName           name.givenName
 *   emails.work              emails[type eq "work"].value
 *   addresses.work.locality  addresses[type eq "work"].locality
 *   department               urn:...:enterprise:2.0:User:department
 *   aliases                  urn:lockstep:...:User:aliases (several values)
 *   urn:x:y:attr.sub         the same, in the schema urn:x:y
 *
 * The tables are those of scim/schema.h; a name that they do not know is a plain string at the top.
 */
#pragma once
#include "base/json.h"
#include "base/mem.h"
#include "model/attrs.h"
#include "model/kind.h"
#include "scim/schema.h"

struct place {
	const char *schema; /* URN of an extension; NULL: at the top */
	const char *attr;
	const char *type; /* of an element of a multi-valued attribute; NULL: none */
	const char *sub;  /* sub-attribute; NULL: none */
	bool boolean;
	bool multi; /* holds a list */
};

const struct scim_type *place_type(enum kind_id kind);
/* Strings live in the arena or are constant. */
struct place place_of(enum kind_id kind, const char *name, struct arena *a);
/* As a PATCH path (RFC 7644 3.5.2). element: names the whole element, not its sub-attribute. */
void place_path(const struct place *p, bool element, struct buf *out);

/* The attributes of a resource in vocabulary names; not id, externalId, meta, members, nor what the
 * schema calls read-only. Values that no vocabulary name can hold are left out. */
void place_seen(enum kind_id kind, const struct json *resource, struct attrs *as);
