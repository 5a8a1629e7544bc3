/*
 * The diagnostics bundle: one JSON file of what we know of ourselves, for others to read. The configuration names secrets
 * by path; what people put into addresses all the same - user:password@, a token behind "?", the path of a webhook -
 * is masked wherever it is said.
 */
#include "web_p.h"

#include <string.h>
#include "live.h"

/* How long the part of a URL from `at` on is, in JSON text: up to one of `ends`, or where text around it begins. Escaped
 * characters - a quote, a backslash in a password - belong to it. */
static size_t
url_span(struct str in, size_t at, const char *ends)
{
	size_t i = at;

	while (i < in.n && (unsigned char)in.p[i] > ' ' && !strchr(ends, in.p[i])) {
		if (in.p[i] == '\\' && i + 1 < in.n) {
			if (strchr("ntr", in.p[i + 1]))
				break;
			i++;
			/* a single quote that the configuration escapes */
			if (in.p[i] == '\\' && i + 1 < in.n && in.p[i + 1] == '\'')
				i++;
		}
		i++;
	}
	return (i < in.n ? i : in.n) - at;
}

/* From behind "://" on; answers how much of the text it stands for. */
static size_t
url_mask(struct str in, size_t at, bool hook, struct buf *out)
{
	size_t host = url_span(in, at, "/?#\"'<>"), path, begin = at;
	const char *login = host ? memrchr(in.p + at, '@', host) : NULL;

	if (login) {
		buf_adds(out, "***");
		begin = (size_t)(login - in.p);
	}
	path = at + host + url_span(in, at + host, hook ? "\"'<>" : "?#\"'<>");
	buf_add(out, in.p + begin, (hook ? at + host : path) - begin);
	if (hook)
		buf_adds(out, "/***");
	else if (path < in.n && (in.p[path] == '?' || in.p[path] == '#')) {
		path += url_span(in, path, "\"'<>");
		buf_adds(out, "?***");
	}
	return path - at;
}

void
bundle_mask(struct str in, const char *webhook, struct buf *out)
{
	size_t hook_n = webhook ? strcspn(webhook, "\"'\\") : 0, i = 0;

	while (i < in.n) {
		const char *found = memmem(in.p + i, in.n - i, "://", 3);
		size_t to = found ? (size_t)(found - in.p) + 3 : in.n,
		       scheme = to - (found ? 3 : 0);

		buf_add(out, in.p + i, to - i);
		i = to;
		if (!found)
			break;
		while (scheme > 0 && in.p[scheme - 1] >= 'a' && in.p[scheme - 1] <= 'z')
			scheme--;
		bool hook = hook_n && in.n - scheme >= hook_n &&
			    memcmp(in.p + scheme, webhook, hook_n) == 0;
		i += url_mask(in, i, hook, out);
	}
}

struct bundle {
	const char *const *words;
	const char *name;
};
static const struct bundle parts[] = {
	{ (const char *const[]){ "status", NULL }, "status" },
	{ (const char *const[]){ "history", NULL }, "history" },
	{ (const char *const[]){ "drift", NULL }, "drift" },
	{ (const char *const[]){ "config", "show", NULL }, "configuration" },
	{ (const char *const[]){ "check", NULL }, "check" },
};

static void bundle_next(struct exchange *x);

static void
bundle_part(struct exchange *x, const struct job *j)
{
	buf_addf(&x->out, ",\"%s\":", parts[x->step++].name);
	if (job_result(j))
		json_print(job_result(j), &x->out);
	else
		buf_adds(&x->out, "null");
	bundle_next(x);
}

static void
bundle_next(struct exchange *x)
{
	if (x->step < ARRAY_LEN(parts)) {
		web_run(x, &(struct job_spec){ .argv = parts[x->step].words, .json = true },
			bundle_part);
		return;
	}
	CLEAN_BUF struct buf all = x->out;
	x->out = (struct buf){ 0 };
	buf_addc(&all, '}');
	bundle_mask(buf_str(&all), x->w->g->conf ? x->w->g->conf->alerts.webhook : NULL, &x->out);
	x->disposition = "attachment; filename=\"lockstep-diagnostics.json\"";
	web_json(x, 200);
}

void
web_bundle(struct exchange *x)
{
	CLEAN_BUF struct buf head = { 0 };
	struct jsonw w = jsonw(&head);

	jsonw_obj(&w, NULL);
	web_about_json(x, &w);
	jsonw_obj(&w, "service");
	live_status(x->w->g, &w);
	jsonw_end(&w);
	web_alerts_json(x, &w, "alerts", false, 0);
	jsonw_end(&w);
	buf_add(&x->out, head.p, head.n - 1); /* its end comes later */
	bundle_next(x);
}
