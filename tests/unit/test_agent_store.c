/* store/agent.h: what the service remembers for people. */
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/json.h"
#include "base/mem.h"
#include "store/agent.h"
#include "folder.h"

#define NOW 1790000000

struct kit {
	char dir[64], path[96];
	struct agent_store *s;
	struct arena *a;
	struct err e;
};

static bool
kit_open(struct kit *k)
{
	struct store_env env = { .sync_off = true };
	bool damaged = false;

	OK(k, agent_store_open(k->path, &env, false, &k->s, &damaged, &k->e));
	return damaged;
}

static int
setup(void **state)
{
	struct kit *k = xcalloc(1, sizeof(*k));

	folder_make(k->dir);
	k->a = arena_new();
	snprintf(k->path, sizeof(k->path), "%s", agent_store_path(k->dir, k->a));
	assert_false(kit_open(k));
	*state = k;
	return 0;
}

static int
teardown(void **state)
{
	struct kit *k = *state;

	agent_store_close(&k->s);
	arena_free(k->a);
	folder_remove(k->dir);
	free(k);
	return 0;
}

static struct alert_row
row(const char *key, enum alert_severity sev, enum alert_state state)
{
	return (struct alert_row){ .key = key,
		.domain = "status",
		.code = "object-errors",
		.severity = sev,
		.state = state,
		.object = "Anna",
		.cause = "no mail",
		.remedy = "give her one",
		.look = "lockstep status",
		.examples = "[\"Anna\",\"Bert\"]",
		.count = 2,
		.found = NOW,
		.raised = NOW,
		.last = NOW,
		.seen_by = "" };
}

static void
alerts_are_kept_and_listed(void **state)
{
	struct kit *k = *state;
	struct alert_row a = row("a", ALERT_WARNING, ALERT_OPEN),
			 b = row("b", ALERT_CRITICAL, ALERT_OPEN),
			 c = row("c", ALERT_CRITICAL, ALERT_PENDING),
			 d = row("d", ALERT_INFO, ALERT_CLEARED), got[8], one;

	d.domain = "disk";
	d.cleared = NOW + 5;
	OK(k, agent_alert_put(k->s, &a, &k->e) && agent_alert_put(k->s, &b, &k->e));
	OK(k, agent_alert_put(k->s, &c, &k->e) && agent_alert_put(k->s, &d, &k->e));
	assert_int_equal(agent_alerts_open(k->s, k->a, got, 8), 2);
	assert_string_equal(got[0].key, "b");
	assert_string_equal(got[1].examples, "[\"Anna\",\"Bert\"]");
	assert_int_equal(agent_alerts_all(k->s, 0, k->a, got, 8), 3);
	assert_string_equal(got[0].key, "d");
	assert_int_equal(agent_alerts_all(k->s, got[0].id, k->a, got, 1), 1);
	assert_string_equal(got[0].key, "b");
	assert_int_equal(agent_alerts_live(k->s, "status", k->a, got, 8), 3);
	assert_int_equal(agent_alerts_live(k->s, "disk", k->a, got, 8), 0);
	assert_int_equal(agent_alerts_live(k->s, NULL, k->a, got, 8), 3);
	assert_int_equal(agent_alerts_count(k->s, ALERT_CRITICAL), 1);
	a.cause = "two have no mail";
	OK(k, agent_alert_put(k->s, &a, &k->e));
	assert_true(agent_alert_find(k->s, "a", k->a, &one));
	assert_string_equal(one.cause, "two have no mail");
	assert_int_equal(one.id, a.id);
	assert_false(agent_alert_find(k->s, "none", k->a, &one));
	OK(k, agent_alert_drop(k->s, c.id, &k->e));
	assert_false(agent_alert_find(k->s, "c", k->a, &one));
	OK(k, agent_alerts_prune(k->s, NOW + 6, &k->e));
	assert_int_equal(agent_alerts_all(k->s, 0, k->a, got, 8), 2);
}

static void
an_alert_is_seen_by_somebody(void **state)
{
	struct kit *k = *state;
	struct alert_row a = row("a", ALERT_WARNING, ALERT_OPEN), got;
	CLEAN_BUF struct buf out = { 0 };
	CLEAN_JSON struct json *j = NULL;
	struct jsonw w = jsonw(&out);

	OK(k, agent_alert_put(k->s, &a, &k->e));
	OK(k, agent_alert_seen(k->s, a.id, "carla", NOW + 9, &k->e));
	assert_true(agent_alert_get(k->s, a.id, k->a, &got));
	assert_string_equal(got.seen_by, "carla");
	assert_int_equal(got.seen_at, NOW + 9);
	assert_false(agent_alert_seen(k->s, 77, "carla", NOW, &k->e));
	assert_string_equal(k->e.code, "no-such-alert");
	alert_json(&got, &w, NULL);
	OK(k, json_parse(buf_str(&out), 0, &j, &k->e));
	assert_string_equal(json_get_string(j, "severity"), "warning");
	assert_int_equal(json_count(json_get(j, "examples")), 2);
	assert_int_equal(json_get_int(j, "since", 0), NOW);
	assert_int_equal(json_type(json_get(j, "cleared")), JSON_NULL);
}

static void
news_wait_for_each_way(void **state)
{
	struct kit *k = *state;
	struct news_row news[4];
	struct way_row w;

	OK(k, agent_news_add(k->s, NEWS_RAISED, 5, NOW, &k->e));
	OK(k, agent_news_add(k->s, NEWS_WELL, 0, NOW + 1, &k->e));
	assert_int_equal(agent_news(k->s, 0, news, 4), 2);
	assert_int_equal(agent_news_newest(k->s), news[1].id);
	assert_int_equal(agent_news(k->s, news[0].id, news + 2, 1), 1);
	assert_int_equal(news[2].what, NEWS_WELL);
	assert_int_equal(news[0].what, NEWS_RAISED);
	assert_int_equal(news[0].alert, 5);
	assert_int_equal(agent_ways_waiting(k->s), 0);
	agent_way_get(k->s, "mail", k->a, &w);
	assert_string_equal(w.way, "mail");
	assert_string_equal(w.error, "");
	assert_int_equal(w.told + w.told_at + w.daily + w.attempts + w.next_at, 0);
	w.attempts = 1;
	w.error = "no route";
	OK(k, agent_way_put(k->s, &w, &k->e));
	agent_store_close(&k->s); /* as after a kill: what waits is still there */
	assert_false(kit_open(k));
	agent_way_get(k->s, "mail", k->a, &w);
	assert_int_equal(w.attempts, 1);
	assert_string_equal(w.error, "no route");
	assert_int_equal(agent_ways_waiting(k->s), 1);
	w = (struct way_row){ .way = "mail", .told = news[1].id, .error = "" };
	OK(k, agent_way_put(k->s, &w, &k->e));
	assert_int_equal(agent_ways_waiting(k->s), 0);
	OK(k, agent_news_done(k->s, news[0].id, &k->e));
	assert_int_equal(agent_news(k->s, 0, news, 4), 1);
	OK(k, agent_alerts_prune(k->s, NOW + 2, &k->e));
	assert_int_equal(agent_news(k->s, 0, news, 4), 0);
	OK(k, agent_way_drop(k->s, "mail", &k->e));
	agent_way_get(k->s, "mail", k->a, &w);
	assert_int_equal(w.told, 0);
	assert_int_equal(agent_fact(k->s, "checked"), 0);
	OK(k, agent_fact_set(k->s, "checked", 7, &k->e) &&
			agent_fact_set(k->s, "checked", 8, &k->e));
	assert_int_equal(agent_fact(k->s, "checked"), 8);
}

static void
runs_are_tallied_by_the_hour(void **state)
{
	const int64_t hour = NOW - NOW % 3600;
	struct kit *k = *state;
	struct agent_tally t;

	OK(k, agent_tally_add(k->s, "mail", hour - 3600, true, 0, &k->e));
	OK(k, agent_tally_add(k->s, "mail", hour, false, 3, &k->e));
	OK(k, agent_tally_add(k->s, "mail", hour + 3599, true, 4, &k->e));
	OK(k, agent_tally_add(k->s, "staff", hour, false, 9, &k->e));
	agent_store_close(&k->s);
	assert_false(kit_open(k));
	t = agent_tally_read(k->s, "mail", hour + 60);
	assert_int_equal(t.runs, 2);
	assert_int_equal(t.failed, 1);
	assert_int_equal(t.changed, 7);
	assert_int_equal(agent_tally_read(k->s, "mail", hour - 1).runs, 3);
	assert_int_equal(agent_tally_read(k->s, "none", 0).runs, 0);
	OK(k, agent_alerts_prune(k->s, hour, &k->e));
	assert_int_equal(agent_tally_read(k->s, "mail", 0).runs, 2);
}

/* 2.5: a file of version 1, where a message waited: what is open is told anew, nothing else is lost. */
static void
version_1_is_brought_up(void **state)
{
	static const char old[] =
		"DROP TABLE way; DROP TABLE tally; PRAGMA user_version=1;"
		"CREATE TABLE message(id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER, way TEXT,"
		" body TEXT, attempts INTEGER, next_at INTEGER, error TEXT);"
		"INSERT INTO message VALUES(1, 1, 'mail', '{}', 2, 1, 'no route');"
		"INSERT INTO fact VALUES('told', 7), ('checked', 8)";
	struct kit *k = *state;
	struct alert_row a = row("a", ALERT_WARNING, ALERT_OPEN),
			 b = row("b", ALERT_WARNING, ALERT_CLEARED);
	struct news_row news[4];
	sqlite3 *sq;

	OK(k, agent_alert_put(k->s, &a, &k->e) && agent_alert_put(k->s, &b, &k->e));
	agent_store_close(&k->s);
	assert_int_equal(sqlite3_open(k->path, &sq), SQLITE_OK);
	assert_int_equal(sqlite3_exec(sq, old, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(sq);
	assert_false(kit_open(k));
	assert_int_equal(agent_news(k->s, 0, news, 4), 1);
	assert_int_equal(news[0].what, NEWS_RAISED);
	assert_int_equal(news[0].alert, a.id);
	assert_int_equal(agent_ways_waiting(k->s), 0);
	assert_int_equal(agent_fact(k->s, "told"), 0);
	assert_int_equal(agent_fact(k->s, "unwell"), 1);
	assert_int_equal(agent_fact(k->s, "checked"), 8);
	assert_int_equal(agent_tally_read(k->s, "mail", 0).runs, 0);
}

static void
points_thin_out(void **state)
{
	enum { DAYS = 3, MAX = 6000 };
	struct kit *k = *state;
	int64_t start = NOW - NOW % 3600, end = start + DAYS * (int64_t)86400;
	struct series_point *got = xcalloc(MAX, sizeof(*got));
	size_t n;

	OK(k, agent_begin(k->s, &k->e));
	for (int64_t t = start; t < end; t += 60)
		OK(k, agent_series_add(k->s, "freshness.staff", t, (double)(t % 3600) / 8, &k->e));
	OK(k, agent_commit(k->s, &k->e));
	OK(k, agent_series_add(
		      k->s, "freshness.staff", end - 30, 0.5, &k->e)); /* lower: not kept */
	OK(k, agent_series_add(k->s, "other", start, 1, &k->e));
	n = agent_series_read(k->s, "freshness.staff", 0, got, MAX);
	assert_int_equal(n, DAYS * 1440);
	assert_true(got[n - 1].value > 400);
	OK(k, agent_series_thin(k->s, end, &k->e) && agent_series_thin(k->s, end, &k->e));
	n = agent_series_read(k->s, "freshness.staff", 0, got, MAX);
	assert_int_equal(n, 2 * 24 + 1440);
	assert_int_equal(got[0].at, start);
	assert_int_equal((int)(got[0].value * 8), 59 * 60); /* the highest of its hour */
	n = agent_series_read(k->s, "freshness.staff", end - 86400, got, MAX);
	assert_int_equal(n, 1440);
	OK(k, agent_series_thin(k->s, end + 91 * (int64_t)86400, &k->e));
	assert_int_equal(agent_series_read(k->s, "freshness.staff", 0, got, MAX), 0);
	free(got);
}

static void
links_work_once_and_sessions_end(void **state)
{
	struct kit *k = *state;
	const char *by = NULL;
	struct session_row r;

	OK(k, agent_link_add(k->s, "h1", "root", NOW, NOW + 60, &k->e));
	OK(k, agent_link_add(k->s, "h2", "root", NOW, NOW + 60, &k->e));
	OK(k, agent_link_use(k->s, "h1", NOW + 1, k->a, &by, &k->e));
	assert_string_equal(by, "root");
	assert_false(agent_link_use(k->s, "h1", NOW + 1, k->a, &by, &k->e));
	assert_string_equal(k->e.code, "no-such-link");
	assert_false(agent_link_use(k->s, "h2", NOW + 60, k->a, &by, &k->e));
	OK(k, agent_session_add(k->s, "c1", "t1", "root", NOW, NOW + 100, &k->e));
	assert_true(agent_session_find(k->s, "c1", NOW + 99, k->a, &r));
	assert_string_equal(r.token, "t1");
	assert_false(agent_session_find(k->s, "c1", NOW + 100, k->a, &r));
	OK(k, agent_session_end(k->s, "c1", &k->e));
	assert_false(agent_session_find(k->s, "c1", NOW, k->a, &r));
	OK(k, agent_session_add(k->s, "c2", "t", "root", NOW, NOW + 100, &k->e));
	OK(k, agent_sessions_prune(k->s, NOW + 100, &k->e));
	assert_false(agent_session_find(k->s, "c2", NOW, k->a, &r));
}

static void
versions_of_the_configuration(void **state)
{
	struct kit *k = *state;
	struct version_row got[4];
	int64_t v1, v2, v3;

	OK(k, agent_version_add(k->s, "root", "first", "a\n", NOW, &v1, &k->e));
	OK(k, agent_version_add(k->s, "carla", "second", "b\n", NOW + 1, &v2, &k->e));
	OK(k, agent_version_add(k->s, "carla", "again", "b\n", NOW + 2, &v3, &k->e));
	assert_int_equal(v2, v3);
	assert_int_equal(agent_versions(k->s, 0, k->a, got, 4), 2);
	assert_string_equal(got[0].note, "second");
	assert_null(got[0].text);
	assert_int_equal(agent_versions(k->s, v2, k->a, got, 4), 1);
	assert_true(agent_version_get(k->s, v1, k->a, got));
	assert_string_equal(got[0].text, "a\n");
	for (int i = 0; i < AGENT_VERSIONS_KEPT; i++) {
		char text[16];

		snprintf(text, sizeof(text), "%d", i);
		OK(k, agent_version_add(k->s, "x", "", text, NOW, &v3, &k->e));
	}
	assert_false(agent_version_get(k->s, v2, k->a, got));
	assert_true(agent_version_get(k->s, v2 + 1, k->a, got));
}

/* It may be lost without harm, so nothing stops for it. */
static void
a_damaged_file_is_put_aside(void **state)
{
	struct kit *k = *state;
	struct store_env env = { .sync_off = true };
	CLEAN_FREE char *aside = xasprintf("%s.damaged", k->path);
	struct agent_store *reader = NULL;
	FILE *f;

	OK(k, agent_fact_set(k->s, "daily", 7, &k->e));
	agent_store_close(&k->s);
	f = fopen(k->path, "r+");
	assert_non_null(f);
	for (int i = 0; i < 20000; i++)
		fputc('x', f);
	fclose(f);
	assert_false(agent_store_open(k->path, &env, true, &reader, NULL, &k->e));
	assert_true(kit_open(k));
	assert_int_equal(access(aside, F_OK), 0);
	assert_int_equal(agent_fact(k->s, "daily"), 0);
	OK(k, agent_store_open(k->path, &env, true, &reader, NULL, &k->e));
	OK(k, agent_fact_set(k->s, "daily", 9, &k->e));
	assert_int_equal(agent_fact(reader, "daily"), 9);
	agent_store_close(&reader);
}

/* As long as it is the one that others would open. */
static void
a_file_that_went_is_noticed(void **state)
{
	struct kit *k = *state;

	assert_true(agent_store_well(k->s, k->path));
	assert_int_equal(unlink(k->path), 0);
	assert_false(agent_store_well(k->s, k->path));
	agent_store_close(&k->s);
	assert_false(kit_open(k));
	assert_true(agent_store_well(k->s, k->path));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(alerts_are_kept_and_listed, setup, teardown),
		cmocka_unit_test_setup_teardown(an_alert_is_seen_by_somebody, setup, teardown),
		cmocka_unit_test_setup_teardown(news_wait_for_each_way, setup, teardown),
		cmocka_unit_test_setup_teardown(runs_are_tallied_by_the_hour, setup, teardown),
		cmocka_unit_test_setup_teardown(version_1_is_brought_up, setup, teardown),
		cmocka_unit_test_setup_teardown(points_thin_out, setup, teardown),
		cmocka_unit_test_setup_teardown(links_work_once_and_sessions_end, setup, teardown),
		cmocka_unit_test_setup_teardown(versions_of_the_configuration, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_that_went_is_noticed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_damaged_file_is_put_aside, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
