/* Overview, what goes on, alerts, points of plots, about. */
#include "web_p.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include "live.h"
#include "reload.h"
#include "store/agent.h"

#define STATUS_LIFE 15 /* seconds, while no run ends */
#define ALERTS_MOST 200

static const char *const status_words[] = { "status", NULL };

size_t
web_alerts_json(struct exchange *x, struct jsonw *w, const char *name, bool open, int64_t before)
{
	struct alert_row *list = arena_alloc(x->a, ALERTS_MOST * sizeof(*list));
	struct agent_store *s = x->w->g->store;
	size_t n = 0;

	if (s)
		n = open ? agent_alerts_open(s, x->a, list, ALERTS_MOST)
			 : agent_alerts_all(s, before, x->a, list, ALERTS_MOST);
	jsonw_arr(w, name);
	for (size_t i = 0; i < n; i++)
		alert_json(&list[i], w, NULL);
	jsonw_end(w);
	return n;
}

static void
overview_answer(struct exchange *x)
{
	struct jsonw w = jsonw(&x->out);

	jsonw_obj(&w, NULL);
	jsonw_int(&w, "now", agent_now());
	live_status(x->w->g, &w);
	if (x->w->status_good)
		jsonw_raw(&w, "status", buf_cstr(&x->w->status), x->w->status.n);
	web_alerts_json(x, &w, "alerts", true, 0);
	jsonw_end(&w);
	web_json(x, 200);
}

void
web_status_old(struct web *w)
{
	w->status_good = false;
	w->status_turn++;
}

/* Several are asked for at once, and a run may have ended since: what was asked for before that is for its own answer alone,
 * and does not come into the place of a newer one. */
static void
status_came(struct exchange *x, const struct job *j)
{
	struct web *w = x->w;
	CLEAN_BUF struct buf text = { 0 };
	bool ours = !w->status_good && job_result(j) && json_get(job_result(j), "targets");

	if (ours) {
		json_print(job_result(j), &text);
		buf_reset(&w->status);
		buf_add(&w->status, text.p, text.n);
		w->status_at = agent_now();
		w->status_good = true;
	}
	overview_answer(x);
	if (ours)
		w->status_good = x->turn == w->status_turn;
}

void
web_overview(struct exchange *x)
{
	struct web *w = x->w;

	if (!w->g->conf || (w->status_good && agent_now() - w->status_at < STATUS_LIFE)) {
		overview_answer(x);
		return;
	}
	w->status_good = false;
	x->turn = w->status_turn;
	web_run(x, &(struct job_spec){ .argv = status_words, .json = true }, status_came);
}

void
web_live(struct exchange *x)
{
	struct jsonw w = jsonw(&x->out);

	jsonw_obj(&w, NULL);
	jsonw_int(&w, "now", agent_now());
	live_jobs(x->w->g, &w);
	jsonw_end(&w);
	web_json(x, 200);
}

void
web_series(struct exchange *x)
{
	enum { MOST = 4000 };
	const char *name = web_param(x, "name"), *since = web_param(x, "since");
	struct series_point *list = arena_alloc(x->a, MOST * sizeof(*list));
	struct jsonw w = jsonw(&x->out);
	size_t n = 0;

	if (name && x->w->g->store)
		n = agent_series_read(
			x->w->g->store, name, since ? strtoll(since, NULL, 10) : 0, list, MOST);
	jsonw_obj(&w, NULL);
	jsonw_arr(&w, "points");
	for (size_t i = 0; i < n; i++) {
		jsonw_arr(&w, NULL);
		jsonw_int(&w, NULL, list[i].at);
		jsonw_num(&w, NULL, list[i].value);
		jsonw_end(&w);
	}
	jsonw_end(&w);
	jsonw_end(&w);
	web_json(x, 200);
}

void
web_alerts(struct exchange *x)
{
	const char *before = web_param(x, "before");
	struct jsonw w = jsonw(&x->out);

	jsonw_obj(&w, NULL);
	jsonw_int(&w, "now", agent_now());
	web_alerts_json(x, &w, "open", true, 0);
	size_t n = web_alerts_json(x, &w, "all", false, before ? strtoll(before, NULL, 10) : 0);
	jsonw_bool(&w, "more", n == ALERTS_MOST);
	jsonw_end(&w);
	web_json(x, 200);
}

void
web_alert_seen(struct exchange *x)
{
	struct err e = { 0 };

	if (!x->w->g->store)
		web_fail(x, 404, "no-such-alert", "there are no alerts yet");
	else if (!agent_alert_seen(
			 x->w->g->store, json_get_int(x->in, "seen", 0), x->by, agent_now(), &e))
		web_err(x, 404, &e);
	else
		web_ok(x);
}

/* --- about --- */

void
web_about_json(struct exchange *x, struct jsonw *w)
{
	const struct agent *g = x->w->g;
	struct utsname u = { 0 };

	uname(&u);
	jsonw_str(w, "version", LOCKSTEP_VERSION);
	jsonw_int(w, "now", agent_now());
	jsonw_str(w, "configuration", g->conf_path);
	jsonw_str(w, "state", agent_state(g));
	jsonw_str(w, "programs", g->bin);
	jsonw_str(w, "system", arena_printf(x->a, "%s %s %s", u.sysname, u.release, u.machine));
	jsonw_str(w, "libmicrohttpd", MHD_get_version());
}

void
web_about(struct exchange *x)
{
	struct jsonw w = jsonw(&x->out);

	jsonw_obj(&w, NULL);
	web_about_json(x, &w);
	jsonw_end(&w);
	web_json(x, 200);
}
