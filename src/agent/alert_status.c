/* What `lockstep status --json` says: held runs, failing objects, absence that is not confirmed. */
#include "alert_rules.h"

#include <stdlib.h>
#include <string.h>

#define NAMED 10 /* names given as examples */

/* --- held by the guard --- */

/* "disable 40 users (Anna, Bert, ...)" for each class and kind. */
struct would {
	const char *class, *kind;
	int64_t count;
	struct buf names;
};
#define WOULD_MAX 24

static struct would *
would_of(struct would *list, size_t *n, const char *class, const char *kind)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp(list[i].class, class) == 0 && strcmp(list[i].kind, kind) == 0)
			return &list[i];
	if (*n == WOULD_MAX)
		return NULL;
	list[*n] = (struct would){ .class = class, .kind = kind };
	return &list[(*n)++];
}

static void
would_add(struct would *w, const char *name)
{
	if (!w)
		return;
	w->count++;
	if (w->count <= 3)
		buf_addf(&w->names, "%s%s", w->count > 1 ? ", " : "", name);
	else if (w->count == 4)
		buf_adds(&w->names, ", ...");
}

static const struct json *
operations_of(const struct json *held, const char *target, int64_t run)
{
	json_for_each(h, held) {
		const char *of = json_get_string(h, "target");

		if (of && strcmp(of, target) == 0 && json_get_int(h, "run", 0) == run)
			return json_get(h, "operations");
	}
	return NULL;
}

/* Numbers of runs are each target's own: what others hold in a run of this number may be there, too. */
static const char *
would_text(const struct json *held, int64_t run, const char *target, struct arena *a)
{
	struct would list[WOULD_MAX];
	CLEAN_BUF struct buf out = { 0 };
	size_t n = 0;

	json_for_each(op, operations_of(held, target, run)) {
		const char *class = json_get_string(op, "held"),
			   *kind = json_get_string(op, "kind"), *name = json_get_string(op, "name"),
			   *of = json_get_string(op, "target");

		if (class && kind && of && strcmp(of, target) == 0)
			would_add(would_of(list, &n, class, kind), name ? name : "?");
	}
	for (size_t i = 0; i < n; i++) {
		buf_addf(&out, "%s%s %lld %s%s (%s)", i ? ", " : "", list[i].class,
			(long long)list[i].count, list[i].kind, list[i].count == 1 ? "" : "s",
			buf_cstr(&list[i].names));
		buf_free(&list[i].names);
	}
	return n ? arena_strdup(a, buf_cstr(&out)) : NULL;
}

static void
eval_held(const struct alert_input *in, const struct json *t, const char *target,
	struct alert_finds *f)
{
	int64_t held = json_get_int(t, "held", 0), run = json_get_int(t, "run", 0);
	const char *would = would_text(in->held, run, target, f->arena),
		   *why = json_get_string(t, "held_why"), *of = "";

	if (held <= 0)
		return;
	/* each target counts its own runs */
	if (in->conf && in->conf->target_count > 1)
		of = arena_printf(f->arena, " --target '%s'", target);
	why = why && *why ? arena_printf(f->arena, "%s. ", why) : "";
	alert_found(f,
		&(struct alert_say){ .code = "guard-held",
			.domain = "status",
			.subject = target,
			.object = arena_printf(f->arena, "target %s", target),
			.cause = arena_printf(f->arena, "%sRun %lld holds back %lld operations%s%s",
				why, (long long)run, (long long)held,
				would ? "; it would have: " : "", would ? would : ""),
			.remedy = arena_printf(f->arena,
				"look at them; if they are wanted, `lockstep release %lld%s`, else "
				"mend the directory or the scope and sync again",
				(long long)run, of),
			.look_at = arena_printf(f->arena, "lockstep history %lld", (long long)run),
			.count = held });
}

/* --- failing objects: one alert per cause --- */

/* What administrators do about it, by cause (S1.14). */
static const struct {
	const char *code, *remedy;
} remedies[] = {
	{ "no-name", "give it a mail address in the directory, or map another attribute" },
	{ "address-taken", "let only one object have the address; `lockstep explain WHO` names "
			   "the other" },
	{ "name-taken", "let only one object have the name, or take over the one that is there: "
			"`lockstep adopt`" },
	{ "adopt", "look at what stands there in its place, then `lockstep adopt`" },
	{ "quota", "have the provider raise the number of objects" },
	{ "domain-not-hosted", "let the provider host the domain, or use an address of one that "
			       "is" },
};

static const char *
remedy_of(const char *code)
{
	for (size_t i = 0; i < ARRAY_LEN(remedies); i++)
		if (strcmp(remedies[i].code, code) == 0)
			return remedies[i].remedy;
	return NULL;
}

struct group {
	const char *code, *first, *text;
	int64_t listed, total;
	struct buf names;
};
#define GROUPS_MAX 32

static struct group *
group_of(struct group *list, size_t *n, const char *code)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp(list[i].code, code) == 0)
			return &list[i];
	if (*n == GROUPS_MAX)
		return &list[GROUPS_MAX - 1]; /* no cause is lost, if not named */
	list[*n] = (struct group){ .code = code };
	return &list[(*n)++];
}

static void
say_group(struct group *g, const char *target, int64_t more, struct alert_finds *f)
{
	int64_t count = g->total ? g->total : g->listed;
	const char *many = arena_printf(f->arena, "%s%lld objects fail with %s; %s%s%s",
		more && !g->total ? "at least " : "", (long long)count, g->code,
		g->first ? g->first : "", g->first ? ": " : "", g->text ? g->text : "");
	bool one = count == 1 && g->text;

	buf_addc(&g->names, ']');
	alert_found(f,
		&(struct alert_say){ .code = "object-errors",
			.domain = "status",
			.subject = arena_printf(f->arena, "%s/%s", target, g->code),
			.object = one && g->first
					  ? g->first
					  : arena_printf(f->arena, "%lld objects of target %s",
						    (long long)count, target),
			.cause = one ? arena_printf(f->arena, "%s (%s)", g->text, g->code) : many,
			.remedy = remedy_of(g->code),
			.look_at = one && g->first ? arena_printf(f->arena, "lockstep explain '%s'",
							     g->first)
						   : "lockstep status",
			.examples = one ? "" : arena_strdup(f->arena, buf_cstr(&g->names)),
			.count = count });
	buf_free(&g->names);
}

static void
group_name(struct group *g, const char *name)
{
	CLEAN_BUF struct buf text = { 0 };
	struct jsonw w = jsonw(&text);

	if (g->listed++ >= NAMED)
		return;
	jsonw_str(&w, NULL, name);
	buf_addf(&g->names, ",%s", buf_cstr(&text));
}

static void
eval_failing(const struct json *t, const char *target, struct alert_finds *f)
{
	struct group list[GROUPS_MAX];
	size_t n = 0;
	int64_t listed = 0, total = json_get_int(t, "failing", 0);

	json_for_each(c, json_get(t, "failing_codes")) {
		if (json_get_string(c, "code"))
			group_of(list, &n, json_get_string(c, "code"))->total +=
				json_get_int(c, "count", 0);
	}
	json_for_each(o, json_get(t, "failures")) {
		const char *code = json_get_string(o, "code"), *name = json_get_string(o, "object");
		struct group *g = group_of(list, &n, code ? code : "unknown");

		if (!g->first) {
			g->first = name;
			g->text = json_get_string(o, "message");
		}
		group_name(g, name ? name : "?");
		listed++;
	}
	for (size_t i = 0; i < n; i++) {
		if (list[i].names.n)
			list[i].names.p[0] = '[';
		else
			buf_addc(&list[i].names, '[');
		say_group(&list[i], target, total - listed, f);
	}
}

/* --- absence --- */

/* Confirmed in time it needs missing_after and the next full read; what lasts longer waits for a person. */
static void
eval_absence(const struct alert_input *in, const struct json *s, struct alert_finds *f)
{
	const char *name = json_get_string(s, "source");
	const struct conf_source *c = name && in->conf ? conf_source(in->conf, name) : NULL;
	int64_t missing = json_get_int(s, "missing", 0);

	if (missing <= 0 || !name)
		return;
	alert_found(f,
		&(struct alert_say){ .code = "absence-unconfirmed",
			.domain = "status",
			.subject = name,
			.object = arena_printf(f->arena, "source %s", name),
			.cause = arena_printf(f->arena,
				"%lld entries were not seen by the last complete read, and nothing "
				"says that they were deleted; no read has confirmed it yet",
				(long long)missing),
			.count = missing,
			.after = c ? 2 * c->missing_after + 7200 : 4 * 3600 });
}

void
alert_eval_status(const struct alert_input *in, struct alert_finds *f)
{
	alert_domain(f, "status");
	json_for_each(t, json_get(in->status, "targets")) {
		const char *target = json_get_string(t, "target");

		if (!target)
			continue;
		eval_held(in, t, target, f);
		eval_failing(t, target, f);
	}
	json_for_each(s, json_get(in->status, "sources"))
		eval_absence(in, s, f);
}
