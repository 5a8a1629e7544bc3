#include "notify_text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "alert_rules.h"

#define WIDTH   72
#define DETAILS 20 /* alerts told in full; the rest by name */
#define NAMES   50
#define SHORT   80 /* bytes of a name in a subject */
#define HOUR    3600
#define DAY     (24 * HOUR)

static const char *
title_of(const struct alert_row *r)
{
	const struct alert_rule *rule = alert_rule(r->code);

	return rule ? rule->title : r->code;
}

static void
add_upper(struct buf *out, const char *s)
{
	for (; *s; s++)
		buf_addc(out, (char)toupper((unsigned char)*s));
}

static void
trim(struct buf *out)
{
	while (out->n && out->p[out->n - 1] == ' ')
		out->n--;
}

/* Words of s from column `at` on, further lines indented. Control characters and what is not UTF-8 are escaped. */
static void
wrap(struct buf *out, size_t at, size_t indent, const char *s)
{
	CLEAN_BUF struct buf text = { 0 };
	size_t column = at;
	const char *p;

	text_escape(s, strlen(s), 2000, &text);
	p = buf_cstr(&text);
	while (*p) {
		size_t n = strcspn(p, " ");

		if (column > indent && column + n > WIDTH) {
			trim(out);
			buf_addf(out, "\n%*s", (int)indent, "");
			column = indent;
		}
		buf_add(out, p, n);
		column += n;
		p += n;
		p += strspn(p, " ");
		if (*p && column < WIDTH) {
			buf_addc(out, ' ');
			column++;
		}
	}
	trim(out);
	buf_addc(out, '\n');
}

static void
field(struct buf *out, const char *name, const char *value)
{
	if (!*value)
		return;
	buf_addf(out, "  %-8s ", name);
	wrap(out, 11, 11, value);
}

static void
field_since(struct buf *out, int64_t since, int64_t now)
{
	CLEAN_BUF struct buf text = { 0 };
	char when[24];

	time_format(since, when);
	buf_addf(&text, "%s", when);
	if (now > since) {
		buf_adds(&text, " (for ");
		duration_format(now - since, &text);
		buf_adds(&text, ")");
	}
	field(out, "since", buf_cstr(&text));
}

static void
field_examples(struct buf *out, const struct alert_row *r)
{
	CLEAN_JSON struct json *j = NULL;
	CLEAN_BUF struct buf text = { 0 };
	int64_t n = 0;

	if (!*r->examples || !json_parse(str_c(r->examples), 0, &j, NULL))
		return;
	json_for_each(name, j)
		buf_addf(&text, "%s%s", n++ ? ", " : "",
			json_string(name) ? json_string(name) : "?");
	if (r->count > n)
		buf_addf(&text, " and %lld more", (long long)(r->count - n));
	field(out, "such as", buf_cstr(&text));
}

static void
alert_full(struct buf *out, const struct alert_row *r, int64_t now)
{
	add_upper(out, alert_severity_name(r->severity));
	buf_addf(out, ": %s\n", title_of(r));
	field(out, "what", r->object);
	field_since(out, r->found, now);
	field(out, "cause", r->cause);
	field_examples(out, r);
	field(out, "to do", r->remedy);
	if (*r->look) { /* a command is not broken into lines */
		buf_addf(out, "  %-8s ", "look");
		text_escape(r->look, strlen(r->look), 500, out);
		buf_addc(out, '\n');
	}
	buf_addf(out, "  %-8s %lld, [%s]\n\n", "alert", (long long)r->id, r->code);
}

static void
alert_line(struct buf *out, const struct alert_row *r)
{
	CLEAN_BUF struct buf text = { 0 };
	char from[24], to[24];

	time_format(r->found, from);
	time_format(r->cleared, to);
	if (r->state == ALERT_CLEARED)
		buf_addf(&text, "%s (%s to %s)", r->object, from, to);
	else
		buf_addf(&text, "%s (since %s)", r->object, from);
	buf_addf(out, "  - %s: ", title_of(r));
	wrap(out, 6 + strlen(title_of(r)), 4, buf_cstr(&text));
}

static void
lines(struct buf *out, const char *head, const struct alert_row *list, size_t count)
{
	if (!count)
		return;
	buf_addf(out, "%s\n", head);
	for (size_t i = 0; i < count && i < NAMES; i++)
		alert_line(out, &list[i]);
	if (count > NAMES)
		buf_addf(out, "  ... and %zu more\n", count - NAMES);
	buf_addc(out, '\n');
}

/* --- subjects --- */

/* Part of a line: whatever the directory has for a name. The whole is in the text. */
static void
add_short(struct buf *out, const char *s)
{
	text_escape(s, strlen(s), SHORT, out);
}

static void
add_first(struct buf *out, const char *word, const struct alert_row *r, size_t count)
{
	buf_addf(out, "%s%s (", word, title_of(r));
	add_short(out, r->object);
	buf_addc(out, ')');
	if (count > 1)
		buf_addf(out, " and %zu more", count - 1);
}

static void
subject_of(const struct notify_batch *b, struct buf *out)
{
	buf_adds(out, "[Lockstep ");
	add_short(out, b->host);
	buf_adds(out, "] ");
	if (b->raised_count) {
		add_upper(out, alert_severity_name(b->raised->severity));
		add_first(out, ": ", b->raised, b->raised_count);
	} else if (b->well) {
		buf_adds(out, "all is well again");
	} else if (b->cleared_count) {
		add_first(out, "cleared: ", b->cleared, b->cleared_count);
	} else if (b->passed_count) {
		add_first(out, "came and went: ", b->passed, b->passed_count);
	}
}

static void
text_of(const struct notify_batch *b, struct buf *out)
{
	size_t full = b->raised_count < DETAILS ? b->raised_count : DETAILS;

	if (b->well && !b->raised_count)
		buf_adds(out, "All is well again: no alert is open.\n\n");
	for (size_t i = 0; i < full; i++)
		alert_full(out, &b->raised[i], b->now);
	lines(out, "More new alerts:", b->raised + full, b->raised_count - full);
	lines(out, "Cleared:", b->cleared, b->cleared_count);
	lines(out, "Came and went meanwhile:", b->passed, b->passed_count);
	lines(out, "Still open:", b->open, b->open_count);
	buf_addf(out,
		"-- \nLockstep on %s. `lockstep alerts` lists what is open;\n"
		"`lockstep alerts seen NUMBER` says that you know.\n",
		b->host);
}

/* --- for programs --- */

/* Returns how many were left out. */
static size_t
json_alerts(struct jsonw *w, const char *name, const struct alert_row *list, size_t count)
{
	size_t told = count < NAMES ? count : NAMES;

	jsonw_arr(w, name);
	for (size_t i = 0; i < told; i++)
		alert_json(&list[i], w, NULL);
	jsonw_end(w);
	return count - told;
}

static struct jsonw
body_begin(struct buf *out, const char *subject, const char *text, const char *event,
	const char *host, int64_t now)
{
	struct jsonw w = jsonw(out);

	jsonw_obj(&w, NULL);
	jsonw_str(&w, "subject", subject);
	jsonw_str(&w, "text", text);
	jsonw_obj(&w, "json");
	jsonw_str(&w, "event", event);
	jsonw_str(&w, "host", host);
	jsonw_int(&w, "at", now);
	jsonw_str(&w, "subject", subject);
	jsonw_str(&w, "text", text); /* what chat services show */
	return w;
}

static void
body_end(struct jsonw *w)
{
	jsonw_end(w);
	jsonw_end(w);
}

void
notify_text(const struct notify_batch *b, struct buf *out)
{
	CLEAN_BUF struct buf subject = { 0 };
	CLEAN_BUF struct buf text = { 0 };
	struct jsonw w;
	size_t left;

	subject_of(b, &subject);
	text_of(b, &text);
	w = body_begin(out, buf_cstr(&subject), buf_cstr(&text), b->well ? "well" : "alerts",
		b->host, b->now);
	left = json_alerts(&w, "raised", b->raised, b->raised_count);
	left += json_alerts(&w, "cleared", b->cleared, b->cleared_count);
	left += json_alerts(&w, "passed", b->passed, b->passed_count);
	jsonw_int(&w, "left_out", (int64_t)left);
	jsonw_int(&w, "open", (int64_t)(b->open_count + b->raised_count));
	body_end(&w);
}

void
notify_text_test(const char *host, int64_t now, struct buf *out)
{
	CLEAN_FREE char *subject = xasprintf("[Lockstep %s] a test", host);
	CLEAN_FREE char *text = xasprintf("This message tries whether alerts of Lockstep on %s "
					  "arrive.\nNothing is wrong.\n",
		host);
	struct jsonw w = body_begin(out, subject, text, "test", host, now);

	body_end(&w);
}

/* --- a day --- */

static void
day_targets(const struct json *status, struct buf *out)
{
	json_for_each(t, json_get(status, "targets")) {
		const char *name = json_get_string(t, "target");

		buf_addf(out, "  %s: %s; %lld users, %lld groups", name ? name : "?",
			json_get_bool(t, "in_lockstep", false) ? "in lockstep" : "NOT in lockstep",
			(long long)json_get_int(t, "users", 0),
			(long long)json_get_int(t, "groups", 0));
		if (json_get_int(t, "failing", 0))
			buf_addf(out, "; %lld fail", (long long)json_get_int(t, "failing", 0));
		if (json_get_int(t, "held", 0))
			buf_addf(out, "; %lld held back", (long long)json_get_int(t, "held", 0));
		buf_addc(out, '\n');
	}
}

void
notify_text_day(const struct notify_day *d, struct buf *out)
{
	CLEAN_BUF struct buf text = { 0 };
	CLEAN_FREE char *subject =
		d->open_count
			? xasprintf("[Lockstep %s] daily: %zu alerts open", d->host, d->open_count)
			: xasprintf("[Lockstep %s] daily: all is well", d->host);
	struct jsonw w;
	char since[24];

	buf_adds(&text, "Targets:\n");
	day_targets(d->status, &text);
	time_format(d->since, since);
	if (d->now - d->since > DAY + 2 * HOUR) /* summer time comes and goes */
		buf_addf(&text, "\nSince %s, when the last summary was sent:\n", since);
	else
		buf_adds(&text, "\nThe last 24 hours:\n");
	buf_addf(&text, "%s  alerts: %lld raised, %lld cleared\n\n", d->lines, (long long)d->raised,
		(long long)d->cleared);
	lines(&text, "Open alerts:", d->open, d->open_count);
	buf_addf(&text,
		"-- \nLockstep on %s. `daily` in `alerts` of the configuration says when "
		"this comes.\n",
		d->host);
	w = body_begin(out, subject, buf_cstr(&text), "daily", d->host, d->now);
	jsonw_int(&w, "left_out", (int64_t)json_alerts(&w, "alerts", d->open, d->open_count));
	if (d->status)
		jsonw_json(&w, "status", d->status);
	body_end(&w);
}
