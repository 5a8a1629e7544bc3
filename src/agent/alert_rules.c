/* What a run's end says; the frame of the evaluation. */
#include "alert_rules.h"

#include <string.h>

/* One more fits into the list, which lives in the arena. */
static void *
room(struct arena *a, void *list, size_t size, size_t count, size_t *cap)
{
	void *bigger;

	if (count < *cap)
		return list;
	*cap = *cap ? *cap * 2 : 16;
	bigger = arena_alloc(a, *cap * size);
	if (count)
		memcpy(bigger, list, count * size);
	return bigger;
}

void
alert_domain(struct alert_finds *f, const char *domain)
{
	for (size_t i = 0; i < f->domain_count; i++)
		if (strcmp(f->domains[i], domain) == 0)
			return;
	f->domains =
		room(f->arena, f->domains, sizeof(*f->domains), f->domain_count, &f->domain_cap);
	f->domains[f->domain_count++] = domain;
}

static const char *
or_empty(const char *s)
{
	return s ? s : "";
}

void
alert_found(struct alert_finds *f, const struct alert_say *s)
{
	const struct alert_rule *r = alert_rule(s->code);
	const char *object = or_empty(s->object), *subject = s->subject ? s->subject : object;
	struct alert_find n = { .rule = r, .domain = s->domain, .object = object };

	n.key = arena_printf(f->arena, "%s/%s", s->code, subject);
	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->list[i].key, n.key) == 0)
			return; /* one alert for one cause */
	n.severity =
		s->mild ? ALERT_INFO : r->severity + (s->grave && r->severity < ALERT_CRITICAL);
	n.cause = or_empty(s->cause);
	n.remedy = s->remedy && *s->remedy ? s->remedy : r->remedy;
	n.look = s->look_at ? s->look_at : r->look;
	n.examples = or_empty(s->examples);
	n.count = s->count ? s->count : 1;
	n.after = s->after < 0 ? r->after : s->after;
	f->list = room(f->arena, f->list, sizeof(*f->list), f->count, &f->cap);
	f->list[f->count++] = n;
}

/* --- a run --- */

enum side { SIDE_NONE, SIDE_SOURCE, SIDE_TARGET, SIDE_STATE };

/* Causes that have an alert of their own. exit 0: at any. */
static const struct cause {
	int exit;
	const char *error, *alert;
	enum side side;
} causes[] = {
	{ 3, "account-locked", "account-locked", SIDE_SOURCE },
	{ 3, "account-expired", "account-expires", SIDE_SOURCE },
	{ 3, "account-disabled", "account-disabled", SIDE_SOURCE },
	{ 3, "account-moved", "account-moved", SIDE_SOURCE },
	{ 3, "password-expired", "password-expires", SIDE_SOURCE },
	{ 3, "bind-refused", "account-refused", SIDE_SOURCE },
	{ 3, "bad-keytab", "account-refused", SIDE_SOURCE },
	{ 3, "certificate", "certificate-refused", SIDE_SOURCE },
	{ 5, "certificate", "certificate-refused", SIDE_TARGET },
	{ 3, "clock", "clock-wrong", SIDE_SOURCE },
	{ 5, "token-refused", "target-refusing", SIDE_TARGET },
	{ 5, "bad-token", "target-refusing", SIDE_TARGET },
	{ 5, "client-certificate", "target-refusing", SIDE_TARGET },
	{ 5, "proxy-refused", "target-refusing", SIDE_TARGET },
	{ 5, "redirected", "target-refusing", SIDE_TARGET },
	{ 0, "no-connector", "run-failed", SIDE_NONE }, /* here, not over there */
	{ 0, "disk-full", "disk-nearly-full", SIDE_STATE },
	{ 0, "state-damaged", "state-damaged", SIDE_STATE },
	{ 3, NULL, "source-incomplete", SIDE_SOURCE },
	{ 5, NULL, "target-unreachable", SIDE_TARGET },
	{ 0, NULL, "run-failed", SIDE_NONE },
};

static const struct cause *
cause_of(int exit, const char *error)
{
	const struct cause *c = causes;

	while ((c->exit && c->exit != exit) || (c->error && strcmp(c->error, error) != 0))
		c++;
	return c;
}

static const struct conf_sync *
sync_of(const struct conf *c, const char *name)
{
	for (size_t i = 0; c && i < c->sync_count; i++)
		if (!*name || strcmp(c->syncs[i].name, name) == 0)
			return &c->syncs[i];
	return NULL;
}

/* Whom it concerns. Of runs of all syncs only what is plain: there is one source, one target. */
static const char *
side_name(const struct alert_input *in, const struct cause *c, struct arena *a)
{
	const struct conf_sync *s = sync_of(in->conf, in->run->sync);
	bool all = !*in->run->sync;

	if (c->side == SIDE_STATE && in->conf)
		return in->conf->state;
	if (s && c->side == SIDE_SOURCE && (!all || in->conf->source_count == 1))
		return arena_printf(a, "source %s", s->from);
	if (s && c->side == SIDE_TARGET && (!all || in->conf->target_count == 1))
		return arena_printf(a, "target %s", s->to);
	return *in->run->sync ? arena_printf(a, "sync %s", in->run->sync) : "all syncs";
}

/* Somebody else's work, or our own stop, is no failure, and no success; nor is a sync that somebody mistyped, or that the
 * configuration has no more. */
static bool
says_nothing(const struct alert_input *in)
{
	const struct alert_run *r = in->run;

	return r->cancelled || (*r->sync && in->conf && !sync_of(in->conf, r->sync)) ||
	       strcmp(r->error.code, "locked") == 0 || strcmp(r->error.code, "stopped") == 0;
}

/* Syncs of one target run as one, so it is the target's run that is well, or not. */
static const char *
run_domain(const struct alert_input *in, struct arena *a)
{
	const struct conf_sync *s = *in->run->sync ? sync_of(in->conf, in->run->sync) : NULL;

	return arena_printf(a, "run/%s", s ? s->to : in->run->sync);
}

/* A run of all is one of each; and where each runs by itself, what was said of all is out of date. */
static void
well_domains(const struct alert_input *in, struct alert_finds *f)
{
	alert_domain(f, "run/");
	for (size_t i = 0; in->conf && !*in->run->sync && i < in->conf->target_count; i++)
		alert_domain(f, arena_printf(f->arena, "run/%s", in->conf->targets[i].name));
}

static void
eval_run(const struct alert_input *in, struct alert_finds *f)
{
	const struct alert_run *r = in->run;
	const char *domain = run_domain(in, f->arena), *why = r->error.text;
	const struct cause *c;

	if (says_nothing(in))
		return;
	alert_domain(f, domain);
	/* failing and held objects are said by the status */
	if (r->exit == 0 || r->exit == 1 || r->exit == 4) {
		well_domains(in, f);
		return;
	}
	c = cause_of(r->exit, r->error.code);
	if (!*why && r->exit == -2)
		why = "the run was ended by a signal";
	else if (!*why)
		why = arena_printf(f->arena, "the run ended with exit code %d", r->exit);
	alert_found(f, &(struct alert_say){ .code = c->alert,
			       .domain = domain,
			       .object = side_name(in, c, f->arena),
			       .cause = arena_strdup(f->arena, why),
			       .grave = c->side == SIDE_STATE,
			       /* what a person must mend is not mended by waiting */
			       .after = r->error.kind == ERR_CONFIG ? 0 : -1 });
}

void
alert_rules_eval(const struct alert_input *in, struct alert_finds *f)
{
	if (in->run)
		eval_run(in, f);
	if (in->status)
		alert_eval_status(in, f);
	if (in->check)
		alert_eval_check(in, f);
	if (in->disk)
		alert_eval_disk(in, f);
	if (in->fresh)
		alert_eval_fresh(in, f);
	alert_eval_service(in, f);
}
