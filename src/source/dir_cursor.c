#include "dir_cursor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"

/* Raised when an entry becomes other lines than before: cursors of older programs are then not used. */
#define SHAPE "1"

void
dir_cursor_write(const struct dir_cursor *c, struct buf *out)
{
	CLEAN_BUF struct buf b64 = { 0 };
	char usn[24];
	snprintf(usn, sizeof(usn), "%" PRId64, c->usn);
	base64_encode(c->cookie.p, c->cookie.n, &b64);
	struct jsonw w = jsonw(out);
	jsonw_obj(&w, NULL);
	jsonw_str(&w, "context", c->context);
	jsonw_str(&w, "invocation", c->invocation);
	jsonw_str(&w, "usn", usn);
	jsonw_str(&w, "request", c->request);
	jsonw_str(&w, "cookie", buf_cstr(&b64));
	jsonw_end(&w);
}

static bool
usn_read(const char *text, int64_t *usn_r)
{
	char *end;
	if (!text || *text < '0' || *text > '9' || strlen(text) > 19)
		return false;
	*usn_r = strtoll(text, &end, 10);
	return *end == '\0';
}

bool
dir_cursor_read(const char *text, struct arena *a, struct dir_cursor *c_r, struct err *e)
{
	CLEAN_JSON struct json *j = NULL;
	CLEAN_BUF struct buf cookie = { 0 };
	if (!json_parse(str_c(text), 2 * DIR_COOKIE_MAX, &j, e)) {
		if (e) {
			e->kind = ERR_RETRY;
			snprintf(e->code, sizeof(e->code), "cursor-invalid");
		}
		return err_wrap(e, "the cursor cannot be read");
	}
	const char *context = json_get_string(j, "context");
	const char *invocation = json_get_string(j, "invocation");
	const char *request = json_get_string(j, "request");
	const char *b64 = json_get_string(j, "cookie");
	*c_r = (struct dir_cursor){ .context = NULL };
	if (!context || !invocation || !request || !b64 ||
		!usn_read(json_get_string(j, "usn"), &c_r->usn) ||
		!base64_decode(b64, strlen(b64), &cookie) || cookie.n == 0 ||
		cookie.n > DIR_COOKIE_MAX)
		return err_set(
			e, ERR_RETRY, "cursor-invalid", "the cursor is not one of this program");
	c_r->context = arena_strdup(a, context);
	c_r->invocation = arena_strdup(a, invocation);
	c_r->request = arena_strdup(a, request);
	c_r->cookie = (struct str){ arena_strndup(a, cookie.p, cookie.n), cookie.n };
	return true;
}

bool
dir_cursor_fits(const struct dir_cursor *c, const struct dir_cursor *here, struct err *e)
{
	const char *why = NULL;
	if (strcmp(c->context, here->context) != 0)
		why = "it belongs to another naming context";
	else if (strcmp(c->invocation, here->invocation) != 0)
		why = "it came from another domain controller, or from this one before it was "
		      "restored";
	else if (c->usn > here->usn)
		why = "this domain controller has gone back behind it (restored from a copy?)";
	else if (strcmp(c->request, here->request) != 0)
		why = "other classes or attributes are asked for now";
	if (why)
		return err_set(e, ERR_RETRY, "cursor-invalid",
			"the cursor cannot be used: %s; a full read is needed", why);
	return true;
}

static int
name_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
names_canonical(const char *const *names, struct arena *a, struct buf *out)
{
	size_t n = 0;
	while (names[n])
		n++;
	char **sorted = arena_alloc(a, (n + 1) * sizeof(*sorted));
	for (size_t i = 0; i < n; i++) {
		sorted[i] = arena_strdup(a, names[i]);
		ascii_lower(sorted[i]);
	}
	qsort(sorted, n, sizeof(*sorted), name_order);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || strcmp(sorted[i], sorted[i - 1]) != 0)
			buf_addf(out, "%s\n", sorted[i]);
	buf_addc(out, '\n');
}

void
dir_request_digest(const char *const *classes, const char *const *attributes, char out[65])
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf text = { 0 };
	buf_adds(&text, "shape " SHAPE "\n");
	names_canonical(classes, a, &text);
	names_canonical(attributes, a, &text);
	sha256_hex(text.p, text.n, out);
}
