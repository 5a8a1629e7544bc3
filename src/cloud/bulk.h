/* Bulk (RFC 7644 3.7): ordered, failOnErrors, references by bulkId in both directions,
 * cycles of resources that the Bulk makes included. */
#pragma once
#include "reply.h"

/* body is changed; references: its text holds "bulkId:". False: the request as a whole is refused.
 */
bool bulk_run(struct call *k, struct json *body, bool references, struct reply *r, struct err *e);
