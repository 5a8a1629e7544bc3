/*
 * /scim/v2: from a whole request to its answer. HTTP itself is http.c's.
 */
#pragma once
#include "query.h"
#include "reply.h"

struct request {
	const char *method, *path; /* path behind /scim/v2, decoded */
	const char *if_match, *if_none_match;
	struct str body;
	struct query q; /* from the URL */
	struct arena *a;
	const char *base; /* "http://host/scim/v2" */
	int64_t tenant;
	bool agent;      /* the token is an agent's */
	struct job *job; /* a list being worked on */
	struct reply reply;
};

/* Who is it? header: Authorization. Fills tenant and agent. */
bool api_auth(struct cloud *c, const char *header, struct request *rq, struct err *e);
/* Reads a whole number of a query parameter into *v_r; NULL leaves it. */
bool api_number(const char *name, const char *text, int64_t *v_r, struct err *e);
/* Answers into reply, or leaves a job to be stepped. */
void api_handle(struct cloud *c, struct request *rq);
/* True when the job is done and reply is set. */
bool api_step(struct cloud *c, struct request *rq);
