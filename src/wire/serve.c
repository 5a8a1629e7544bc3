/* The connector's end: arguments, hello, requests. */
#include "serve_p.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"

struct serve *
serve_new(const char *connector, const char *role, const struct option *options, size_t count)
{
	struct serve *s = xcalloc(1, sizeof(*s));

	*s = (struct serve){
		.connector = connector,
		.role = role,
		.options = options,
		.option_count = count,
		.given = xcalloc(count + 1, sizeof(*s->given)),
		.arena = arena_new(),
		.in_fd = 0,
		.out_fd = 1,
	};
	/* A dead engine is an error of serve_flush, not a signal. */
	signal(SIGPIPE, SIG_IGN);
	return s;
}

void
serve_free(struct serve *s)
{
	if (!s)
		return;
	json_free(s->request);
	arena_free(s->arena);
	buf_free(&s->in.buf);
	buf_free(&s->out);
	free(s->given);
	free(s);
}

void
serve_descriptors(struct serve *s, int in, int out)
{
	s->in_fd = in;
	s->out_fd = out;
}

static const char *const type_names[] = {
	[OPT_STRING] = "string",
	[OPT_LIST] = "list",
	[OPT_BOOL] = "bool",
	[OPT_INT] = "int",
	[OPT_PATH] = "path",
	[OPT_SECRET_PATH] = "secret-path",
};

static void
describe(const struct serve *s)
{
	CLEAN_BUF struct buf b = { 0 };
	struct jsonw w = jsonw(&b);

	jsonw_obj(&w, NULL);
	jsonw_str(&w, "connector", s->connector);
	jsonw_str(&w, "role", s->role);
	jsonw_arr(&w, "options");
	for (size_t i = 0; i < s->option_count; i++) {
		const struct option *o = &s->options[i];

		jsonw_obj(&w, NULL);
		jsonw_str(&w, "name", o->name);
		jsonw_str(&w, "type", type_names[o->type]);
		jsonw_bool(&w, "required", o->required);
		jsonw_str(&w, "default", o->otherwise);
		jsonw_str(&w, "help", o->help);
		jsonw_end(&w);
	}
	jsonw_end(&w);
	jsonw_end(&w);
	puts(buf_cstr(&b));
}

static void
help(const struct serve *s)
{
	printf("lockstep-%s-%s: a %s of Lockstep, started by it; see lockstep-connector(7).\n"
	       "  --describe  its options as JSON\n"
	       "  --version   its version\n"
	       "Options, in the configuration:\n",
		s->role, s->connector, s->role);
	for (size_t i = 0; i < s->option_count; i++)
		printf("  %-14s %s%s\n", s->options[i].name, s->options[i].help,
			s->options[i].required ? " (required)" : "");
}

bool
serve_arguments(struct serve *s, int argc, char **argv, int *exit_r)
{
	*exit_r = 0;
	if (argc == 1)
		return true;
	if (argc == 2 && strcmp(argv[1], "--describe") == 0)
		describe(s);
	else if (argc == 2 && strcmp(argv[1], "--help") == 0)
		help(s);
	else if (argc == 2 && strcmp(argv[1], "--version") == 0)
		puts(LOCKSTEP_VERSION);
	else {
		fprintf(stderr, "lockstep-%s-%s: usage: --describe | --help | --version, or none\n",
			s->role, s->connector);
		*exit_r = 2;
	}
	return false;
}

/* Reads a block when it comes within timeout_ms. false: nothing came. */
static bool
fill(struct serve *s, int timeout_ms, struct err *e)
{
	struct pollfd fd = { .fd = s->in_fd, .events = POLLIN };
	int ready = poll(&fd, 1, timeout_ms);
	ssize_t n;

	if (ready == 0 || (ready < 0 && errno == EINTR))
		return false;
	n = ready < 0 ? -1 : read(s->in_fd, lines_room(&s->in, LINES_BLOCK), LINES_BLOCK);
	if (n > 0)
		lines_filled(&s->in, (size_t)n);
	else if (n == 0)
		s->in_ended = true;
	else if (errno != EINTR && errno != EAGAIN)
		return err_errno(e, ERR_SIDE, "reading requests");
	return true;
}

static int
parse(struct serve *s, struct str line, const struct json **j_r, struct err *e)
{
	const char *type;

	if (!json_parse(line, WIRE_LINE_MAX, &s->request, e)) {
		if (e)
			err_set(e, ERR_SIDE, "bad-line", "a request is not JSON: %s", e->text);
		return -1;
	}
	type = json_get_string(s->request, "type");
	if (!type) {
		err_set(e, ERR_SIDE, "bad-line", "a request is no object with a type");
		return -1;
	}
	if (strcmp(type, "stop") == 0)
		return -1;
	*j_r = s->request;
	return 1;
}

int
serve_next(struct serve *s, int timeout_ms, const struct json **j_r, struct err *e)
{
	int64_t until = clock_system.mono_ms(clock_system.ctx) + timeout_ms;
	struct err failed = { 0 };
	struct str line;

	err_clear(e);
	json_free(s->request);
	s->request = NULL;
	*j_r = NULL;
	for (;;) {
		int got = lines_next(&s->in, &line, e), wait = -1;

		if (got < 0)
			return -1;
		if (got > 0)
			return parse(s, line, j_r, e);
		if (s->in_ended) {
			if (lines_partial(&s->in))
				err_set(e, ERR_SIDE, "bad-line",
					"the last request has no end of line");
			return -1;
		}
		if (timeout_ms >= 0) {
			int64_t left = until - clock_system.mono_ms(clock_system.ctx);

			wait = left > 0 ? (int)left : 0;
		}
		if (!fill(s, wait, &failed)) {
			if (failed.kind != ERR_NONE) {
				if (e)
					*e = failed;
				return -1;
			}
			if (wait == 0)
				return 0;
		}
	}
}

static const struct option *
option_find(const struct serve *s, const char *name)
{
	for (size_t i = 0; i < s->option_count; i++)
		if (strcmp(s->options[i].name, name) == 0)
			return &s->options[i];
	return NULL;
}

static bool
bad_option(struct err *e, const char *name, const char *why)
{
	CLEAN_BUF struct buf shown = { 0 };

	text_escape(name, strlen(name), 60, &shown);
	return err_set(e, ERR_CONFIG, "bad-option", "option \"%s\" %s", buf_cstr(&shown), why);
}

static bool
unknown_option(const struct serve *s, const char *name, struct err *e)
{
	const char **names = xcalloc(s->option_count + 1, sizeof(*names));
	CLEAN_BUF struct buf why = { 0 };
	const char *near;

	for (size_t i = 0; i < s->option_count; i++)
		names[i] = s->options[i].name;
	near = text_nearest(name, names);
	free(names);
	buf_addf(&why, "is not known to connector %s", s->connector);
	if (near)
		buf_addf(&why, "; did you mean \"%s\"?", near);
	return bad_option(e, name, buf_cstr(&why));
}

static bool
option_valid(const struct option *o, const char *v, struct err *e)
{
	char *end;

	switch (o->type) {
	case OPT_BOOL:
		return strcmp(v, "yes") == 0 || strcmp(v, "no") == 0 || strcmp(v, "true") == 0 ||
		       strcmp(v, "false") == 0 || bad_option(e, o->name, "is neither yes nor no");
	case OPT_INT:
		errno = 0;
		strtoll(v, &end, 10);
		return (errno == 0 && end != v && *end == '\0') ||
		       bad_option(e, o->name, "is not a whole number");
	case OPT_PATH:
	case OPT_SECRET_PATH:
		return *v == '/' || bad_option(e, o->name, "is not an absolute path");
	default:
		return true;
	}
}

static bool
option_take(struct serve *s, const struct json *j, struct err *e)
{
	const struct option *o = option_find(s, json_key(j));
	size_t count = json_count(j);

	if (!o)
		return unknown_option(s, json_key(j), e);
	if (json_type(j) != JSON_ARRAY)
		return bad_option(e, o->name, "is not a list of strings");
	if (o->type != OPT_LIST && count > 1)
		return bad_option(e, o->name, "has more than one value");
	struct serve_value *v = &s->given[o - s->options];
	v->values = arena_alloc(s->arena, (count + 1) * sizeof(*v->values));
	json_for_each(it, j) {
		const char *text = json_string(it);

		if (!text)
			return bad_option(e, o->name, "is not a list of strings");
		if (!option_valid(o, text, e))
			return false;
		v->values[v->count++] = arena_strdup(s->arena, text);
	}
	return true;
}

static bool
names_take(struct serve *s, const struct json *list, const char *const **names_r, struct err *e)
{
	const char **names = arena_alloc(s->arena, (json_count(list) + 1) * sizeof(*names));
	size_t n = 0;

	json_for_each(it, list) {
		if (!json_string(it))
			return err_set(e, ERR_SIDE, "bad-message",
				"hello: a list of names holds something else");
		names[n++] = arena_strdup(s->arena, json_string(it));
	}
	*names_r = names;
	return true;
}

static bool
hello_fits(const struct serve *s, const struct json *j, struct err *e)
{
	const struct json *low = json_first(json_get(j, "versions"));
	double from = json_number(low, 0), to = json_number(low ? json_next(low) : NULL, from);
	const char *role = json_get_string(j, "role");

	if (strcmp(json_get_string(j, "type"), "hello") != 0)
		return err_set(e, ERR_SIDE, "no-hello", "the first request must be a hello");
	if (from > WIRE_VERSION || to < WIRE_VERSION)
		return err_set(e, ERR_CONFIG, "bad-version",
			"the engine speaks versions %g to %g of the protocol, connector %s "
			"speaks %d: install programs of one release",
			from, to, s->connector, WIRE_VERSION);
	if (!role || strcmp(role, s->role) != 0)
		return err_set(
			e, ERR_CONFIG, "bad-role", "connector %s is a %s", s->connector, s->role);
	return true;
}

bool
serve_hello(struct serve *s, struct err *e)
{
	struct err none = { 0 };
	const struct json *j;
	struct err *said = e ? e : &none;

	if (serve_next(s, -1, &j, said) <= 0)
		return said->kind == ERR_NONE ? err_set(said, ERR_SIDE, "no-hello", "no hello came")
					      : false;
	if (!hello_fits(s, j, e))
		return false;
	const struct json *options = json_get(j, "options");
	if (json_count(options) && json_type(options) != JSON_OBJECT)
		return err_set(e, ERR_SIDE, "bad-message", "hello: options are not an object");
	json_for_each(it, options)
		if (!option_take(s, it, e))
			return false;
	for (size_t i = 0; i < s->option_count; i++)
		if (s->options[i].required && s->given[i].count == 0)
			return bad_option(e, s->options[i].name, "is required");
	return names_take(s, json_get(j, "classes"), &s->classes, e) &&
	       names_take(s, json_get(j, "attributes"), &s->attributes, e);
}

const char *
serve_option(const struct serve *s, const char *name)
{
	const struct option *o = option_find(s, name);

	if (!o)
		return NULL;
	return s->given[o - s->options].count ? s->given[o - s->options].values[0] : o->otherwise;
}

const char *const *
serve_option_list(const struct serve *s, const char *name, size_t *count_r)
{
	const struct option *o = option_find(s, name);

	*count_r = 0;
	if (!o)
		return NULL;
	const struct serve_value *v = &s->given[o - s->options];
	if (v->count == 0 && o->otherwise) {
		*count_r = 1;
		return &o->otherwise;
	}
	*count_r = v->count;
	return v->values;
}

const char *const *
serve_classes(const struct serve *s)
{
	return s->classes;
}

const char *const *
serve_attributes(const struct serve *s)
{
	return s->attributes;
}
