/* A source that speaks LDAP, as a program: hello, then requests of the engine. */
#include "dir.h"
#include "dir_cursor.h"

#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/log.h"

static bool
hello_send(struct dir *d, const struct dir_program *p, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct dir_hello h = { .context = "not connected",
		.server = "",
		.invocation = "",
		.now = d->clock->now(d->clock->ctx) };
	struct jsonw *w = serve_line(d->serve, "hello");
	char now[24];
	p->hello(d, a, &h);
	time_format(h.now, now);
	jsonw_str(w, "context", h.context);
	jsonw_str(w, "server", h.server);
	jsonw_str(w, "invocation", h.invocation);
	jsonw_str(w, "bind", d->bound);
	jsonw_str(w, "now", now);
	jsonw_arr(w, "capabilities");
	for (size_t i = 0; h.capabilities[i]; i++)
		jsonw_str(w, NULL, h.capabilities[i]);
	jsonw_end(w);
	jsonw_obj(w, "schema");
	p->schema(d, w);
	jsonw_end(w);
	return serve_send(d->serve, e) && serve_flush(d->serve, e);
}

/* Who asks for no classes and no attributes wants a check or the set-up text, not a read: then a server
 * that cannot be reached is a finding, and hello does not wait for it. */
static bool
greet(struct dir *d, const struct dir_program *p, struct err *e)
{
	const char *const *classes = serve_classes(d->serve), *const *attributes =
								      serve_attributes(d->serve);
	/* the password is read again at each bind */
	const char *missing = serve_lock_down(d->serve, SERVE_NETWORK, true);
	if (missing)
		log_event(LOG_DEBUG, "sandbox", "missing", missing, NULL);
	if (!p->options(d, e))
		return false;
	if ((classes[0] || attributes[0]) && !p->ready(d, classes, attributes, e))
		return false;
	return hello_send(d, p, e);
}

static const char **
strings_read(const struct json *list, struct arena *a, size_t *count_r)
{
	const char **strings = arena_alloc(a, (json_count(list) + 1) * sizeof(*strings));
	*count_r = 0;
	json_for_each(it, list)
		if (json_string(it))
			strings[(*count_r)++] = arena_strdup(a, json_string(it));
	return strings;
}

/* A read asks for what hello announced, or the cursor would not belong to it. */
static bool
request_fits(struct dir *d, const struct dir_program *p, const struct json *j, struct arena *a,
	struct err *e)
{
	size_t n, m;
	const char **classes = strings_read(json_get(j, "classes"), a, &n);
	const char **attributes = strings_read(json_get(j, "attributes"), a, &m);
	char digest[65];
	if (n == 0 || m == 0)
		return err_set(e, ERR_SIDE, "bad-request", "a read needs classes and attributes");
	dir_request_digest(classes, attributes, digest);
	/* the connection may be lost meanwhile: then `read` makes it anew, to the same controller */
	if (strcmp(digest, d->digest) == 0)
		return true;
	return p->ready(d, classes, attributes, e);
}

static bool
request_do(struct dir *d, const struct dir_program *p, const struct json *j, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct str type = str_c(json_get_string(j, "type"));
	/* j ends with the next look at our input: what is needed is copied */
	const char *cursor = json_get_string(j, "cursor");
	if (str_eqc(type, "read")) {
		cursor = cursor ? arena_strdup(a, cursor) : NULL;
		return request_fits(d, p, j, a, e) && p->read(d, cursor, e);
	}
	size_t count;
	if (p->fetch && str_eqc(type, "fetch")) {
		const char **ids = strings_read(json_get(j, "ids"), a, &count);
		return p->fetch(d, ids, count, e);
	}
	if (str_eqc(type, "watch"))
		return p->watch(d, e);
	const char **bases = strings_read(json_get(j, "bases"), a, &count);
	if (str_eqc(type, "check"))
		return p->check(d, bases, count, e);
	if (str_eqc(type, "setup"))
		return p->setup(d, bases, count, e);
	return err_set(e, ERR_SIDE, "bad-request", "a request of a type that is not known");
}

/* Until the engine wants no more. */
static bool
run(struct dir *d, const struct dir_program *p, struct err *e)
{
	if (!serve_hello(d->serve, e) || !greet(d, p, e))
		return false;
	while (!*d->stop) {
		const struct json *j = NULL;
		err_clear(e);
		int got = serve_next(d->serve, -1, &j, e);
		if (got < 0)
			return e->kind == ERR_NONE;
		if (got == 0)
			continue;
		if (!request_do(d, p, j, e))
			return false;
	}
	return true;
}

int
dir_main(struct dir *d, const struct dir_program *p, int argc, char **argv)
{
	CLEAN_FREE char *program = xasprintf("lockstep-source-%s", p->name);
	bool stop = false;
	int status = 0;
	struct err e = { 0 };
	d->serve = serve_new(p->name, "source", p->option_table, p->option_count);
	/* what this computer's ldap.conf says is for other programs: it could switch verification off */
	setenv("LDAPNOINIT", "1", 1);
	if (serve_arguments(d->serve, argc, argv, &status)) {
		process_harden();
		log_init(program, true, LOG_INFO);
		d->stop = &stop;
		d->arena = arena_new();
		d->scratch = arena_new();
		d->clock = &clock_system;
		if (!run(d, p, &e)) {
			serve_error(d->serve, &e);
			status = 1;
		}
		p->close(d);
		arena_free(d->scratch);
		arena_free(d->arena);
	}
	serve_free(d->serve);
	return status;
}
