/* ServiceProviderConfig, ResourceTypes, Schemas (RFC 7643 5-7), written from the tables. */
#pragma once
#include "reply.h"

/* path: "/Schemas", "/Schemas/urn:...", ...; false with not-found when it is none of them. */
bool discovery_get(struct call *k, const char *path, struct reply *r, struct err *e);
