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
		"put-only, okta-like, aws, google, eventual" },
	{ "quirks", OPT_LIST, false, NULL,
		"What it does otherwise besides: capital-ops, remove-values, manager-string, "
		"throttle-403, no-totals, case-names, hides-refs" },
	{ "patch_operations", OPT_INT, false, "0", "Operations in one PATCH; 0: the profile's" },
	{ "patch_members", OPT_INT, false, "0",
		"Members added or removed in one PATCH; 0: the profile's" },
	{ "page", OPT_INT, false, "0", "Objects in one page of a listing; 0: the profile's" },
	{ "bulk", OPT_STRING, false, "auto", "Bulk requests: auto (as the service says), no, yes" },
	{ "find_batch", OPT_INT, false, "0", "Comparisons in one filter; 0: the profile's" },
	{ "settle", OPT_INT, false, "-1",
		"Seconds until what was written is found; -1: the profile's" },
	{ "requests", OPT_INT, false, NULL,
		"Requests in flight; 8, or as many as the service says, if not given" },
	{ "rate", OPT_STRING, false, NULL,
		"Requests in a time, \"500/10s\", 0: no limit; default: the profile's, and what "
		"the "
		"service says" },
	{ "timeout", OPT_INT, false, "120", "Seconds for one request" },
	{ "tls_min", OPT_STRING, false, "1.2", "Lowest TLS version accepted: 1.2 or 1.3" },
	{ "client_cert_file", OPT_PATH, false, NULL,
		"Our certificate (PEM), where the service asks for one" },
	{ "client_key_file", OPT_SECRET_PATH, false, NULL, "Its key (PEM, without a passphrase)" },
	{ "proxy", OPT_STRING, false, NULL, "HTTP proxy, http://HOST:PORT" },
	{ "proxy_login_file", OPT_SECRET_PATH, false, NULL,
		"File with user:password for the proxy" },
	{ "no_proxy", OPT_LIST, false, NULL,
		"Hosts, domains and networks that are reached without the proxy" },
};

struct setting { /* of a run, as asked for */
	struct buf url, no_proxy;
	struct secret token, proxy_login, client_key;
	struct scim_profile profile;
	unsigned requests; /* in flight; 0: as the service says */
	unsigned timeout;
	struct scim_rate rate;
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

/* Words for what was not found among names. */
static bool
unknown(const char *option, const char *name, const char *const *names, struct err *e)
{
	const char *near = text_nearest(name, names);
	return err_set(e, ERR_CONFIG, "bad-option", "%s \"%s\" is not known%s%s%s", option, name,
		near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* Numbers of a profile that an option may set; the lowest value leaves the profile's. */
static bool
read_numbers(const struct serve *sv, struct scim_profile *p, struct err *e)
{
	const struct {
		const char *name;
		long keep, high;
		unsigned *to;
	} numbers[] = {
		{ "find_batch", 0, 1000, &p->find_terms },
		{ "settle", -1, 3600, &p->settle },
		{ "patch_operations", 0, 1000, &p->patch_ops },
		{ "patch_members", 0, 5000, &p->patch_members },
		{ "page", 0, 1000, &p->page },
	};

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		long n = 0;
		if (!number(sv, numbers[i].name, numbers[i].keep, numbers[i].high, &n, e))
			return false;
		if (n != numbers[i].keep)
			*numbers[i].to = (unsigned)n;
	}
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
	size_t i = 0, count = 0;
	const char *const *quirks = serve_option_list(sv, "quirks", &count);

	if (!p)
		return unknown("profile", name, scim_profile_names(), e);
	*p_r = *p;
	for (size_t n = 0; n < count; n++) {
		unsigned bit = scim_quirk_find(quirks[n]);
		if (!bit)
			return unknown("quirks:", quirks[n], scim_quirk_names(), e);
		p_r->quirks |= bit;
	}
	while (i < ARRAY_LEN(toggles) && strcmp(toggles[i], bulk) != 0)
		i++;
	if (i == ARRAY_LEN(toggles))
		return err_set(e, ERR_CONFIG, "bad-option", "bulk: auto, no or yes");
	if (i != SCIM_AUTO)
		p_r->bulk = (enum scim_toggle)i;
	return read_numbers(sv, p_r, e);
}

/* An optional secret. */
static bool
read_secret(const struct serve *sv, const char *name, struct secret *s_r, struct err *e)
{
	const char *path = serve_option(sv, name);
	return !path || secret_read(path, s_r, e) || err_wrap(e, "%s", name);
}

static bool
read_settings(const struct serve *sv, struct setting *o, struct err *e)
{
	long requests = 0, timeout = 0;

	if (!http_url_check(serve_option(sv, "url"), &o->url, e) ||
		!read_profile(sv, &o->profile, e))
		return false;
	if (!number(sv, "requests", 1, 64, &requests, e) ||
		!number(sv, "timeout", 1, 3600, &timeout, e))
		return false;
	const char *rate = serve_option(sv, "rate");
	o->rate = (struct scim_rate){ .requests = o->profile.rate,
		.seconds = o->profile.rate_seconds };
	if (rate && !rate_parse(rate, &o->rate))
		return err_set(e, ERR_CONFIG, "bad-option",
			"rate: requests in a time like \"500/10s\" is needed, or 0");
	o->requests = serve_option(sv, "requests") ? (unsigned)requests : 0;
	o->timeout = (unsigned)timeout;
	if (!read_secret(sv, "token_file", &o->token, e) ||
		!read_secret(sv, "proxy_login_file", &o->proxy_login, e) ||
		!read_secret(sv, "client_key_file", &o->client_key, e))
		return false;
	return http_token_check(&o->token, e);
}

/* How to get there; what it points to is in o and sv. */
static bool
read_transport(const struct serve *sv, struct setting *o, struct http_options *h, struct err *e)
{
	const char *floor = serve_option(sv, "tls_min");
	size_t n = 0;
	const char *const *direct = serve_option_list(sv, "no_proxy", &n);

	if (strcmp(floor, "1.2") != 0 && strcmp(floor, "1.3") != 0)
		return err_set(e, ERR_CONFIG, "bad-option", "tls_min: 1.2 or 1.3 is needed");
	for (size_t i = 0; i < n; i++)
		buf_addf(&o->no_proxy, "%s%s", i ? "," : "", direct[i]);
	h->tls13 = strcmp(floor, "1.3") == 0;
	h->ca_file = serve_option(sv, "ca_file");
	h->client_cert = serve_option(sv, "client_cert_file");
	h->client_key = o->client_key.n ? &o->client_key : NULL;
	h->proxy = serve_option(sv, "proxy");
	h->proxy_login = o->proxy_login.n ? &o->proxy_login : NULL;
	h->no_proxy = o->no_proxy.n ? buf_cstr(&o->no_proxy) : NULL;
	return http_transport_check(h, e);
}

static bool
run(struct serve *sv, struct setting *o, struct scim *s, struct err *e)
{
	if (!serve_hello(sv, e) || !read_settings(sv, o, e))
		return false;
	struct http_options http = { .url = buf_cstr(&o->url),
		.token = &o->token,
		.requests = o->requests ? o->requests : SCIM_REQUESTS_MAX,
		.timeout = o->timeout };
	const char *missing = serve_lock_down(sv, SERVE_NETWORK, false);
	if (missing)
		log_event(LOG_DEBUG, "sandbox", "missing", missing, NULL);
	if (!read_transport(sv, o, &http, e) || !http_new(&http, &s->http, e))
		return false;
	s->rate = o->rate;
	rate_set(&s->rate, o->rate.requests, o->rate.seconds, s->clock->mono_ms(s->clock->ctx));
	scim_service_start(&s->service, &o->profile);
	if (!run_discover(s, e))
		return false;
	s->requests = s->limit = o->requests ? o->requests : s->service.requests;
	run_hello(s, buf_cstr(&o->url));
	return serve_flush(sv, e) && run_loop(s, e);
}

int
main(int argc, char **argv)
{
	struct serve *sv = serve_new("scim", "target", options, ARRAY_LEN(options));
	struct scim s = {
		.serve = sv, .clock = &clock_system, .scratch = arena_new(), .keep = arena_new()
	};
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
	secret_wipe(&o.client_key);
	buf_free(&o.url);
	buf_free(&o.no_proxy);
	serve_free(sv);
	return exit_code;
}
