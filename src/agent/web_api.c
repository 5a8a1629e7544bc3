/* What the API answers, as a table. Whoever comes here is signed in (web_exchange.c). */
#include "web_p.h"

#include <string.h>

static void
session(struct exchange *x)
{
	struct jsonw w = jsonw(&x->out);

	jsonw_obj(&w, NULL);
	jsonw_str(&w, "by", x->by);
	jsonw_str(&w, "token", x->token);
	jsonw_int(&w, "expires", x->expires);
	jsonw_str(&w, "version", LOCKSTEP_VERSION);
	jsonw_bool(&w, "setup", x->w->g->conf == NULL);
	jsonw_end(&w);
	web_json(x, 200);
}

static const struct route {
	const char *path;
	bool post;
	void (*run)(struct exchange *x);
} routes[] = {
	{ "session", false, session },
	{ "sign-out", true, web_sign_out },
	{ "overview", false, web_overview },
	{ "live", false, web_live },
	{ "series", false, web_series },
	{ "alerts", false, web_alerts },
	{ "alerts", true, web_alert_seen },
	{ "read", false, web_read },
	{ "command", true, web_job_command },
	{ "job", false, web_job_read },
	{ "cancel", true, web_job_cancel },
	{ "config", false, web_config },
	{ "config", true, web_config_save },
	{ "config/edit", true, web_config_edit },
	{ "config/preview", true, web_config_preview },
	{ "config/version", false, web_config_version },
	{ "setup", false, web_setup },
	{ "setup", true, web_setup_draft },
	{ "setup/check", true, web_setup_check },
	{ "setup/read", true, web_setup_read },
	{ "setup/browse", false, web_setup_browse },
	{ "setup/save", true, web_setup_save },
	{ "about", false, web_about },
	{ "bundle", false, web_bundle },
	{ 0 },
};

void
web_api(struct exchange *x, const char *path)
{
	bool known = false;

	for (const struct route *r = routes; r->path; r++) {
		if (strcmp(r->path, path) != 0)
			continue;
		known = true;
		if (r->post == x->post) {
			r->run(x);
			return;
		}
	}
	if (known)
		web_fail(x, 405, "method", "%s is expected", x->post ? "GET" : "POST");
	else
		web_fail(x, 404, "not-found", "the API has nothing called %s", path);
}
