/* The first look at a service, and `check`: what is found, with its remedy. */
#include <stdlib.h>
#include <string.h>
#include "scim_run.h"

#define PROBE     "/Users?startIndex=1&count=1&attributes=userName"
#define TRIES_MAX 3
#define WAIT_MAX  20 /* seconds of a rate limit at the first look */

/* Seconds until the same may be asked again; 0: there is no point in it. */
static unsigned
ask_again(const struct scim *s, const struct http_slot *slot)
{
	struct answer an = { .status = slot->status,
		.body = slot->json,
		.odd = slot->bad_body,
		.retry_after = slot->retry_after };
	struct answer_context c = { .what = "GET" };
	const char *attribute;
	struct err e;

	if (slot->outcome == HTTP_LOST) /* broken off; what takes too long will do so again */
		return strcmp(slot->err.code, "lost-answer") == 0;
	if (slot->outcome != HTTP_ANSWERED || slot->status < 400)
		return 0;
	answer_error(&an, &c, s->service.profile, &e, &attribute);
	return e.kind == ERR_WAIT && e.wait <= WAIT_MAX ? e.wait : 0;
}

static int64_t
mono_ms(const struct scim *s)
{
	return s->clock->mono_ms(s->clock->ctx);
}

struct http_slot *
run_ask(struct scim *s, const char *path)
{
	struct http_slot *slot = http_get(s->http, path);
	unsigned wait;

	for (int i = 1; i < TRIES_MAX && (wait = ask_again(s, slot)) > 0; i++) {
		bool told = slot->outcome == HTTP_ANSWERED;

		cost_answer(&s->cost, slot);
		http_release(slot);
		cost_waits(&s->cost, told ? WAIT_TOLD : COST_NO_WAIT, mono_ms(s));
		http_wait(s->http, -1, 1000 * (int)wait);
		cost_waits(&s->cost, COST_NO_WAIT, mono_ms(s));
		slot = http_get(s->http, path);
	}
	cost_answer(&s->cost, slot);
	return slot;
}

static bool
not_scim(const struct http_slot *slot, const char *what, struct err *e)
{
	return err_set(e, ERR_CONFIG, "not-scim",
		"%s is answered by %ld %s: the url does not seem to be a SCIM service's; "
		"it usually ends with /scim/v2",
		what, slot->status, slot->type);
}

/* What went wrong before the first operation, as the engine and a person need it. */
static bool
first_error(const struct http_slot *slot, const char *what, struct err *e)
{
	struct answer an = { .status = slot->status,
		.body = slot->json,
		.odd = slot->bad_body,
		.retry_after = slot->retry_after };
	struct answer_context c = { .what = what };
	static const struct scim_profile plain = { 0 };
	const char *attribute;

	if (slot->outcome != HTTP_ANSWERED) {
		*e = slot->err;
		if (e->kind != ERR_UNKNOWN)
			return false;
		e->kind = ERR_SIDE;
		if (strcmp(e->code, "lost-answer") == 0)
			err_wrap(e,
				"the connection broke off (so does a service that demands a client "
				"certificate: client_cert_file)");
		return false;
	}
	if (slot->status < 300 || slot->status == 404)
		return not_scim(slot, what, e);
	answer_error(&an, &c, &plain, e, &attribute);
	if (e->kind == ERR_OBJECT)
		e->kind = ERR_CONFIG;
	if (e->kind == ERR_RETRY)
		e->kind = ERR_SIDE;
	return false;
}

static bool
read_config(struct scim *s, struct err *e)
{
	struct http_slot *slot = run_ask(s, "/ServiceProviderConfig");
	bool ok = true;

	/* libcurl tells it of new connections alone */
	http_certificate(slot, "Expire date", &s->certificate);
	run_rate(s, slot);
	if (slot->outcome == HTTP_ANSWERED && slot->status == 200 &&
		json_type(slot->json) == JSON_OBJECT)
		scim_service_read(&s->service, slot->json);
	else if (slot->outcome != HTTP_ANSWERED || slot->status < 404 ||
		 (slot->status != 404 && slot->status != 405 && slot->status != 501))
		ok = first_error(slot, "GET /ServiceProviderConfig", e);
	http_release(slot);
	return ok;
}

/* Proves path and token before anybody concludes anything from a 404. */
static bool
probe(struct scim *s, struct err *e)
{
	struct http_slot *slot = run_ask(s, PROBE);
	struct answer_list l;
	bool ok = slot->outcome == HTTP_ANSWERED && slot->status == 200 &&
		  answer_list(slot->json, &l);

	if (!ok)
		first_error(slot, "GET /Users", e);
	http_release(slot);
	return ok;
}

bool
run_discover(struct scim *s, struct err *e)
{
	if (!read_config(s, e) || !probe(s, e))
		return false;
	declared_read(s);
	return true;
}

static void
write_kinds(struct jsonw *w)
{
	jsonw_obj(w, "kinds");
	for (int k = 0; k < KIND_COUNT; k++) {
		jsonw_obj(w, kinds[k].name);
		jsonw_arr(w, "attributes"); /* any: what a service drops shows in `seen` */
		jsonw_end(w);
		jsonw_end(w);
	}
	jsonw_end(w);
}

static void
rate_write(const struct scim *s, struct jsonw *w)
{
	if (!s->rate.requests)
		return;
	jsonw_obj(w, "rate");
	jsonw_int(w, "requests", s->rate.requests);
	jsonw_int(w, "seconds", s->rate.seconds);
	jsonw_end(w);
}

void
run_hello(struct scim *s, const char *url)
{
	struct jsonw *w = serve_line(s->serve, "hello");

	jsonw_str(w, "server", url);
	write_kinds(w);
	jsonw_obj(w, "limits");
	jsonw_int(w, "members", s->service.patch_members);
	jsonw_end(w);
	jsonw_int(w, "window", (int64_t)scim_service_window(&s->service, s->requests));
	jsonw_int(w, "settle", s->service.profile->settle);
	rate_write(s, w);
	if (s->service.profile->park)
		jsonw_str(w, "park", s->service.profile->park);
	jsonw_arr(w, "capabilities");
	if (s->service.filter)
		jsonw_str(w, NULL, "find");
	jsonw_str(w, NULL, "list");
	jsonw_str(w, NULL, "elements");
	jsonw_str(w, NULL, "register");
	if (!(s->service.profile->quirks & SCIM_HIDES_REFS))
		jsonw_str(w, NULL, "list-refs");
	if (s->service.bulk_ops)
		jsonw_str(w, NULL, "bulk");
	if (s->service.etag)
		jsonw_str(w, NULL, "version");
	jsonw_end(w);
	run_line(s);
}

/* --- check --- */

static void
finding_rate(struct scim *s)
{
	const struct scim_rate *r = &s->rate;
	CLEAN_BUF struct buf text = { 0 };

	if (r->requests)
		buf_addf(&text, "%u requests in %u s, as %s; Lockstep keeps below", r->requests,
			r->seconds,
			r->fixed     ? "the option rate says"
			: s->learned ? "the service says"
				     : "its profile says");
	else
		buf_adds(&text, "none is known; a refusal that says when to come back is heeded");
	serve_finding(s->serve, "info", "rate limit", buf_cstr(&text), NULL);
}

static void
finding_service(struct scim *s)
{
	const struct scim_service *v = &s->service;
	CLEAN_BUF struct buf text = { 0 };

	buf_addf(&text, "profile %s (%s); ", v->profile->name, v->profile->help);
	if (v->bulk_ops)
		buf_addf(&text, "Bulk with %u operations; ", v->bulk_ops);
	else
		buf_adds(&text, "no Bulk; ");
	buf_addf(&text,
		"%s; filters with %u comparisons; %u members in one change; listing by %s; "
		"versions %s",
		v->put ? "changes by GET and PUT" : "changes by PATCH", v->find_terms,
		v->patch_members, v->cursor ? "cursor" : "index",
		v->etag ? "checked (ETag)" : "not checked");
	serve_finding(s->serve, "info", "service", buf_cstr(&text), NULL);
	finding_rate(s);
	if (!v->described)
		serve_finding(s->serve, "info", "service",
			"no /ServiceProviderConfig: least is assumed",
			"choose a profile that fits the service");
	if (!v->filter)
		serve_finding(s->serve, "warn", "service",
			"the service does not filter: objects cannot be found singly",
			"every look-up will be a listing");
}

static void
finding_credential(struct scim *s)
{
	const struct scim_service *v = &s->service;

	if (v->credentials[0] && v->exchanged)
		serve_finding(s->serve, "ok", "credential",
			"the token is this agent's own credential, which can be revoked alone",
			NULL);
	else if (v->credentials[0])
		serve_finding(s->serve, "info", "credential",
			"the token is the account's own key: whoever has it can do all that the "
			"account can, on any machine",
			"let `lockstep register` exchange it for a credential of this agent, which "
			"can be revoked alone");
}

static void
finding_clock(struct scim *s, const struct http_slot *slot)
{
	int64_t off = slot->date - s->clock->now(s->clock->ctx);
	CLEAN_BUF struct buf text = { 0 };

	if (!slot->date)
		return;
	off = off < 0 ? -off : off;
	buf_addf(&text, "the service's clock and ours differ by %lld s", (long long)off);
	serve_finding(s->serve, off > 300 ? "warn" : "ok", "clock", buf_cstr(&text),
		off > 300 ? "let both keep time by NTP" : NULL);
}

static void
finding_certificate(struct scim *s)
{
	CLEAN_BUF struct buf text = { 0 };
	int64_t left;

	if (!s->certificate.n) {
		serve_finding(s->serve, "info", "certificate",
			"plain http to this machine: no certificate", NULL);
		return;
	}
	left = curl_getdate(buf_cstr(&s->certificate), NULL) - s->clock->now(s->clock->ctx);
	buf_addf(&text, "verified; valid until %s", buf_cstr(&s->certificate));
	if (left < 14 * 86400)
		serve_finding(s->serve, "warn", "certificate", buf_cstr(&text), "have it renewed");
	else
		serve_finding(s->serve, "ok", "certificate", buf_cstr(&text), NULL);
}

void
check_run(struct scim *s)
{
	struct http_slot *slot;
	struct answer_list l;
	struct err e;

	if (http_busy(s->http)) {
		err_set(&e, ERR_RETRY, "busy", "check: only while nothing else is going on");
		serve_error(s->serve, &e);
		return;
	}
	slot = run_ask(s, PROBE);
	if (slot->outcome == HTTP_ANSWERED && slot->status == 200 && answer_list(slot->json, &l)) {
		serve_finding(s->serve, "ok", "reachable", "the service answers", NULL);
		serve_finding(s->serve, "ok", "token", "the token is accepted for users", NULL);
		finding_credential(s);
		finding_certificate(s);
		finding_clock(s, slot);
		finding_service(s);
		declared_finding(s);
	} else {
		first_error(slot, "GET /Users", &e);
		serve_finding(s->serve, "fail", e.code, e.text, NULL);
	}
	http_release(slot);
	serve_lock_finding(s->serve);
	serve_end(
		s->serve, NULL, true, NULL, NULL, NULL); /* a broken pipe shows at the next flush */
}
