/* src/agent/health.h: what /metrics and /healthz answer, over a service that has not begun to run anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "alert.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "child.h"
#include "health_p.h"
#include "jobs.h"
#include "metrics.h"
#include "store/agent.h"
#include "watch.h"

struct kit {
	struct agent g;
	char dir[64];
	struct err e;
};

#define OK(k, expr)                                                                                \
	do {                                                                                       \
		if (!(expr))                                                                       \
			fail_msg("%s:%d: %s: %s", __FILE__, __LINE__, #expr, (k)->e.text);         \
	} while (0)

static void
configure(struct kit *k)
{
	CLEAN_FREE char *path = xasprintf("%s/c.conf", k->dir);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fprintf(f,
		"state = \"%s\"\n"
		"source \"company\" { type = \"ldif\" file = \"x.ldif\" base = \"DC=x\" }\n"
		"target \"hosted\" { type = \"scim\" url = \"http://127.0.0.1:1\" token_file = "
		"\"t\" }\n"
		"sync \"mail\" { from = \"company\" to = \"hosted\" fresh = \"60s\" canary = "
		"\"CN=c\""
		" schedule { on_change = \"no\" } }\n",
		k->dir);
	fclose(f);
	OK(k, conf_load(path, &k->g.conf, &k->e));
}

static int
setup(void **state)
{
	struct kit *k = xcalloc(1, sizeof(*k));
	struct store_env env = { .sync_off = true };
	CLEAN_ARENA struct arena *a = arena_new();

	snprintf(k->dir, sizeof(k->dir), "/tmp/lockstep-health-XXXXXX");
	assert_non_null(mkdtemp(k->dir));
	assert_true(sd_event_new(&k->g.loop) >= 0);
	k->g.conf_path = k->g.bin = "/nowhere";
	k->g.started = 1790000000;
	OK(k, children_start(&k->g, &k->e) && jobs_start(&k->g, &k->e));
	OK(k, agent_store_open(agent_store_path(k->dir, a), &env, false, &k->g.store, NULL, &k->e));
	*state = k;
	return 0;
}

static int
teardown(void **state)
{
	struct kit *k = *state;
	CLEAN_FREE char *rm = xasprintf("rm -rf '%s'", k->dir);

	health_stop(&k->g);
	watch_stop(&k->g);
	jobs_stop(&k->g);
	children_stop(&k->g);
	agent_hearers_free(&k->g);
	agent_store_close(&k->g.store);
	conf_free(&k->g.conf);
	sd_event_unref(k->g.loop);
	assert_int_equal(system(rm), 0);
	free(k);
	return 0;
}

/* Each line is HELP, TYPE or a sample of the name that they were about. */
static void
check_format(const char *text)
{
	char name[128] = "";

	assert_true(*text && text[strlen(text) - 1] == '\n');
	for (const char *p = text; *p; p += strcspn(p, "\n") + 1) {
		CLEAN_FREE char *line = xstrndup(p, strcspn(p, "\n"));
		char *end;

		if (sscanf(line, "# HELP %127s", name) == 1)
			continue;
		if (strncmp(line, "# TYPE ", 7) == 0) {
			assert_int_equal(strncmp(line + 7, name, strlen(name)), 0);
			continue;
		}
		if (strncmp(line, name, strlen(name)) != 0 || !strrchr(line, ' '))
			fail_msg("not of %s: %s", name, line);
		strtod(strrchr(line, ' ') + 1, &end);
		if (*end)
			fail_msg("no number: %s", line);
	}
}

static void
metrics_of_a_service_that_was_just_set_up(void **state)
{
	struct kit *k = *state;
	CLEAN_BUF struct buf out = { 0 };

	OK(k, watch_start(&k->g, &k->e) && health_start(&k->g, &k->e));
	health_metrics(&k->g, &out);
	check_format(buf_cstr(&out));
	assert_non_null(strstr(out.p, "lockstep_config_valid 0\n"));
	configure(k);
	health_reloaded(&k->g);
	agent_fact_set(k->g.store, "as_of/mail", 0, NULL);
	buf_reset(&out);
	health_metrics(&k->g, &out);
	check_format(buf_cstr(&out));
	assert_non_null(strstr(out.p, "lockstep_config_valid 1\n"));
	assert_non_null(strstr(out.p, "lockstep_freshness_promise_seconds{sync=\"mail\"} 60\n"));
	assert_null(strstr(out.p, "lockstep_freshness_seconds{")); /* nothing is known of it */
	assert_non_null(strstr(out.p, "lockstep_runs_total{sync=\"mail\",exit=\"0\"} 0\n"));
	assert_non_null(strstr(
		out.p, "lockstep_run_duration_seconds_bucket{sync=\"mail\",le=\"+Inf\"} 0\n"));
	assert_non_null(strstr(out.p, "lockstep_alerts{severity=\"critical\"} 0\n"));
	assert_non_null(strstr(out.p, "lockstep_canary_timestamp_seconds{sync=\"mail\"} 1"));
}

static void
freshness_outlives_a_restart(void **state)
{
	struct kit *k = *state;
	CLEAN_ARENA struct arena *a = arena_new();
	const struct alert_fresh *f;
	int64_t lag;
	size_t n;

	configure(k);
	OK(k, agent_fact_set(k->g.store, "as_of/mail", agent_now() - 100, &k->e));
	OK(k, agent_fact_set(k->g.store, "canary/mail", 1789999000, &k->e));
	OK(k, watch_start(&k->g, &k->e) && health_start(&k->g, &k->e));
	lag = health_lag(&k->g, "mail");
	assert_true(lag >= 100 && lag < 400);
	f = health_fresh(&k->g, a, &n);
	assert_int_equal(n, 1);
	assert_int_equal(f->promise, 60);
	assert_int_equal(f->canary_seen, 1789999000);
	assert_int_equal(health_lag(&k->g, "other"), -1);
	agent_tell(&k->g, AGENT_MINUTE, NULL); /* a point for the plot */
	struct series_point p[4];

	assert_int_equal(agent_series_read(k->g.store, "freshness.mail", 0, p, 4), 1);
	assert_true(p[0].value >= 100);
}

/* N8: what lay between two lives of the service is no broken promise as long as this one had no chance. */
static void
a_start_breaks_no_promise(void **state)
{
	struct kit *k = *state;
	CLEAN_ARENA struct arena *a = arena_new();
	const struct alert_fresh *f;
	size_t n;

	configure(k);
	k->g.started = agent_now() - 2;
	OK(k, agent_fact_set(k->g.store, "as_of/mail", agent_now() - 100000, &k->e));
	OK(k, agent_fact_set(k->g.store, "canary/mail", agent_now() - 100000, &k->e));
	OK(k, watch_start(&k->g, &k->e) && health_start(&k->g, &k->e));
	f = health_fresh(&k->g, a, &n);
	assert_in_range(f->lag, 2, 59);
	assert_in_range(agent_now() - f->canary_seen, f->canary_every, f->canary_every * 5 / 4);
	assert_true(health_lag(&k->g, "mail") >= 100000); /* measured it is */
	k->g.started -= 10000;
	f = health_fresh(&k->g, a, &n);
	assert_in_range(f->lag, 10002, 10900);
	k->g.health->list[0].ran = true;
	f = health_fresh(&k->g, a, &n);
	assert_true(f->lag >= 100000);
	assert_true(agent_now() - f->canary_seen >= 100000);
}

/* N8: nor does a wall clock that is set forward, as in a machine that learns the time late. */
static void
a_clock_set_forward_breaks_no_promise(void **state)
{
	struct kit *k = *state;
	struct health_sync *s;

	configure(k);
	OK(k, watch_start(&k->g, &k->e) && health_start(&k->g, &k->e));
	s = &k->g.health->list[0];
	s->ran = true;
	s->as_of = agent_now() - 100000;
	assert_true(health_lag(&k->g, "mail") >= 100000);
	s->age = 3;
	s->measured = clock_system.mono_ms(clock_system.ctx) - 5000;
	assert_in_range(health_lag(&k->g, "mail"), 8, 900);
}

/* N8: what was measured by a clock that was ahead is not good until then. */
static void
a_clock_set_back_breaks_promises_all_the_same(void **state)
{
	struct kit *k = *state;
	int64_t before = agent_now();

	configure(k);
	OK(k, agent_fact_set(k->g.store, "as_of/mail", before + 1000000, &k->e));
	OK(k, agent_fact_set(k->g.store, "canary/mail", before + 1000000, &k->e));
	OK(k, watch_start(&k->g, &k->e) && health_start(&k->g, &k->e));
	agent_tell(&k->g, AGENT_MINUTE, NULL);
	assert_in_range(agent_fact(k->g.store, "as_of/mail"), before, before + 900);
	assert_in_range(agent_fact(k->g.store, "canary/mail"), before, before + 900);
}

/* N8: a watch that begins anew, as with each new configuration, has not been silent since the last run. */
static void
a_watch_tells_until_it_ends(void **state)
{
	struct kit *k = *state;

	configure(k);
	k->g.conf->syncs[0].schedule.on_change = true;
	OK(k, agent_fact_set(k->g.store, "as_of/mail", agent_now() - 100000, &k->e));
	k->g.stopping = true; /* no program is started */
	OK(k, watch_start(&k->g, &k->e) && health_start(&k->g, &k->e));
	k->g.stopping = false;
	assert_true(health_lag(&k->g, "mail") >= 100000);
	k->g.health->list[0].ran = true;
	assert_in_range(health_lag(&k->g, "mail"), 0, 900);
	k->g.health->list[0].last_exit = 3;
	assert_true(health_lag(&k->g, "mail") >= 100000);
}

static void
health_says_well_or_not(void **state)
{
	struct kit *k = *state;
	CLEAN_BUF struct buf out = { 0 };
	CLEAN_JSON struct json *j = NULL;

	OK(k, watch_start(&k->g, &k->e) && health_start(&k->g, &k->e));
	assert_false(health_check(&k->g, &out));
	assert_non_null(strstr(out.p, "\"state\":\"setup\""));
	configure(k);
	health_reloaded(&k->g);
	buf_reset(&out);
	assert_true(health_check(&k->g, &out));
	OK(k, json_parse(buf_str(&out), 0, &j, &k->e));
	assert_true(json_get_bool(j, "ok", false) && json_get_bool(j, "config_valid", false));
	assert_int_equal(json_get_int(json_get(j, "freshness"), "mail", 0), -1);
	assert_int_equal(json_get_int(json_get(j, "alerts"), "critical", -1), 0);
	k->g.stopping = true;
	assert_false(health_check(&k->g, &out));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			metrics_of_a_service_that_was_just_set_up, setup, teardown),
		cmocka_unit_test_setup_teardown(freshness_outlives_a_restart, setup, teardown),
		cmocka_unit_test_setup_teardown(a_start_breaks_no_promise, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_clock_set_forward_breaks_no_promise, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_clock_set_back_breaks_promises_all_the_same, setup, teardown),
		cmocka_unit_test_setup_teardown(a_watch_tells_until_it_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(health_says_well_or_not, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
