/* What no single value can tell: names, types, references; and what follows from them. */
#include <stdlib.h>
#include <string.h>
#include "base/str.h"
#include "load.h"

#define GRACE_DEFAULT ((int64_t)30 * 86400)

const struct conf_source *
conf_source(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->source_count; i++)
		if (strcmp(c->sources[i].name, name) == 0)
			return &c->sources[i];
	return NULL;
}

const struct conf_target *
conf_target(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->target_count; i++)
		if (strcmp(c->targets[i].name, name) == 0)
			return &c->targets[i];
	return NULL;
}

char *
conf_path(const struct conf *c, const char *path, struct arena *a)
{
	const char *slash = strrchr(c->path, '/');

	if (path[0] == '/' || !slash)
		return arena_strdup(a, path);
	return arena_printf(a, "%.*s%s", (int)(slash - c->path) + 1, c->path, path);
}

static bool
type_check(const char *file, const char *what, const char *name, int line, const char *type,
	const char *command, const char *const *types, struct err *e)
{
	if (!type)
		return conf_fail(e, file, line, name, "%s \"%s\" has no type", what, name);
	bool known = false;
	for (size_t i = 0; types[i]; i++)
		known |= strcmp(types[i], type) == 0;
	if (!known) {
		const char *near = text_nearest(type, types);
		return conf_fail(e, file, line, type,
			"%s \"%s\" has a type that is not known, \"%s\"%s%s%s", what, name, type,
			near ? "; did you mean \"" : " (a program of your own is type \"exec\")",
			near ? near : "", near ? "\"?" : "");
	}
	if (strcmp(type, "exec") == 0 && !command)
		return conf_fail(e, file, line, name,
			"%s \"%s\" of type \"exec\" needs command = \"...\"", what, name);
	if (strcmp(type, "exec") != 0 && command)
		return conf_fail(e, file, line, command,
			"%s \"%s\": command goes with type \"exec\" only", what, name);
	return true;
}

static const char *
source_nearest(const struct conf *c, const char *name)
{
	const char **names = xcalloc(c->source_count + 1, sizeof *names);

	for (size_t i = 0; i < c->source_count; i++)
		names[i] = c->sources[i].name;
	const char *near = text_nearest(name, names);
	free(names);
	return near;
}

static const char *
target_nearest(const struct conf *c, const char *name)
{
	const char **names = xcalloc(c->target_count + 1, sizeof *names);

	for (size_t i = 0; i < c->target_count; i++)
		names[i] = c->targets[i].name;
	const char *near = text_nearest(name, names);
	free(names);
	return near;
}

static bool
ends_check(const struct conf *c, const struct conf_sync *s, struct err *e)
{
	if (!s->from || !s->to)
		return conf_fail(e, s->file, s->line, s->name, "sync \"%s\" has no '%s'", s->name,
			s->from ? "to" : "from");
	bool from = conf_source(c, s->from), to = conf_target(c, s->to);
	if (from && to)
		return true;
	const char *name = from ? s->to : s->from;
	const char *near = from ? target_nearest(c, name) : source_nearest(c, name);
	return conf_fail(e, s->file, s->line, name, "sync \"%s\": there is no %s \"%s\"%s%s%s",
		s->name, from ? "target" : "source", name, near ? "; did you mean \"" : "",
		near ? near : "", near ? "\"?" : "");
}

/* leave and grace say one thing together: `grace` after a disable is a deletion later. */
static bool
leave_check(const struct conf_sync *s, const struct kind *k, struct conf_kind *ck, struct err *e)
{
	if (ck->leave == LEAVE_DISABLE && !k->active_attribute)
		return conf_fail(e, s->file, s->line, s->name,
			"sync \"%s\": a %s cannot be disabled; leave is \"delete\", \"grace\" or "
			"\"keep\"",
			s->name, k->name);
	if (ck->grace > 0 && (ck->leave == LEAVE_DELETE || ck->leave == LEAVE_KEEP))
		return conf_fail(e, s->file, s->line, s->name,
			"sync \"%s\", %s: grace says nothing with leave = \"%s\"", s->name, k->name,
			leave_name(ck->leave));
	if (ck->leave == LEAVE_DISABLE && ck->grace > 0)
		ck->leave = LEAVE_GRACE;
	if (ck->leave == LEAVE_GRACE && ck->grace == 0)
		ck->grace = GRACE_DEFAULT;
	return true;
}

static bool
map_check(const struct conf_map *m, const struct kind *k, struct err *e)
{
	const struct vocab *v = vocab_find(m->name);

	if (!v && strchr(m->name, ':'))
		return true; /* a URN: the target knows it, or says so */
	if (!v) {
		const char *near = text_nearest(m->name, vocab_names());
		return conf_fail(e, m->file, m->line, m->name, "'%s' is no attribute of a %s%s%s%s",
			m->name, k->name, near ? "; did you mean '" : "", near ? near : "",
			near ? "'?" : "");
	}
	if (!(v->kinds & (1u << (k - kinds))))
		return conf_fail(e, m->file, m->line, m->name, "a %s has no attribute '%s'",
			k->name, m->name);
	if (!m->expr[0] && strcmp(m->name, k->name_attribute) == 0)
		return conf_fail(e, m->file, m->line, m->name, "a %s cannot be without '%s'",
			k->name, m->name);
	return true;
}

/* Defaults that are not overridden, then what was written, less what '' unmaps (1.3). */
static bool
maps_merge(struct conf *c, const struct kind *k, struct conf_kind *ck, struct err *e)
{
	const struct conf_default *d = conf_default_maps(c->default_map, (enum kind_id)(k - kinds));
	size_t n = 0, all = ck->map_count;

	for (size_t i = 0; d[i].name; i++)
		all++;
	struct conf_map *list = arena_alloc(c->arena, all * sizeof *list);
	for (size_t i = 0; d[i].name; i++) {
		bool own = false;
		for (size_t j = 0; j < ck->map_count && !own; j++)
			own = strcmp(ck->maps[j].name, d[i].name) == 0;
		if (!own)
			list[n++] = (struct conf_map){ d[i].name, d[i].expr, "built-in", 0, true };
	}
	for (size_t j = 0; j < ck->map_count; j++) {
		if (!map_check(&ck->maps[j], k, e))
			return false;
		if (ck->maps[j].expr[0])
			list[n++] = ck->maps[j];
	}
	ck->maps = list;
	ck->map_count = n;
	return true;
}

static bool
url_is_safe(const char *url)
{
	static const char *const begins[] = { "https://", "http://127.0.0.1:", "http://127.0.0.1/",
		"http://[::1]:", "http://[::1]/", "http://localhost:", "http://localhost/" };

	for (size_t i = 0; i < ARRAY_LEN(begins); i++)
		if (strncmp(url, begins[i], strlen(begins[i])) == 0)
			return true;
	return false;
}

/* A password goes over TLS, or does not leave the machine (1.5). */
static bool
alerts_check(const struct conf *c, struct err *e)
{
	const struct conf_alerts *a = &c->alerts;
	const struct conf_at *at = &a->at;

	if (c->console.port < 1 || c->console.port > 65535)
		return conf_fail(e, c->console.at.file, c->console.at.line, NULL,
			"console: port is 1 to 65535");
	if (a->mail_to.count && (!a->smtp || !a->mail_from))
		return conf_fail(e, at->file, at->line, "mail_to",
			"alerts: mail_to needs smtp = \"smtps://HOST\" and mail_from = "
			"\"ADDRESS\"");
	if (a->smtp && strncmp(a->smtp, "smtps://", 8) != 0 && strncmp(a->smtp, "smtp://", 7) != 0)
		return conf_fail(e, at->file, at->line, a->smtp,
			"alerts: smtp begins with smtps:// or smtp:// (STARTTLS)");
	if (a->webhook && !url_is_safe(a->webhook))
		return conf_fail(e, at->file, at->line, a->webhook,
			"alerts: webhook begins with https:// (http:// to this machine alone)");
	return true;
}

bool
conf_check(struct conf *c, struct err *e)
{
	if (!c->state)
		return conf_fail(e, c->path, 1, NULL,
			"state = \"FOLDER\" is missing: where the agent keeps its own data");
	c->state = conf_path(c, c->state, c->arena);
	/* the state folder is its owner's alone: others of the group could not reach it there */
	c->control = c->control ? conf_path(c, c->control, c->arena)
		     : strcmp(c->state, CONF_STATE) == 0
			     ? CONF_CONTROL
			     : arena_printf(c->arena, "%s/control", c->state);
	if (!alerts_check(c, e))
		return false;
	for (size_t i = 0; i < c->source_count; i++) {
		const struct conf_source *s = &c->sources[i];
		if (!type_check(s->file, "source", s->name, s->line, s->type, s->command,
			    conf_source_types, e))
			return false;
	}
	for (size_t i = 0; i < c->target_count; i++) {
		const struct conf_target *t = &c->targets[i];
		if (!type_check(t->file, "target", t->name, t->line, t->type, t->command,
			    conf_target_types, e))
			return false;
	}
	for (size_t i = 0; i < c->sync_count; i++) {
		struct conf_sync *s = &c->syncs[i];
		if (!ends_check(c, s, e))
			return false;
		for (size_t k = 0; k < KIND_COUNT; k++)
			if (!leave_check(s, &kinds[k], &s->kind[k], e) ||
				!maps_merge(c, &kinds[k], &s->kind[k], e))
				return false;
	}
	return c->sync_count > 0 ||
	       conf_fail(e, c->path, 1, NULL,
		       "there is no sync: sync \"NAME\" { from = \"SOURCE\" to = \"TARGET\" }");
}
