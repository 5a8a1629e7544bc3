/* Requests of the engine to a source that speaks LDAP. */
#include "dir.h"
#include "dir_cursor.h"

#include <string.h>
#include "base/json.h"
#include "base/log.h"

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
	return p->hello(d, e);
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

bool
dir_run(struct dir *d, const struct dir_program *p, struct err *e)
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
