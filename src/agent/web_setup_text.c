/* What was answered in the set-up, as a configuration that a person would have written. Pure. */
#include "web_p.h"

#include <string.h>
#include <time.h>

/* In double quotes where that is taken as written, else in single ones. */
static void
put_text(const char *s, struct buf *out)
{
	if (!strpbrk(s, "\"\\\n") && !strstr(s, "${")) {
		buf_addf(out, "\"%s\"", s);
		return;
	}
	buf_addc(out, '\'');
	for (const char *p = s; *p; p++) {
		if (*p == '\'' || (*p == '\\' && strchr("\\'\n", p[1])))
			buf_addc(out, '\\');
		buf_addc(out, *p);
	}
	buf_addc(out, '\'');
}

static void
put_one(const char *indent, const char *name, const char *value, struct buf *out)
{
	if (!value || !*value)
		return;
	buf_addf(out, "%s%s = ", indent, name);
	put_text(value, out);
	buf_addc(out, '\n');
}

/* A text or a list of texts. */
static void
put(const char *indent, const char *name, const struct json *value, struct buf *out)
{
	size_t n = 0;

	if (json_string(value)) {
		put_one(indent, name, json_string(value), out);
		return;
	}
	json_for_each(v, value)
		n += json_string(v) && *json_string(v);
	if (!n)
		return;
	buf_addf(out, "%s%s = %s", indent, name, n > 1 ? "{" : "");
	json_for_each(v, value) {
		if (!json_string(v) || !*json_string(v))
			continue;
		if (n > 1)
			buf_addf(out, "\n%s\t", indent);
		put_text(json_string(v), out);
		buf_adds(out, n > 1 ? "," : "");
	}
	if (n > 1)
		buf_addf(out, "\n%s}", indent);
	buf_addc(out, '\n');
}

/* Names of sections come from people, too. */
static const char *
name_of(const struct json *j, const char *otherwise)
{
	const char *name = json_get_string(j, "name");

	return name && *name && strlen(name) <= 64 && !strpbrk(name, "/|\n\"'\\$") && *name != '.'
		       ? name
		       : otherwise;
}

static void
target_text(const struct json *t, const char *secrets, struct buf *out)
{
	buf_addf(out, "\ntarget \"%s\" {\n\ttype = \"scim\"\n", name_of(t, "hosted"));
	put("\t", "url", json_get(t, "url"), out);
	buf_addf(out, "\ttoken_file = \"%s/target.token\"\n", secrets);
	put("\t", "ca_file", json_get(t, "ca_file"), out);
	put("\t", "profile", json_get(t, "profile"), out);
	put("\t", "proxy", json_get(t, "proxy"), out);
	buf_adds(out, "}\n");
}

/* Before there is one, a file that is empty: a target can be tested alone. */
static void
source_text(const struct json *s, const char *state, const char *secrets, struct buf *out)
{
	const char *type = json_get_string(s, "type");
	bool ad = type && strcmp(type, "ad") == 0, ldap = type && strcmp(type, "ldap") == 0;

	buf_addf(out, "\nsource \"%s\" {\n", name_of(s, "directory"));
	if (!ad && !ldap) {
		buf_adds(out, "\ttype = \"ldif\"\n");
		if (json_get_string(s, "file"))
			put("\t", "file", json_get(s, "file"), out);
		else
			buf_addf(out, "\tfile = \"%s/none.ldif\"\n", state);
	} else {
		buf_addf(out, "\ttype = \"%s\"\n", ad ? "ad" : "ldap");
		if (ad)
			put("\t", "domain", json_get(s, "domain"), out);
		put("\t", "server", json_get(s, "servers"), out);
		put("\t", "bind", json_get(s, "bind"), out);
		if (ad && json_get_string(s, "keytab") && *json_get_string(s, "keytab"))
			put("\t", "keytab", json_get(s, "keytab"), out);
		else
			buf_addf(out, "\tpassword_file = \"%s/source.password\"\n", secrets);
		put("\t", "ca_file", json_get(s, "ca_file"), out);
		put("\t", "base", json_get(s, "base"), out);
	}
	buf_adds(out, "}\n");
}

static void
sync_text(const struct json *answers, struct buf *out)
{
	const struct json *s = json_get(answers, "sync"), *scope = json_get(s, "scope");
	CLEAN_BUF struct buf in = { 0 };

	buf_addf(out, "\nsync \"%s\" {\n\tfrom = \"%s\"\n\tto = \"%s\"\n", name_of(s, "mail"),
		name_of(json_get(answers, "source"), "directory"),
		name_of(json_get(answers, "target"), "hosted"));
	put("\t", "fresh", json_get(s, "fresh"), out);
	put("\t\t", "base", json_get(scope, "base"), &in);
	put("\t\t", "not_base", json_get(scope, "not_base"), &in);
	put("\t\t", "group", json_get(scope, "group"), &in);
	put("\t\t", "filter", json_get(scope, "filter"), &in);
	if (in.n)
		buf_addf(out, "\tscope {\n%s\t}\n", buf_cstr(&in));
	if (json_get_string(s, "leave"))
		buf_addf(out, "\tuser {\n\t\tleave = \"%s\"\n\t}\n",
			strcmp(json_get_string(s, "leave"), "delete") == 0 ? "delete"
			: strcmp(json_get_string(s, "leave"), "keep") == 0 ? "keep"
									   : "disable");
	if (!json_get_bool(s, "groups", true))
		buf_adds(out, "\tgroup {\n\t\tenabled = no\n\t}\n");
	buf_adds(out, "}\n");
}

bool
setup_text(const struct json *answers, const char *by, const char *state, const char *secrets,
	bool final, struct buf *out, struct err *e)
{
	const struct json *target = json_get(answers, "target");
	const char *url = json_get_string(target, "url");
	time_t now = (time_t)agent_now();
	struct tm tm;
	char day[32];

	if (!url || !*url)
		return err_set(e, ERR_CONFIG, "unfinished", "the target's address is missing");
	if (final && !json_get_string(json_get(answers, "source"), "type"))
		return err_set(e, ERR_CONFIG, "unfinished", "the directory is missing");
	localtime_r(&now, &tm);
	strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	if (final)
		buf_addf(out,
			"# Lockstep: made in the console's set-up on %s by %s.\n"
			"# Yours to edit: the console keeps comments and layout. lockstep.conf(5) "
			"says what there is.\n",
			day, *by ? by : "an administrator");
	buf_adds(out, "state = ");
	put_text(state, out);
	buf_addc(out, '\n');
	source_text(json_get(answers, "source"), state, secrets, out);
	target_text(target, secrets, out);
	sync_text(answers, out);
	return true;
}
