/* Links, sessions. Of both only digests are kept: who reads the state folder cannot sign in with it. */
#include "web_p.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include "store/agent.h"

#define COOKIE     "lockstep"
#define TRIES_MOST 10 /* a minute, by anybody: a link has 256 bits, this is against noise */

void
web_random(char out[65])
{
	unsigned char bytes[32];
	CLEAN_BUF struct buf text = { 0 };

	randombytes_buf(bytes, sizeof(bytes));
	hex_encode(bytes, sizeof(bytes), &text);
	memcpy(out, buf_cstr(&text), 65);
}

static void
digest(const char *secret, char out[65])
{
	sha256_hex(secret, strlen(secret), out);
}

/* --- without a state folder: in memory --- */

static struct web_ticket *
ticket_find(struct web *w, const char *hash, bool link)
{
	for (size_t i = 0; i < WEB_SESSIONS; i++) {
		struct web_ticket *t = &w->tickets[i];

		if (t->expires > agent_now() && t->link == link && strcmp(t->hash, hash) == 0)
			return t;
	}
	return NULL;
}

static struct web_ticket *
ticket_new(struct web *w)
{
	struct web_ticket *oldest = &w->tickets[0];

	for (size_t i = 1; i < WEB_SESSIONS; i++)
		if (w->tickets[i].expires < oldest->expires)
			oldest = &w->tickets[i];
	*oldest = (struct web_ticket){ 0 };
	return oldest;
}

static void
ticket_add(struct web *w, const char *hash, const char *token, const char *by, int64_t expires)
{
	struct web_ticket *t = ticket_new(w);

	t->link = token == NULL;
	t->expires = expires;
	snprintf(t->hash, sizeof(t->hash), "%s", hash);
	snprintf(t->token, sizeof(t->token), "%s", token ? token : "");
	snprintf(t->by, sizeof(t->by), "%s", by);
}

/* Else what is signed in stays so in tickets, until agent.db can be used and beyond. */
static bool
is_kept(const struct agent *g)
{
	return g->store && g->memory_error.kind == ERR_NONE;
}

/* --- links --- */

bool
web_link_new(struct agent *g, const char *by, struct buf *url, struct err *e)
{
	struct web *w = g->web;
	char secret[65], hash[65];
	int64_t now = agent_now();

	if (!w || !w->port_count) {
		if (g->console_down.kind)
			return err_set(e, ERR_CONFIG, "no-console", "%s", g->console_down.text);
		return err_set(e, ERR_CONFIG, "no-console", "the console does not run");
	}
	web_random(secret);
	digest(secret, hash);
	if (is_kept(g)) {
		if (!agent_sessions_prune(g->store, now, e) ||
			!agent_link_add(g->store, hash, by, now, now + WEB_LINK_LIFE, e))
			return false;
	} else {
		ticket_add(w, hash, NULL, by, now + WEB_LINK_LIFE);
	}
	buf_addf(url, "http://127.0.0.1:%u/?link=%s", w->port, secret);
	sodium_memzero(secret, sizeof(secret));
	return true;
}

static bool
link_use(struct exchange *x, const char *hash, const char **by_r, struct err *e)
{
	struct web *w = x->w;
	struct web_ticket *t = ticket_find(w, hash, true);

	if (t) {
		*by_r = arena_strdup(x->a, t->by);
		t->expires = 0;
		return true;
	}
	return w->g->store && agent_link_use(w->g->store, hash, agent_now(), x->a, by_r, e);
}

static bool
may_try(struct web *w)
{
	int64_t now = agent_now();

	if (now - w->tries_since >= 60 || now < w->tries_since) {
		w->tries_since = now;
		w->tries = 0;
	}
	return w->tries < TRIES_MOST;
}

bool
web_sign_in(struct exchange *x, const char *link, struct err *e)
{
	struct web *w = x->w;
	struct agent *g = w->g;
	char secret[65], hash[65], token[65];
	int64_t now = agent_now(), life = g->conf ? g->conf->console.session : 12 * 3600;
	const char *by = NULL;

	if (!may_try(w))
		return err_set(e, ERR_WAIT, "too-often", "too many attempts; wait a minute");
	digest(link, hash);
	if (!link_use(x, hash, &by, e)) {
		w->tries++;
		agent_log(LOG_WARN, "sign-in-refused", "text",
			"somebody tried to sign in at the console with a link that is not valid",
			NULL);
		return e->kind ? false
			       : err_set(e, ERR_CONFIG, "bad-link",
					 "the link was used or is too old");
	}
	web_random(secret);
	web_random(token);
	digest(secret, hash);
	if (!is_kept(g))
		ticket_add(w, hash, token, by, now + life);
	else if (!agent_session_add(g->store, hash, token, by, now, now + life, e))
		return false;
	x->set_cookie =
		arena_printf(x->a, COOKIE "=%s; HttpOnly; SameSite=Strict; Path=/; Max-Age=%lld",
			secret, (long long)life);
	agent_log(
		LOG_INFO, "signed-in", "text", "somebody signed in at the console", "by", by, NULL);
	return true;
}

/* --- sessions --- */

bool
web_session(struct exchange *x)
{
	struct web *w = x->w;
	const char *cookie = MHD_lookup_connection_value(x->mhd, MHD_COOKIE_KIND, COOKIE);
	struct session_row row;
	struct web_ticket *t;
	char hash[65];

	if (!cookie || strlen(cookie) != 64)
		return false;
	digest(cookie, hash);
	x->cookie_hash = arena_strdup(x->a, hash);
	if ((t = ticket_find(w, hash, false))) {
		x->by = arena_strdup(x->a, t->by);
		x->token = arena_strdup(x->a, t->token);
		x->expires = t->expires;
		return true;
	}
	if (!w->g->store || !agent_session_find(w->g->store, hash, agent_now(), x->a, &row))
		return false;
	x->by = row.by;
	x->token = row.token;
	x->expires = row.expires;
	return true;
}

void
web_sign_out(struct exchange *x)
{
	struct web_ticket *t = ticket_find(x->w, x->cookie_hash, false);
	struct err e = { 0 };

	if (t)
		t->expires = 0;
	if (x->w->g->store && !agent_session_end(x->w->g->store, x->cookie_hash, &e)) {
		web_err(x, 500, &e);
		return;
	}
	x->set_cookie = COOKIE "=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0";
	web_ok(x);
}
