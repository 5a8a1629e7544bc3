/* Values of options: from words to fields and back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/str.h"
#include "load.h"

#define FIELD(type, base, o)  ((type *)((char *)(base) + (o)->offset))
#define CFIELD(type, base, o) ((const type *)((const char *)(base) + (o)->offset))

static const struct {
	const char *word;
	bool value;
} yesno[] = { { "yes", true }, { "no", false }, { "true", true }, { "false", false },
	{ "on", true }, { "off", false } };

static bool
yesno_set(bool *b, const char *w, const struct conf_place *at, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(yesno); i++) {
		if (ascii_ieq(yesno[i].word, w)) {
			*b = yesno[i].value;
			return true;
		}
	}
	return conf_fail(e, at->file, at->line, w, "%s is \"yes\" or \"no\"", at->name);
}

static bool
count_parse(const char *w, int64_t *n_r)
{
	char *end;

	if (!w[0] || strspn(w, "0123456789") != strlen(w) || strlen(w) > 15)
		return false;
	*n_r = strtoll(w, &end, 10);
	return true;
}

static bool
percent_parse(const char *w, double *p_r)
{
	size_t n = strlen(w);
	char *end;

	if (n < 2 || n > 12 || w[n - 1] != '%' || strspn(w, "0123456789.") != n - 1)
		return false;
	*p_r = strtod(w, &end);
	return end == w + n - 1 && *p_r >= 0 && *p_r <= 100;
}

/* "10%", "500", both in any order; "-" and "none": no limit. */
static bool
limit_set(struct conf_limit *l, const char *const *words, size_t count, const struct conf_place *at,
	struct err *e)
{
	struct conf_limit n = { .percent = -1, .absolute = -1, .line = at->line };
	bool ok = count >= 1 && count <= 2;

	for (size_t i = 0; ok && i < count; i++) {
		const char *w = words[i];
		if (strcmp(w, "-") == 0 || ascii_ieq(w, "none"))
			continue;
		if (n.percent < 0 && percent_parse(w, &n.percent))
			continue;
		ok = n.absolute < 0 && count_parse(w, &n.absolute);
	}
	if (!ok)
		return conf_fail(e, at->file, at->line, count ? words[count - 1] : NULL,
			"%s is a percentage (0%% to 100%%), a number, both, or \"-\": {\"10%%\", "
			"\"500\"}",
			at->name);
	*l = n;
	return true;
}

static bool
leave_set(enum leave *l, const char *w, const struct conf_place *at, struct err *e)
{
	static const char *const names[] = { "disable", "delete", "grace", "keep", NULL };

	if (leave_parse(w, l))
		return true;
	const char *near = text_nearest(w, names);
	return conf_fail(e, at->file, at->line, w,
		"%s is \"disable\", \"delete\", \"grace\" or \"keep\"%s%s%s", at->name,
		near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static bool
exact_set(bool *b, const char *w, const struct conf_place *at, struct err *e)
{
	*b = strcmp(w, "exact") == 0;
	return *b || strcmp(w, "ours") == 0 ||
	       conf_fail(e, at->file, at->line, w, "%s is \"exact\" or \"ours\"", at->name);
}

static void
texts_set(struct conf_texts *t, const char *const *words, size_t count, const struct conf_place *at,
	struct arena *a)
{
	t->count = count;
	t->list = arena_alloc(a, (count ? count : 1) * sizeof *t->list);
	for (size_t i = 0; i < count; i++)
		t->list[i] = (struct conf_text){ arena_strdup(a, words[i]), at->file, at->line };
}

static bool
time_set(const char **t, const char *w, const struct conf_place *at, struct arena *a, struct err *e)
{
	static const char digits[] = "0123456789";
	bool ok = strlen(w) == 5 && w[2] == ':' && strspn(w, digits) == 2 &&
		  strspn(w + 3, digits) == 2 && strncmp(w, "24", 2) < 0 && w[3] < '6';

	*t = arena_strdup(a, w);
	return ok || conf_fail(e, at->file, at->line, w, "%s is a time of day such as \"02:30\"",
			     at->name);
}

const char *const conf_days[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL };

static bool
days_check(const char *const *words, size_t count, const struct conf_place *at, struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		size_t d = 0;

		while (conf_days[d] && strcmp(conf_days[d], words[i]) != 0)
			d++;
		if (!conf_days[d])
			return conf_fail(e, at->file, at->line, words[i],
				"%s holds days: mon, tue, wed, thu, fri, sat, sun", at->name);
	}
	return true;
}

bool
conf_value_set(const struct conf_option *o, void *base, const char *const *words, size_t count,
	const struct conf_place *at, struct arena *a, struct err *e)
{
	if (o->type == CONF_LIMIT)
		return limit_set(FIELD(struct conf_limit, base, o), words, count, at, e);
	for (size_t i = 0; i < count; i++)
		if (!words[i][0])
			return conf_fail(e, at->file, at->line, at->name, "%s is empty", at->name);
	if (o->type == CONF_DAYS && !days_check(words, count, at, e))
		return false;
	if (o->type == CONF_TEXTS || o->type == CONF_DAYS) {
		texts_set(FIELD(struct conf_texts, base, o), words, count, at, a);
		return true;
	}
	if (count != 1)
		return conf_fail(e, at->file, at->line, at->name, "%s takes one value", at->name);
	const char *w = words[0];
	switch (o->type) {
	case CONF_TEXT:
		*FIELD(const char *, base, o) = arena_strdup(a, w);
		return true;
	case CONF_YESNO:
		return yesno_set(FIELD(bool, base, o), w, at, e);
	case CONF_DURATION:
		return duration_parse(w, FIELD(int64_t, base, o)) ||
		       conf_fail(e, at->file, at->line, w,
			       "%s is a duration such as \"30d\", \"12h\", \"5m\" or \"45s\"",
			       at->name);
	case CONF_LEAVE:
		return leave_set(FIELD(enum leave, base, o), w, at, e);
	case CONF_COUNT:
		return count_parse(w, FIELD(int64_t, base, o)) ||
		       conf_fail(e, at->file, at->line, w, "%s is a whole number", at->name);
	case CONF_EXACT:
		return exact_set(FIELD(bool, base, o), w, at, e);
	case CONF_TIME:
		return time_set(FIELD(const char *, base, o), w, at, a, e);
	case CONF_TEXTS:
	case CONF_DAYS:
	case CONF_LIMIT:
		break;
	}
	return false;
}

void
conf_section_defaults(const struct conf_section *s, void *base, struct arena *a)
{
	static const struct conf_place nowhere = { "built-in", 0, "default" };

	for (const struct conf_option *o = s->options; o->name; o++) {
		if (!o->otherwise)
			continue;
		const char *words[2] = { o->otherwise, NULL };
		size_t count = 1;
		const char *comma = o->type == CONF_LIMIT ? strchr(o->otherwise, ',') : NULL;
		if (comma) {
			words[0] = arena_strndup(a, o->otherwise, (size_t)(comma - o->otherwise));
			words[count++] = comma + 1;
		}
		conf_value_set(o, base, words, count, &nowhere, a, NULL);
	}
}

void
conf_root_defaults(struct conf *c)
{
	conf_section_defaults(&conf_root, c, c->arena);
	for (const struct conf_section *s = conf_root.sections; s->name; s++)
		if (!s->titled)
			conf_section_defaults(s, (char *)c + s->offset, c->arena);
}

void
conf_sync_defaults(struct conf_sync *s, struct arena *a)
{
	const struct conf_section *sync = conf_section_find(&conf_root, "sync");

	conf_section_defaults(sync, s, a);
	for (const struct conf_section *c = sync->sections; c->name; c++)
		conf_section_defaults(c, (char *)s + c->offset, a);
	for (size_t k = 0; k < KIND_COUNT; k++)
		s->kind[k].leave = kinds[k].leave;
}

const struct conf_sync *
conf_sync_default(struct arena *a)
{
	struct conf_sync *s = arena_alloc(a, sizeof *s);

	conf_sync_defaults(s, a);
	return s;
}

/* Single quotes: nothing is expanded; \' and \\ are the only escapes (lockstep.conf(5)). */
void
conf_quote(const char *text, struct buf *out)
{
	buf_addc(out, '\'');
	for (const char *p = text; *p; p++) {
		bool escape =
			*p == '\'' ||
			(*p == '\\' && (p[1] == '\\' || p[1] == '\'' || p[1] == '\n' || !p[1]));
		if (escape)
			buf_addc(out, '\\');
		buf_addc(out, *p);
	}
	buf_addc(out, '\'');
}

static void
duration_print(int64_t s, struct buf *out)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };
	size_t i = 0;

	while (units[i].seconds > 1 && (s == 0 || s % units[i].seconds))
		i++;
	buf_addf(out, "'%lld%c'", (long long)(s / units[i].seconds), units[i].unit);
}

static void
texts_print(const struct conf_texts *t, struct buf *out)
{
	buf_addc(out, '{');
	for (size_t i = 0; i < t->count; i++) {
		if (i)
			buf_adds(out, ", ");
		conf_quote(t->list[i].text, out);
	}
	buf_addc(out, '}');
}

static void
limit_print(const struct conf_limit *l, struct buf *out)
{
	if (l->percent >= 0 && l->absolute >= 0)
		buf_addf(out, "{'%g%%', '%lld'}", l->percent, (long long)l->absolute);
	else if (l->percent >= 0)
		buf_addf(out, "'%g%%'", l->percent);
	else if (l->absolute >= 0)
		buf_addf(out, "'%lld'", (long long)l->absolute);
	else
		buf_adds(out, "'-'");
}

void
conf_value_print(const struct conf_option *o, const void *base, struct buf *out)
{
	const char *text;

	switch (o->type) {
	case CONF_TEXT:
	case CONF_TIME:
		text = *CFIELD(char *, base, o);
		if (text)
			conf_quote(text, out);
		break;
	case CONF_TEXTS:
	case CONF_DAYS:
		texts_print(CFIELD(struct conf_texts, base, o), out);
		break;
	case CONF_YESNO:
		buf_adds(out, *CFIELD(bool, base, o) ? "'yes'" : "'no'");
		break;
	case CONF_DURATION:
		duration_print(*CFIELD(int64_t, base, o), out);
		break;
	case CONF_LEAVE:
		buf_addf(out, "'%s'", leave_name(*CFIELD(enum leave, base, o)));
		break;
	case CONF_LIMIT:
		limit_print(CFIELD(struct conf_limit, base, o), out);
		break;
	case CONF_COUNT:
		buf_addf(out, "'%lld'", (long long)*CFIELD(int64_t, base, o));
		break;
	case CONF_EXACT:
		buf_adds(out, *CFIELD(bool, base, o) ? "'exact'" : "'ours'");
		break;
	}
}
