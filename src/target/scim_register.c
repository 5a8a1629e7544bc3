/*
 * Exchanging the account's key for a credential of this agent (lockstep-cloud(8), AGENTS). The credential goes into the
 * file that we inherited as descriptor 3, and nowhere else: no line says it, and the engine does not see it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "scim_run.h"

#define CREDENTIAL_FD 3

/* Is it a file that was made for this, and not a socket of our own that happens to have the number? */
static bool
file_ready(struct err *e)
{
	int flags = fcntl(CREDENTIAL_FD, F_GETFL);
	struct stat st;

	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY || fstat(CREDENTIAL_FD, &st) != 0 ||
		!S_ISREG(st.st_mode) || st.st_size != 0)
		return err_set(e, ERR_SIDE, "no-file",
			"register: descriptor 3 is no empty file that can be written");
	return true;
}

static bool
may_register(const struct scim *s, const char *name, struct err *e)
{
	if (!name)
		return err_set(e, ERR_SIDE, "bad-message", "register: the agent's name is missing");
	if (http_busy(s->http))
		return err_set(
			e, ERR_RETRY, "busy", "register: only while nothing else is going on");
	if (!s->service.credentials[0])
		return err_set(e, ERR_CONFIG, "not-offered",
			"the service does not exchange keys for credentials of agents; the token "
			"in token_file stays as it is");
	if (s->service.exchanged)
		return err_set(e, ERR_CONFIG, "registered",
			"the token is an agent's own credential already, and makes no others; to "
			"register anew, give the account's key by --key-file");
	return file_ready(e);
}

/* Nobody can look whether it was done. */
static bool
not_known(struct err why, struct err *e)
{
	return err_set(e, ERR_UNKNOWN, why.code,
		"%.600s. Perhaps the service made a credential that nobody has now: its list of "
		"agents tells, and revoking that one harms nobody. The key is as it was: try again",
		why.text);
}

static bool
refusal(const struct http_slot *slot, struct err *e)
{
	const char *detail = json_get_string(slot->json, "detail");
	bool later = slot->status == 429 || slot->status == 503;
	CLEAN_BUF struct buf said = { 0 };

	if (detail)
		text_escape(detail, strlen(detail), 400, &said);
	err_set(e, later ? ERR_RETRY : ERR_CONFIG, "not-registered",
		"the service answered %ld to the exchange%s%s%s", slot->status, said.n ? ": " : "",
		buf_cstr(&said), later ? "; try again later" : "");
	return slot->status >= 500 && !later ? not_known(*e, e) : false;
}

static bool
token_write(const char *token, struct err *e)
{
	size_t n = strlen(token);
	struct secret s = { (char *)(uintptr_t)token, n };

	if (n > 4096 || !http_token_check(&s, e))
		return err_set(e, ERR_SIDE, "bad-answer",
			"the service answered with something that is no token");
	if (write(CREDENTIAL_FD, token, n) != (ssize_t)n || write(CREDENTIAL_FD, "\n", 1) != 1)
		return err_errno(e, ERR_SIDE, "the credential cannot be written");
	return true;
}

static bool
take_answer(const struct http_slot *slot, struct err *e)
{
	const char *token = json_get_string(slot->json, "token");

	if (slot->outcome == HTTP_UNSENT) {
		*e = slot->err;
		return false;
	}
	if (slot->outcome != HTTP_ANSWERED)
		return not_known(slot->err, e);
	if (slot->status != 200 && slot->status != 201)
		return refusal(slot, e);
	if (!token || !json_get_string(slot->json, "name")) {
		err_set(e, ERR_UNKNOWN, "bad-answer", "the service's answer has no credential");
		return not_known(*e, e);
	}
	return token_write(token, e);
}

void
register_run(struct scim *s, const char *name)
{
	CLEAN_BUF struct buf body = { 0 };
	struct jsonw w = jsonw(&body);
	struct http_slot *slot;
	struct err e = { 0 };

	if (!may_register(s, name, &e)) {
		serve_error(s->serve, &e);
		return;
	}
	jsonw_obj(&w, NULL);
	jsonw_str(&w, "name", name);
	jsonw_end(&w);
	slot = http_post(s->http, s->service.credentials, buf_str(&body));
	if (take_answer(slot, &e)) {
		jsonw_str(serve_line(s->serve, "registered"), "name",
			json_get_string(slot->json, "name"));
		run_line(s);
	} else {
		serve_error(s->serve, &e);
	}
	http_release(slot);
}
