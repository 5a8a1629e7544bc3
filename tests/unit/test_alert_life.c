/* src/agent/alert_life.h: raised, held open, cleared, and when all is well (S1.14). */
#include "alert_kit.h"
#include "alert_life.h"
#include "notify_gather.h"

static struct alert_find
some(struct kit *k, const char *code, const char *object, int64_t after)
{
	return (struct alert_find){ .rule = alert_rule(code),
		.key = arena_printf(k->a, "%s/%s", code, object),
		.domain = "d",
		.severity = alert_rule(code)->severity,
		.object = object,
		.cause = "c",
		.remedy = "r",
		.look = "",
		.examples = "",
		.count = 1,
		.after = after };
}

/* Looks at domain d at `at`, finding list; true: news. */
static bool
look(struct kit *k, struct alert_find *list, size_t n, int64_t at)
{
	struct alert_finds f = { .arena = k->a, .list = list, .count = n };
	bool told = false;

	alert_domain(&f, "d");

	OK(k, alert_life_apply(k->s, &f, at, &told, &k->e));
	return told;
}

static size_t
open_now(struct kit *k)
{
	struct alert_row rows[8];

	return agent_alerts_open(k->s, k->a, rows, 8);
}

static void
an_alert_is_raised_and_clears_by_itself(void **state)
{
	struct kit *k = *state;
	struct alert_find two[] = { some(k, "run-failed", "a", 0),
		some(k, "source-incomplete", "b", 10) };
	struct news_row news[8];

	assert_true(look(k, two, 2, NOW));
	assert_int_equal(open_now(k), 1); /* b has not lasted yet */
	assert_false(look(k, two, 2, NOW + 9));
	assert_true(look(k, two, 2, NOW + 10));
	assert_int_equal(open_now(k), 2);
	assert_false(look(k, two, 2, NOW + 700));
	assert_true(look(k, two, 1, NOW + 800));
	assert_int_equal(agent_news(k->s, 0, news, 8), 3); /* not well while a is open */
	assert_true(look(k, NULL, 0, NOW + 900));
	assert_int_equal(open_now(k), 0);
	assert_int_equal(agent_news(k->s, 0, news, 8), 5);
	assert_int_equal(news[0].what, NEWS_RAISED);
	assert_int_equal(news[4].what, NEWS_WELL);
	assert_false(look(k, NULL, 0, NOW + 1000));
}

/* Not while something was found that has yet to last; then once. */
static void
all_is_well_is_not_said_too_early(void **state)
{
	struct kit *k = *state;
	struct alert_find two[] = { some(k, "target-unreachable", "b", 10),
		some(k, "run-failed", "a", 0) };
	struct alert_find absent = some(k, "absence-unconfirmed", "s", 4 * 3600);
	struct news_row news[8];
	struct way_row way = { .way = "mail", .unwell = true };
	struct notify_batch b;
	struct news_row last;

	assert_true(look(k, two, 2, NOW));
	assert_true(look(k, two, 1, NOW + 5));
	assert_int_equal(agent_news(k->s, 0, news, 8), 2);
	assert_int_equal(news[1].what, NEWS_CLEARED);
	notify_gather(k->s, &way, "h", NOW, k->a, &b, &last);
	assert_int_equal(b.passed_count, 1);
	assert_false(b.well);
	assert_true(look(k, &absent, 1, NOW + 9)); /* routine: what is given hours says nothing */
	assert_int_equal(agent_news(k->s, news[1].id, news, 8), 1);
	assert_int_equal(news[0].what, NEWS_WELL);
	assert_false(look(k, &absent, 1, NOW + 70));
	way.told = last.id;
	notify_gather(k->s, &way, "h", NOW, k->a, &b, &last);
	assert_true(b.well);
	assert_false(notify_gather_empty(&b, &way));
	way.unwell = false; /* it was said already */
	assert_true(notify_gather_empty(&b, &way));
}

static void
many_targets_clear_in_one_run(void **state)
{
	enum { TARGETS = 40 };
	struct kit *k = *state;
	struct conf_target targets[TARGETS] = { 0 };
	struct conf c = { .targets = targets, .target_count = TARGETS };
	struct alert_run run = { .sync = "", .exit = 0 };
	struct alert_input in = { .conf = &c, .now = NOW, .run = &run };
	struct alert_finds f = { .arena = k->a };

	for (size_t i = 0; i < TARGETS; i++)
		targets[i].name = arena_printf(k->a, "t%zu", i);
	alert_rules_eval(&in, &f);
	assert_int_equal(f.domain_count, TARGETS + 1);
	assert_string_equal(f.domains[TARGETS], "run/t39");
}

static void
what_is_not_known_clears_nothing(void **state)
{
	struct kit *k = *state;
	struct alert_watch watch = { .source = "company", .text = "", .failed = true };
	struct alert_fresh fresh = { .sync = "mail", .promise = 60, .lag = 90 };
	struct alert_input in = {
		.now = NOW, .watches = &watch, .watch_count = 1, .fresh = &fresh, .fresh_count = 1
	};
	struct alert_finds f = { .arena = k->a };

	alert_rules_eval(&in, &f);
	assert_int_equal(f.count, 2);
	watch.failed = false; /* just started */
	fresh.lag = -1;
	f = (struct alert_finds){ .arena = k->a };
	alert_rules_eval(&in, &f);
	assert_int_equal(f.count, 0);
	for (size_t i = 0; i < f.domain_count; i++)
		assert_string_equal(f.domains[i], "canary/mail");
	watch.stands = true;
	fresh.lag = 5;
	alert_rules_eval(&in, &f);
	assert_int_equal(f.count, 0);
	assert_int_equal(f.domain_count, 3);
}

/* Told by the way that failed, when it works again, it would be out of date. */
static void
a_way_does_not_tell_of_itself(void **state)
{
	struct kit *k = *state;
	struct way_row mail = { .way = "mail" }, hook = { .way = "webhook" };
	struct alert_find one = some(k, "notify-failed", "mail", 0);
	struct notify_batch b;
	struct news_row last;

	assert_true(look(k, &one, 1, NOW));
	notify_gather(k->s, &mail, "h", NOW, k->a, &b, &last);
	assert_true(last.id > 0);
	assert_true(notify_gather_empty(&b, &mail));
	assert_true(b.well);
	notify_gather(k->s, &hook, "h", NOW, k->a, &b, &last);
	assert_int_equal(b.raised_count, 1);
	assert_false(b.well);
}

static void
what_comes_and_goes_at_once_is_never_told(void **state)
{
	struct kit *k = *state;
	struct alert_find one = some(k, "source-incomplete", "b", 10);
	struct alert_row r;

	for (int i = 0; i < 10; i++) {
		assert_false(look(k, &one, 1, NOW + i * 300));
		assert_false(look(k, NULL, 0, NOW + i * 300 + 5));
	}
	assert_false(agent_alert_find(k->s, one.key, k->a, &r));
}

static void
what_flaps_is_held_open(void **state)
{
	struct kit *k = *state;
	struct alert_find one = some(k, "target-refusing", "t", 0);
	int told = 0;

	/* ten minutes: bad and well in turn, every half minute */
	for (int i = 0; i < 20; i++) {
		told += look(k, &one, 1, NOW + i * 60);
		told += look(k, NULL, 0, NOW + i * 60 + 30);
	}
	assert_int_equal(told, 3); /* raised, cleared, and raised again for good */
	assert_int_equal(open_now(k), 1);
	assert_false(look(k, NULL, 0, NOW + 1170 + 299));
	assert_true(look(k, NULL, 0, NOW + 1170 + 301));
	assert_int_equal(open_now(k), 0);
	/* long after it is a new one */
	assert_true(look(k, &one, 1, NOW + 20000));
	assert_true(look(k, NULL, 0, NOW + 20001));
}

static void
time_alone_clears_and_other_domains_stay(void **state)
{
	struct kit *k = *state;
	struct alert_find one = some(k, "freshness-broken", "s", 0);
	struct alert_finds nothing = { .arena = k->a };
	struct alert_row r;
	bool told = false;

	look(k, &one, 1, NOW);
	OK(k, alert_life_apply(k->s, &nothing, NOW + 5000, &told, &k->e));
	assert_int_equal(open_now(k), 1); /* nobody looked */
	look(k, NULL, 0, NOW + 5000);
	assert_true(agent_alert_find(k->s, one.key, k->a, &r));
	assert_int_equal(r.good, NOW + 5000);
	OK(k, alert_life_apply(k->s, &nothing, NOW + 5060, &told, &k->e));
	assert_true(told);
	assert_int_equal(open_now(k), 0);
}

/* A machine that woke up in the wrong year, and was put right. */
static void
a_clock_set_back_keeps_nothing_for_years(void **state)
{
	const int64_t ahead = NOW + 40 * (int64_t)86400;
	struct kit *k = *state;
	struct alert_find now = some(k, "freshness-broken", "s", 0),
			  later = some(k, "source-incomplete", "b", 10);

	look(k, &now, 1, ahead);
	look(k, NULL, 0, ahead + 1); /* looks well, in the wrong year */
	look(k, &later, 1, ahead + 1);
	assert_int_equal(open_now(k), 1);
	look(k, &later, 1, NOW);
	assert_true(look(k, &later, 1, NOW + 60));
	assert_int_equal(
		open_now(k), 1); /* the one has lasted, the other has been well for a minute */
	assert_true(look(k, NULL, 0, NOW + 120));
	assert_int_equal(open_now(k), 0);
}

static void
graver_is_told_again(void **state)
{
	struct kit *k = *state;
	struct alert_find one = some(k, "disk-nearly-full", "s", 0);
	struct alert_row r;

	assert_true(look(k, &one, 1, NOW));
	assert_true(agent_alert_find(k->s, one.key, k->a, &r));
	OK(k, agent_alert_seen(k->s, r.id, "carla", NOW, &k->e));
	one.severity = ALERT_CRITICAL;
	assert_true(look(k, &one, 1, NOW + 60));
	assert_false(look(k, &one, 1, NOW + 120));
	assert_true(agent_alert_find(k->s, one.key, k->a, &r));
	assert_int_equal(r.seen_at, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_alert_is_raised_and_clears_by_itself),
		T(all_is_well_is_not_said_too_early),
		T(many_targets_clear_in_one_run),
		T(what_is_not_known_clears_nothing),
		T(a_way_does_not_tell_of_itself),
		T(what_comes_and_goes_at_once_is_never_told),
		T(what_flaps_is_held_open),
		T(time_alone_clears_and_other_domains_stay),
		T(a_clock_set_back_keeps_nothing_for_years),
		T(graver_is_told_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
