/*
 * lockstep-notify: sends one message. Reads one JSON object on standard input:
 *   {"way":"mail", "smtp", "from", "to":[...], "user", "password_file", "ca_file", "subject", "text"}
 *   {"way":"webhook", "url", "token_file", "ca_file", "json":{...}}
 * Exit code 0: it was taken, and a line on standard error names recipients that it was not taken for; 1: it was not, and
 * one line says why. It alone opens the files of password and token. `--test FILE`: a test message by every way of that configuration.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "mail.h"
#include "notify_text.h"
#include "notify_way.h"

#define INPUT_MAX  (4 * 1024 * 1024)
#define ANSWER_MAX 2000 /* kept of what a server says */
#define CONNECT_S  20L
#define WHOLE_S    90L
#define REPLY_S    60L /* of a mail server, also to QUIT, when the mail is sent */

struct sending {
	CURL *curl;
	struct curl_slist *list; /* recipients, headers */
	struct buf body;
	size_t sent;
	struct buf answer;
	struct secret secret;
	char why[CURL_ERROR_SIZE];
	char to[320];       /* the recipient that the server is asked for */
	struct buf refused; /* recipients that it does not take, and why */
	struct buf reply;   /* its last refusal */
};

static void
sending_end(struct sending *s)
{
	curl_easy_cleanup(s->curl);
	curl_slist_free_all(s->list);
	secret_wipe(&s->secret);
	buf_free(&s->body);
	buf_free(&s->answer);
	buf_free(&s->refused);
	buf_free(&s->reply);
}

/* "localhost", 127.0.0.0/8, ::1: nothing leaves this machine. */
static bool
is_here(const char *url)
{
	CURLU *u = curl_url();
	char *host = NULL;
	struct in_addr v4;
	bool here = false;

	if (curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
		curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK)
		here = ascii_ieq(host, "localhost") || strcmp(host, "[::1]") == 0 ||
		       (inet_pton(AF_INET, host, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127);
	curl_free(host);
	curl_url_cleanup(u);
	return here;
}

static size_t
take_answer(char *p, size_t size, size_t n, void *ctx)
{
	struct sending *s = ctx;
	size_t room = ANSWER_MAX - s->answer.n;

	buf_add(&s->answer, p, n * size < room ? n * size : room);
	return n * size < room ? n * size : 0; /* more is not read: some never end */
}

static size_t
give_body(char *p, size_t size, size_t n, void *ctx)
{
	struct sending *s = ctx;
	size_t left = s->body.n - s->sent, give = size * n < left ? size * n : left;

	memcpy(p, s->body.p + s->sent, give);
	s->sent += give;
	return give;
}

static bool
begin(struct sending *s, const struct json *j, const char *url, const char *protocols,
	struct err *e)
{
	const char *ca = json_get_string(j, "ca_file");

	s->curl = curl_easy_init();
	if (!s->curl)
		return err_set(e, ERR_SIDE, "os", "libcurl cannot be used");
	curl_easy_setopt(s->curl, CURLOPT_URL, url);
	curl_easy_setopt(s->curl, CURLOPT_PROTOCOLS_STR, protocols);
	curl_easy_setopt(s->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(s->curl, CURLOPT_ERRORBUFFER, s->why);
	curl_easy_setopt(s->curl, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
	curl_easy_setopt(s->curl, CURLOPT_TIMEOUT, WHOLE_S);
	curl_easy_setopt(s->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(s->curl, CURLOPT_WRITEDATA, s);
	if (ca)
		curl_easy_setopt(s->curl, CURLOPT_CAINFO, ca);
	if (is_here(url))
		curl_easy_setopt(s->curl, CURLOPT_NOPROXY, "*");
	return true;
}

/* What stands before libcurl's words, and what to do. */
static const struct {
	CURLcode rc;
	const char *before, *remedy;
} results[] = {
	{ CURLE_PEER_FAILED_VERIFICATION, "",
		"; name the authority that vouches for it in the ca_file option" },
	{ CURLE_SSL_CACERT_BADFILE, "",
		"; name the authority that vouches for it in the ca_file option" },
	{ CURLE_USE_SSL_FAILED, "",
		"; nothing is sent in the clear: the server must offer STARTTLS, or write "
		"smtps://, or use another" },
	{ CURLE_LOGIN_DENIED, "", "; correct smtp_user and smtp_password_file" },
	{ CURLE_RECV_ERROR, "the server broke off: ", "" },
	{ CURLE_GOT_NOTHING, "the server ended the connection without an answer: ", "" },
	{ CURLE_WEIRD_SERVER_REPLY, "the server refuses the message: ", "" },
};

static bool
outcome(const struct sending *s, CURLcode rc, const char *where, struct err *e)
{
	const struct buf *said = s->refused.n ? &s->refused : &s->reply;
	const char *before = "", *remedy = "";

	if (rc == CURLE_OK)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(results); i++)
		if (results[i].rc == rc) {
			before = results[i].before;
			remedy = results[i].remedy;
		}
	return err_set(e, rc == CURLE_LOGIN_DENIED ? ERR_CONFIG : ERR_RETRY, "not-sent",
		"%s: %s%s%s%s%s", where, before, *s->why ? s->why : curl_easy_strerror(rc),
		said->n ? "; the server says: " : "", buf_cstr(said), remedy);
}

/* --- mail --- */

static void
add_reply(struct buf *out, const char *p, size_t n)
{
	while (n && (p[n - 1] == '\r' || p[n - 1] == '\n'))
		n--;
	text_escape(p, n, 200, out);
}

/* What the server refuses, in its words: libcurl keeps the number alone. */
static int
on_talk(CURL *curl, curl_infotype type, char *p, size_t n, void *ctx)
{
	static const char rcpt[] = "RCPT TO:<";
	struct sending *s = ctx;
	size_t head = sizeof(rcpt) - 1;

	(void)curl;
	if (type == CURLINFO_HEADER_OUT) {
		bool is_rcpt = n > head && memcmp(p, rcpt, head) == 0;
		const char *end = is_rcpt ? memchr(p + head, '>', n - head) : NULL;

		snprintf(s->to, sizeof(s->to), "%.*s", end ? (int)(end - p - (ptrdiff_t)head) : 0,
			p + head);
	}
	if (type != CURLINFO_HEADER_IN || n < 4 || (*p != '4' && *p != '5') || p[3] == '-')
		return 0;
	buf_reset(&s->reply);
	add_reply(&s->reply, p, n);
	if (*s->to) {
		buf_addf(&s->refused, "%s%s (", s->refused.n ? ", " : "", s->to);
		add_reply(&s->refused, p, n);
		buf_addc(&s->refused, ')');
	}
	return 0;
}

static bool
mail_login(struct sending *s, const struct json *j, struct err *e)
{
	const char *user = json_get_string(j, "user"), *file = json_get_string(j, "password_file");

	if (!user)
		return true;
	if (!file)
		return err_set(e, ERR_CONFIG, "bad-config",
			"smtp_user is given, smtp_password_file is not");
	if (!secret_read(file, &s->secret, e))
		return false;
	curl_easy_setopt(s->curl, CURLOPT_USERNAME, user);
	curl_easy_setopt(s->curl, CURLOPT_PASSWORD, s->secret.p);
	return true;
}

static bool
mail_body(struct sending *s, const struct json *j, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	const struct json *list = json_get(j, "to");
	const char **to = arena_alloc(a, (json_count(list) + 1) * sizeof(*to));
	const char *from = json_get_string(j, "from"), *subject = json_get_string(j, "subject"),
		   *text = json_get_string(j, "text");
	struct mail m = { .from = from ? from : "", .to = to, .subject = subject ? subject : "" };
	size_t n = 0;

	json_for_each(it, list)
		to[n++] = json_string(it) ? json_string(it) : "";
	m.text = text ? text : "";
	m.date = clock_system.now(clock_system.ctx);
	m.id = arena_printf(a, "%lld.%d.%lld", (long long)m.date, (int)getpid(),
		(long long)clock_system.mono_ms(clock_system.ctx));
	if (!mail_make(&m, &s->body, e))
		return false;
	for (size_t i = 0; to[i]; i++)
		s->list = curl_slist_append(s->list, to[i]);
	return true;
}

/* In the clear only to this machine, and only where no certificate is asked for. */
static bool
mail_send(struct sending *s, const struct json *j, struct err *e)
{
	const char *smtp = json_get_string(j, "smtp"), *from = json_get_string(j, "from");
	bool tls = smtp && str_starts(str_c(smtp), "smtps://");
	bool plain = smtp && is_here(smtp) && !json_get_string(j, "ca_file");
	CLEAN_FREE char *url = NULL;
	char host[256];

	if (!tls && !(smtp && str_starts(str_c(smtp), "smtp://")))
		return err_set(e, ERR_CONFIG, "bad-config",
			"smtp = '%s': smtps://HOST or smtp://HOST is needed", smtp ? smtp : "");
	notify_host(host, sizeof(host));
	url = strchr(smtp + 8, '/') ? xstrdup(smtp) : xasprintf("%s/%s", smtp, host);
	if (!begin(s, j, url, "smtp,smtps", e) || !mail_body(s, j, e) || !mail_login(s, j, e))
		return false;
	curl_easy_setopt(
		s->curl, CURLOPT_USE_SSL, (long)(plain && !tls ? CURLUSESSL_NONE : CURLUSESSL_ALL));
	curl_easy_setopt(s->curl, CURLOPT_MAIL_FROM, from);
	curl_easy_setopt(s->curl, CURLOPT_MAIL_RCPT, s->list);
	/* one address that is gone does not keep it from the others */
	curl_easy_setopt(s->curl, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
	curl_easy_setopt(s->curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(s->curl, CURLOPT_READFUNCTION, give_body);
	curl_easy_setopt(s->curl, CURLOPT_READDATA, s);
	/* to QUIT, too: it is waited for here, not in curl_easy_cleanup for as long as that likes */
	curl_easy_setopt(s->curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, REPLY_S);
	curl_easy_setopt(s->curl, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(s->curl, CURLOPT_VERBOSE, 1L);
	curl_easy_setopt(s->curl, CURLOPT_DEBUGFUNCTION, on_talk);
	curl_easy_setopt(s->curl, CURLOPT_DEBUGDATA, s);
	return outcome(s, curl_easy_perform(s->curl), smtp, e);
}

/* --- webhook --- */

static bool
hook_headers(struct sending *s, const struct json *j, struct err *e)
{
	const char *file = json_get_string(j, "token_file");

	s->list = curl_slist_append(s->list, "Content-Type: application/json");
	s->list = curl_slist_append(s->list, "Expect:");
	if (!file)
		return true;
	if (!secret_read(file, &s->secret, e))
		return false;
	if (strpbrk(s->secret.p, "\r\n"))
		return err_set(e, ERR_CONFIG, "bad-token", "%s holds more than one line", file);
	curl_easy_setopt(s->curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
	curl_easy_setopt(s->curl, CURLOPT_XOAUTH2_BEARER, s->secret.p);
	return true;
}

/* Of where it leads the server's name alone: paths of webhooks are secrets. */
static void
add_server(struct buf *out, const char *url)
{
	const char *host = strstr(url, "://");
	size_t n = host ? (size_t)(host - url) + 3 + strcspn(host + 3, "/?#") : 0;

	text_escape(url, n, 200, out);
}

static bool
hook_refused(const struct sending *s, long code, struct err *e)
{
	CLEAN_BUF struct buf said = { 0 };
	char *to = NULL;

	curl_easy_getinfo(s->curl, CURLINFO_REDIRECT_URL, &to);
	if (to) {
		buf_adds(&said, "to ");
		add_server(&said, to);
		buf_adds(&said, "/...; redirections are not followed: write the whole address into "
				"webhook");
	} else {
		text_escape(buf_cstr(&s->answer), s->answer.n, 200, &said);
		if (code == 401 || code == 403)
			buf_adds(&said, "; correct webhook and webhook_token_file");
	}
	return err_set(e, ERR_RETRY, "not-sent", "webhook: the server answers %ld%s%s", code,
		said.n ? ": " : "", buf_cstr(&said));
}

/* Whatever becomes of the rest of an answer: its status says whether the message was taken. */
static bool
hook_send(struct sending *s, const struct json *j, struct err *e)
{
	const char *url = json_get_string(j, "url");
	const struct json *body = json_get(j, "json");
	long code = 0;
	CURLcode rc;

	if (!url || (!str_starts(str_c(url), "https://") &&
			    !(str_starts(str_c(url), "http://") && is_here(url))))
		return err_set(e, ERR_CONFIG, "bad-config", "webhook = '%s': https:// is needed",
			url ? url : "");
	json_print(body, &s->body);
	if (!begin(s, j, url, "http,https", e) || !hook_headers(s, j, e))
		return false;
	curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, s->list);
	curl_easy_setopt(s->curl, CURLOPT_USERAGENT, "lockstep/" LOCKSTEP_VERSION);
	curl_easy_setopt(s->curl, CURLOPT_POSTFIELDSIZE, (long)s->body.n);
	curl_easy_setopt(s->curl, CURLOPT_POSTFIELDS, buf_cstr(&s->body));
	rc = curl_easy_perform(s->curl);
	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &code);
	if (code < 200)
		return outcome(s, rc == CURLE_OK ? CURLE_GOT_NOTHING : rc, "webhook", e);
	return code < 300 || hook_refused(s, code, e);
}

/* note: what is to be said though it was taken. */
static bool
send_one(struct str input, struct buf *note, struct err *e)
{
	CLEAN_JSON struct json *j = NULL;
	struct sending s = { 0 };
	const char *way;
	bool ok = json_parse(input, INPUT_MAX, &j, e);

	way = ok ? json_get_string(j, "way") : NULL;
	if (way && strcmp(way, "mail") == 0)
		ok = mail_send(&s, j, e);
	else if (way && strcmp(way, "webhook") == 0)
		ok = hook_send(&s, j, e);
	else if (ok)
		ok = err_set(e, ERR_CONFIG, "bad-usage", "\"way\" is neither mail nor webhook");
	if (ok && s.refused.n)
		buf_addf(note, "not taken for %s", buf_cstr(&s.refused));
	sending_end(&s);
	return ok;
}

/* --- the program --- */

static int
say(const char *what, const struct err *e)
{
	CLEAN_BUF struct buf text = { 0 };

	text_escape(e->text, strlen(e->text), 900, &text);
	fprintf(stderr, "lockstep-notify: %s%s%s\n", what, *what ? ": " : "", buf_cstr(&text));
	return 1;
}

static int
test_all(const char *path)
{
	CLEAN_BUF struct buf body = { 0 };
	struct conf *c = NULL;
	struct err e = { 0 };
	char host[256];
	int ways = 0, worst = 0;

	if (!conf_load(path, &c, &e))
		return say("", &e);
	notify_host(host, sizeof(host));
	notify_text_test(host, clock_system.now(clock_system.ctx), &body);
	for (const char *const *way = notify_ways; *way; way++) {
		CLEAN_BUF struct buf message = { 0 };
		CLEAN_BUF struct buf note = { 0 };

		if (!notify_way_message(c, *way, buf_cstr(&body), &message))
			continue;
		ways++;
		if (send_one(buf_str(&message), &note, &e))
			printf("%s: sent%s%s\n", *way, note.n ? ", but " : "", buf_cstr(&note));
		else
			worst = say(*way, &e);
	}
	if (!ways)
		puts("No way is configured: give `mail_to` or `webhook` in `alerts`. Alerts are in "
		     "the journal and in `lockstep alerts`.");
	conf_free(&c);
	return worst;
}

int
main(int argc, char **argv)
{
	CLEAN_BUF struct buf input = { 0 };
	CLEAN_BUF struct buf note = { 0 };
	struct err e = { 0 };

	process_harden();
	log_init("lockstep-notify", false, LOG_INFO);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	if (argc == 3 && strcmp(argv[1], "--test") == 0)
		return test_all(argv[2]);
	if (argc != 1) {
		fputs("usage: lockstep-notify < MESSAGE\n       lockstep-notify --test "
		      "CONFIGURATION\n",
			stderr);
		return 2;
	}
	if (!file_read("/dev/stdin", INPUT_MAX, &input, &e) ||
		!send_one(buf_str(&input), &note, &e))
		return say("", &e);
	if (note.n)
		fprintf(stderr, "lockstep-notify: %s\n", buf_cstr(&note));
	return 0;
}
