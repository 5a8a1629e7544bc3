/* lockstep-target-scim(8): writes to one SCIM 2.0 service what the engine tells it to. */
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "scim_run.h"

static const struct option options[] = {
	{ "url", OPT_STRING, true, NULL,
		"Base of the service, https://HOST/PATH (http:// for loopback alone)" },
	{ "token_file", OPT_SECRET_PATH, true, NULL, "File with the bearer token" },
	{ "ca_file", OPT_PATH, false, NULL, "Certificates (PEM) to trust instead of the system's" },
	{ "profile", OPT_STRING, false, "strict",
		"What the service is like: strict, lockstep, entra-like, "
		"put-only, okta-like, aws, google" },
	{ "bulk", OPT_STRING, false, "auto", "Bulk requests: auto (as the service says), no, yes" },
	{ "find_batch", OPT_INT, false, "0", "Comparisons in one filter; 0: the profile's" },
	{ "settle", OPT_INT, false, "-1",
		"Seconds until what was written is found; -1: the profile's" },
	{ "requests", OPT_INT, false, "8", "Requests in flight" },
	{ "timeout", OPT_INT, false, "120", "Seconds for one request" },
	{ "proxy", OPT_STRING, false, NULL, "HTTP proxy, http://HOST:PORT" },
	{ "proxy_login_file", OPT_SECRET_PATH, false, NULL,
		"File with user:password for the proxy" },
};

struct setting { /* of a run, as asked for */
	struct buf url;
	struct secret token, proxy_login;
	struct scim_profile profile;
	unsigned requests, timeout;
};

static bool
number(const struct serve *sv, const char *name, long low, long high, long *n_r, struct err *e)
{
	const char *text = serve_option(sv, name);
	char *end = NULL;
	long n = text ? strtol(text, &end, 10) : low;

	if (text && (!*text || *end || n < low || n > high))
		return err_set(e, ERR_CONFIG, "bad-option",
			"%s: a number from %ld to %ld is needed", name, low, high);
	*n_r = n;
	return true;
}

static bool
read_profile(const struct serve *sv, struct scim_profile *p_r, struct err *e)
{
	static const char *const toggles[] = {
		[SCIM_AUTO] = "auto", [SCIM_NO] = "no", [SCIM_YES] = "yes"
	};
	const char *name = serve_option(sv, "profile"), *bulk = serve_option(sv, "bulk");
	const struct scim_profile *p = scim_profile_find(name);
	const char *near = p ? NULL : text_nearest(name, scim_profile_names());
	long terms = 0, settle = 0;
	size_t i = 0;

	if (!p)
		return err_set(e, ERR_CONFIG, "bad-option", "profile \"%s\" is not known%s%s%s",
			name, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	*p_r = *p;
	while (i < ARRAY_LEN(toggles) && strcmp(toggles[i], bulk) != 0)
		i++;
	if (i == ARRAY_LEN(toggles))
		return err_set(e, ERR_CONFIG, "bad-option", "bulk: auto, no or yes");
	if (i != SCIM_AUTO)
		p_r->bulk = (enum scim_toggle)i;
	if (!number(sv, "find_batch", 0, 1000, &terms, e) ||
		!number(sv, "settle", -1, 3600, &settle, e))
		return false;
	if (terms > 0)
		p_r->find_terms = (unsigned)terms;
	if (settle >= 0)
		p_r->settle = (unsigned)settle;
	return true;
}

static bool
read_settings(const struct serve *sv, struct setting *o, struct err *e)
{
	const char *login = serve_option(sv, "proxy_login_file");
	long requests = 0, timeout = 0;

	if (!http_url_check(serve_option(sv, "url"), &o->url, e) ||
		!read_profile(sv, &o->profile, e))
		return false;
	if (!number(sv, "requests", 1, 64, &requests, e) ||
		!number(sv, "timeout", 1, 3600, &timeout, e))
		return false;
	o->requests = (unsigned)requests;
	o->timeout = (unsigned)timeout;
	if (!secret_read(serve_option(sv, "token_file"), &o->token, e))
		return err_wrap(e, "token_file");
	if (login && !secret_read(login, &o->proxy_login, e))
		return err_wrap(e, "proxy_login_file");
	return http_token_check(&o->token, e);
}

static bool
run(struct serve *sv, struct setting *o, struct scim *s, struct err *e)
{
	if (!serve_hello(sv, e) || !read_settings(sv, o, e))
		return false;
	struct http_options http = { .url = buf_cstr(&o->url),
		.token = &o->token,
		.proxy_login = o->proxy_login.n ? &o->proxy_login : NULL,
		.ca_file = serve_option(sv, "ca_file"),
		.proxy = serve_option(sv, "proxy"),
		.requests = o->requests,
		.timeout = o->timeout };
	if (!http_new(&http, &s->http, e))
		return false;
	s->requests = s->limit = o->requests;
	scim_service_start(&s->service, &o->profile);
	if (!run_discover(s, e))
		return false;
	run_hello(s, buf_cstr(&o->url));
	return serve_flush(sv, e) && run_loop(s, e);
}

int
main(int argc, char **argv)
{
	struct serve *sv = serve_new("scim", "target", options, ARRAY_LEN(options));
	struct scim s = { .serve = sv, .clock = &clock_system, .scratch = arena_new() };
	struct setting o = { 0 };
	int exit_code = 0;
	struct err e;

	process_harden();
	for (int k = 0; k < KIND_COUNT; k++)
		job_queue_init(&s.find[k]);
	job_queue_init(&s.bulk);
	job_queue_init(&s.one);
	job_queue_init(&s.lists);
	if (serve_arguments(sv, argc, argv, &exit_code)) {
		log_init("lockstep-target-scim", true, LOG_WARN);
		err_clear(&e);
		if (!run(sv, &o, &s, &e)) {
			serve_error(sv, &e);
			exit_code = 1;
		}
	}
	run_free(&s);
	secret_wipe(&o.token);
	secret_wipe(&o.proxy_login);
	buf_free(&o.url);
	serve_free(sv);
	return exit_code;
}
