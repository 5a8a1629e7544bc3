/* What check, disk, clock and the service itself say. */
#include "alert_rules.h"

#include <string.h>

/* --- lockstep check --- */

/* What a run does not see before it is too late. Whatever else check finds, runs find too. level NULL: any. */
static const struct {
	const char *topic, *level, *alert;
} topics[] = {
	{ "account-expires", NULL, "account-expires" },
	{ "account-locked", NULL, "account-locked" },
	{ "account-disabled", NULL, "account-disabled" },
	{ "account-moved", NULL, "account-moved" },
	{ "password-expires", NULL, "password-expires" },
	{ "account-expired", NULL, "account-expires" }, /* codes of a refused sign-on */
	{ "password-expired", NULL, "password-expires" },
	{ "certificate", "warn", "certificate-expires" },
	{ "certificate", "fail", "certificate-refused" },
	{ "clock", NULL, "clock-wrong" },
};

static const char *
topic_alert(const char *topic, const char *level)
{
	for (size_t i = 0; topic && i < ARRAY_LEN(topics); i++)
		if (strcmp(topics[i].topic, topic) == 0 &&
			(!topics[i].level || strcmp(topics[i].level, level) == 0))
			return topics[i].alert;
	return NULL;
}

/* A source may have several servers, each with a fault of its own. */
static void
found_too(struct alert_finds *f, const char *code, const char *where, const char *text)
{
	for (size_t i = 0; where && text && i < f->count; i++) {
		struct alert_find *n = &f->list[i];

		if (strcmp(n->rule->code, code) == 0 && strcmp(n->object, where) == 0)
			n->cause = arena_printf(f->arena, "%s; %s", n->cause, text);
	}
}

void
alert_eval_check(const struct alert_input *in, struct alert_finds *f)
{
	alert_domain(f, "check");
	json_for_each(c, json_get(in->check, "findings")) {
		const char *level = json_get_string(c, "level"),
			   *where = json_get_string(c, "where"), *text = json_get_string(c, "text");
		const char *code = level ? topic_alert(json_get_string(c, "topic"), level) : NULL;
		bool fails = level && strcmp(level, "fail") == 0;
		size_t before = f->count;

		if (!code || (!fails && strcmp(level, "warn") != 0))
			continue;
		alert_found(f, &(struct alert_say){ .code = code,
				       .domain = "check",
				       .object = where,
				       .cause = text,
				       .remedy = json_get_string(c, "remedy"),
				       .grave = fails });
		if (f->count == before)
			found_too(f, code, where, text);
	}
}

/* --- disk --- */

#define MEGA (1024 * 1024)

/* Raised below the one, and over above the other, so that what wavers is told once. */
static const struct level {
	int64_t bytes, well_bytes;
	int percent, well_percent;
} low = { 200 * (int64_t)MEGA, 250 * (int64_t)MEGA, 5, 6 },
  grave = { 50 * (int64_t)MEGA, 75 * (int64_t)MEGA, 1, 2 };

static bool
below(const struct alert_disk *d, const struct level *l, bool was)
{
	return d->free < (was ? l->well_bytes : l->bytes) ||
	       d->free < d->total / 100 * (was ? l->well_percent : l->percent);
}

void
alert_eval_disk(const struct alert_input *in, struct alert_finds *f)
{
	const struct alert_disk *d = in->disk;

	alert_domain(f, "disk");
	if (!below(d, &low, d->was_low))
		return;
	alert_found(f, &(struct alert_say){ .code = "disk-nearly-full",
			       .domain = "disk",
			       .object = d->path,
			       .cause = arena_printf(f->arena,
				       "%lld MB of %lld MB are free (%lld %%); when nothing is "
				       "left, no run "
				       "can begin",
				       (long long)(d->free / MEGA), (long long)(d->total / MEGA),
				       (long long)(d->total ? d->free * 100 / d->total : 0)),
			       .look_at = arena_printf(f->arena, "df -h '%s'", d->path),
			       .grave = below(d, &grave, d->was_grave) });
}

/* --- promises --- */

static void
eval_promise(const struct alert_fresh *s, struct alert_finds *f)
{
	CLEAN_BUF struct buf lag = { 0 };
	CLEAN_BUF struct buf promise = { 0 };
	const char *domain = arena_printf(f->arena, "fresh/%s", s->sync);

	if (s->promise > 0 && s->lag < 0)
		return; /* not known */
	alert_domain(f, domain);
	if (s->promise <= 0 || s->lag <= s->promise)
		return;
	duration_format(s->lag, &lag);
	duration_format(s->promise, &promise);
	alert_found(f, &(struct alert_say){ .code = "freshness-broken",
			       .domain = domain,
			       .subject = s->sync,
			       .object = arena_printf(f->arena, "sync %s", s->sync),
			       .cause = arena_printf(f->arena,
				       "what changed in the directory may have waited for %s; the "
				       "promise is %s",
				       buf_cstr(&lag), buf_cstr(&promise)),
			       .after = -1 });
}

static void
eval_canary(const struct alert_input *in, const struct alert_fresh *s, struct alert_finds *f)
{
	CLEAN_BUF struct buf ago = { 0 };
	CLEAN_BUF struct buf every = { 0 };
	int64_t late = in->now - s->canary_seen;
	const char *domain = arena_printf(f->arena, "canary/%s", s->sync);

	alert_domain(f, domain);
	/* one that is a little late is not missing */
	if (!s->canary || !s->canary_seen || late <= s->canary_every + s->canary_every / 2)
		return;
	duration_format(late, &ago);
	duration_format(s->canary_every, &every);
	alert_found(
		f, &(struct alert_say){ .code = "canary-missing",
			   .domain = domain,
			   .subject = s->sync,
			   .object = s->canary,
			   .cause = arena_printf(f->arena,
				   "the last change of this entry came through %s ago; one is due "
				   "every %s",
				   buf_cstr(&ago), buf_cstr(&every)),
			   .look_at = arena_printf(f->arena, "lockstep explain '%s'", s->canary) });
}

void
alert_eval_fresh(const struct alert_input *in, struct alert_finds *f)
{
	for (size_t i = 0; i < in->fresh_count; i++) {
		eval_promise(&in->fresh[i], f);
		eval_canary(in, &in->fresh[i], f);
	}
}

/* --- the service itself --- */

#define ATTEMPTS_MANY 3

static void
eval_sending(const struct way_row *m, struct alert_finds *f)
{
	const char *cause = NULL;

	if (m->attempts >= ATTEMPTS_MANY)
		cause = arena_printf(f->arena, "messages could not be sent by %s, %lld times: %s",
			m->way, (long long)m->attempts, m->error);
	else if (!m->attempts && *m->error)
		cause = arena_printf(f->arena, "the last message by %s did not reach everybody: %s",
			m->way, m->error);
	if (cause)
		alert_found(f, &(struct alert_say){ .code = "notify-failed",
				       .domain = "notify",
				       .object = m->way,
				       .cause = cause });
}

static void
eval_watch(const struct alert_watch *w, struct alert_finds *f)
{
	const char *domain = arena_printf(f->arena, "watch/%s", w->source);

	if (!w->failed && !w->cannot && !w->stands)
		return; /* not known yet */
	alert_domain(f, domain);
	if (w->stands)
		return;
	alert_found(f, &(struct alert_say){ .code = "watch-failed",
			       .domain = domain,
			       .object = arena_printf(f->arena, "source %s", w->source),
			       .cause = w->text,
			       .remedy = w->cannot ? "write on_change = \"no\" into the schedule; "
						     "changes are found "
						     "by `every` of the schedule"
						   : NULL,
			       .mild = w->cannot,
			       .after = -1 });
}

static void
eval_listening(const struct err *down, const char *what, struct alert_finds *f)
{
	const char *domain = arena_printf(f->arena, "listen/%s", what);

	if (!down)
		return;
	alert_domain(f, domain);
	if (down->kind != ERR_NONE && strcmp(down->code, "no-console") != 0)
		alert_found(f, &(struct alert_say){ .code = "cannot-listen",
				       .domain = domain,
				       .object = what,
				       .cause = arena_strdup(f->arena, down->text) });
}

void
alert_eval_service(const struct alert_input *in, struct alert_finds *f)
{
	if (in->conf_error) {
		alert_domain(f, "conf");
		if (in->conf_error->kind != ERR_NONE)
			alert_found(
				f, &(struct alert_say){ .code = "config-refused",
					   .domain = "conf",
					   .object = "configuration",
					   .cause = arena_strdup(f->arena, in->conf_error->text) });
	}
	if (in->memory_error) {
		alert_domain(f, "memory");
		if (in->memory_error->kind != ERR_NONE)
			alert_found(f,
				&(struct alert_say){ .code = "not-remembered",
					.domain = "memory",
					.object = "agent.db",
					.cause = arena_strdup(f->arena, in->memory_error->text) });
	}
	eval_listening(in->console_down, "console", f);
	eval_listening(in->control_down, "control socket", f);
	for (size_t i = 0; in->watches && i < in->watch_count; i++)
		eval_watch(&in->watches[i], f);
	if (in->ways)
		alert_domain(f, "notify");
	for (size_t i = 0; in->ways && i < in->way_count; i++)
		eval_sending(&in->ways[i], f);
}
