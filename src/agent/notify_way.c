#include "notify_way.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

const char *const notify_ways[NOTIFY_WAYS + 1] = { "mail", "webhook", NULL };

#define SMTP_DEFAULT "smtp://localhost"

bool
notify_way_on(const struct conf *c, const char *way)
{
	if (strcmp(way, "mail") == 0)
		return c->alerts.mail_to.count > 0;
	return strcmp(way, "webhook") == 0 && c->alerts.webhook;
}

static void
set_path(const struct conf *c, struct json *j, const char *name, const char *path)
{
	CLEAN_ARENA struct arena *a = arena_new();

	if (path)
		json_set_string(j, name, conf_path(c, path, a));
}

static void
mail_options(const struct conf *c, struct json *j)
{
	const struct conf_alerts *m = &c->alerts;
	struct json *to = json_new_array();
	char host[256];

	notify_host(host, sizeof(host));
	for (size_t i = 0; i < m->mail_to.count; i++)
		json_push(to, json_new_string(m->mail_to.list[i].text));
	json_set(j, "to", to);
	if (m->mail_from) {
		json_set_string(j, "from", m->mail_from);
	} else {
		CLEAN_FREE char *from = xasprintf("lockstep@%s", host);

		json_set_string(j, "from", from);
	}
	json_set_string(j, "smtp", m->smtp ? m->smtp : SMTP_DEFAULT);
	if (m->smtp_user)
		json_set_string(j, "user", m->smtp_user);
	set_path(c, j, "password_file", m->smtp_password_file);
	set_path(c, j, "ca_file", m->smtp_ca_file);
}

bool
notify_way_message(const struct conf *c, const char *way, const char *body, struct buf *out)
{
	CLEAN_JSON struct json *j = NULL;

	if (!notify_way_on(c, way) || !json_parse(str_c(body), 0, &j, NULL) ||
		json_type(j) != JSON_OBJECT)
		return false;
	json_set_string(j, "way", way);
	if (strcmp(way, "mail") == 0) {
		mail_options(c, j);
		json_remove(j, "json");
	} else {
		json_set_string(j, "url", c->alerts.webhook);
		set_path(c, j, "token_file", c->alerts.webhook_token_file);
		set_path(c, j, "ca_file", c->alerts.webhook_ca_file);
	}
	json_print(j, out);
	return true;
}

void
notify_host(char *out, size_t max)
{
	if (gethostname(out, max) != 0 || !*out)
		snprintf(out, max, "localhost");
	out[max - 1] = '\0';
}
