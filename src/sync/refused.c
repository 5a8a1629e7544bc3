/*
 * A sign-on that was refused is not tried again and again until the directory locks the account (7.4). What was refused
 * stands in a small file beside the mirror: until a time that grows with each refusal nothing is tried, unless the
 * options of the source or one of the files that they name have changed since.
 */
#include "run_p.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define PAUSE_FIRST 600
#define PAUSE_MOST  (4 * 3600)

struct refusal {
	char digest[65];
	int64_t count, until;
	const char *code, *text;
};

/* What no other try can mend; with each the directory may count a wrong password. */
static bool
is_refusal(const struct err *why)
{
	static const char *const codes[] = { "bind-refused", "account-refused", "account-locked",
		"account-disabled", "account-expired", "account-moved", "password-expired" };

	for (size_t i = 0; why && i < ARRAY_LEN(codes); i++)
		if (strcmp(why->code, codes[i]) == 0)
			return true;
	return false;
}

/* The options, and for each file that they name which one it is and when it changed. */
static void
digest_of(const struct conf_source *s, char out[65])
{
	CLEAN_BUF struct buf text = { 0 };

	for (size_t i = 0; i < s->option_count; i++)
		for (size_t k = 0; k < s->options[i].count; k++) {
			const char *value = s->options[i].values[k];
			struct stat st;

			buf_addf(&text, "%s=%s", s->options[i].name, value);
			if (value[0] == '/' && stat(value, &st) == 0)
				buf_addf(&text, " %llu %lld %lld.%ld",
					(unsigned long long)st.st_ino, (long long)st.st_size,
					(long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
			buf_addc(&text, '\n');
		}
	sha256_hex(text.p, text.n, out);
}

static char *
path_of(const struct conf *c, const struct conf_source *s, struct arena *a)
{
	return arena_printf(a, "%s/source-%s.refused", c->state, s->name);
}

/* false: nothing was refused, or nothing of this. */
static bool
refusal_read(
	const struct conf *c, const struct conf_source *s, struct arena *a, struct refusal *f_r)
{
	CLEAN_BUF struct buf text = { 0 };
	CLEAN_JSON struct json *j = NULL;
	const char *digest;

	if (!file_read(path_of(c, s, a), 8192, &text, NULL) ||
		!json_parse(buf_str(&text), 0, &j, NULL))
		return false;
	digest_of(s, f_r->digest);
	digest = json_get_string(j, "digest");
	if (!digest || strcmp(digest, f_r->digest) != 0)
		return false;
	f_r->count = json_get_int(j, "count", 0);
	f_r->until = json_get_int(j, "until", 0);
	f_r->code = arena_strdup(
		a, json_get_string(j, "code") ? json_get_string(j, "code") : "bind-refused");
	f_r->text = arena_strdup(a, json_get_string(j, "text") ? json_get_string(j, "text") : "");
	return true;
}

bool
sync_may_sign_on(const struct conf *c, const struct conf_source *s, const struct sync_env *env,
	bool insist, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	int64_t now = env->store.clock->now(env->store.clock->ctx);
	struct refusal f;
	char when[24];

	if (insist || !refusal_read(c, s, a, &f) || now >= f.until || f.until > now + PAUSE_MOST)
		return true;
	time_format(f.until, when);
	return err_set(e, ERR_CONFIG, f.code,
		"not tried before %s, lest the account is locked, unless its configuration or "
		"secret "
		"changes (`lockstep sync --retry` tries at once); refused %lld times: %s",
		when, (long long)f.count, f.text);
}

void
sync_signed_on(const struct conf *c, const struct conf_source *s, const struct sync_env *env,
	const struct err *why)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf text = { 0 };
	struct jsonw w = jsonw(&text);
	struct refusal f = { 0 };
	int64_t pause = PAUSE_FIRST;

	if (!is_refusal(why)) {
		if (!why)
			unlink(path_of(c, s, a));
		return;
	}
	if (!refusal_read(c, s, a, &f)) {
		f.count = 0;
		digest_of(s, f.digest);
	}
	for (int64_t i = 0; i < f.count && pause < PAUSE_MOST; i++)
		pause *= 2;
	if (pause > PAUSE_MOST)
		pause = PAUSE_MOST;
	jsonw_obj(&w, NULL);
	jsonw_str(&w, "digest", f.digest);
	jsonw_int(&w, "count", f.count + 1);
	jsonw_int(&w, "until", env->store.clock->now(env->store.clock->ctx) + pause);
	jsonw_str(&w, "code", why->code);
	jsonw_str(&w, "text", why->text);
	jsonw_end(&w);
	/* Where it cannot be kept, the next run tries once more: nothing worse. */
	file_write_atomic(path_of(c, s, a), 0600, buf_str(&text), NULL);
}
