/* src/agent: what messages tell, and to which way (S1.14). */
#include "alert_kit.h"
#include "alert_rules.h"
#include "notify_gather.h"

static struct alert_row
row(struct kit *k, const char *code, const char *object, int64_t id)
{
	(void)k;
	return (struct alert_row){ .id = id,
		.key = code,
		.domain = "d",
		.code = code,
		.severity = alert_rule(code)->severity,
		.state = ALERT_OPEN,
		.object = object,
		.cause = "the service answers 401 to everything that is asked of it, and has done "
			 "so "
			 "since the morning of the day",
		.remedy = alert_rule(code)->remedy,
		.look = "lockstep check",
		.examples = "[\"Änne\",\"Bert\"]",
		.count = 300,
		.found = NOW - 120,
		.raised = NOW,
		.seen_by = "" };
}

static void
a_message_says_what_since_when_and_what_to_do(void **state)
{
	struct kit *k = *state;
	struct alert_row raised[] = { row(k, "target-refusing", "target hosted", 7),
		row(k, "object-errors", "300 objects", 8) };
	struct notify_batch b = {
		.host = "sync1", .now = NOW, .raised = raised, .raised_count = 2
	};
	CLEAN_BUF struct buf out = { 0 };
	CLEAN_JSON struct json *j = NULL;
	const char *text;

	notify_text(&b, &out);
	OK(k, json_parse(buf_str(&out), 0, &j, &k->e));
	assert_string_equal(json_get_string(j, "subject"),
		"[Lockstep sync1] CRITICAL: the target refuses us (target hosted) and 1 more");
	text = json_get_string(j, "text");
	assert_non_null(strstr(text, "what     target hosted"));
	assert_non_null(strstr(text, "since    2026-09-21T14:11:20Z (for 2m"));
	assert_non_null(strstr(text, "look     lockstep check"));
	assert_non_null(strstr(text, "such as  Änne, Bert and 298 more"));
	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n')
		assert_true(strcspn(p, "\n") <= 80);
	assert_int_equal(json_count(json_get(json_get(j, "json"), "raised")), 2);

	b = (struct notify_batch){
		.host = "sync1", .now = NOW, .cleared = raised, .cleared_count = 1, .well = true
	};
	buf_reset(&out);
	json_clean(&j);
	j = NULL;
	notify_text(&b, &out);
	OK(k, json_parse(buf_str(&out), 0, &j, &k->e));
	assert_string_equal(json_get_string(j, "subject"), "[Lockstep sync1] all is well again");
	assert_string_equal(json_get_string(json_get(j, "json"), "event"), "well");
}

static void
what_is_left_out_of_a_message_is_counted(void **state)
{
	enum { MANY = 70 };
	struct kit *k = *state;
	struct alert_row *raised = arena_alloc(k->a, MANY * sizeof(*raised));
	struct notify_batch b = { .host = "h", .now = NOW, .raised = raised, .raised_count = MANY };
	CLEAN_BUF struct buf out = { 0 };
	CLEAN_JSON struct json *j = NULL;
	const struct json *body;

	for (size_t i = 0; i < MANY; i++)
		raised[i] = row(k, "run-failed", arena_printf(k->a, "sync %zu", i), (int64_t)i);
	notify_text(&b, &out);
	OK(k, json_parse(buf_str(&out), 0, &j, &k->e));
	body = json_get(j, "json");
	assert_int_equal(json_count(json_get(body, "raised")), 50);
	assert_int_equal(json_get_int(body, "left_out", 0), 20);
	assert_int_equal(json_get_int(body, "open", 0), MANY);
	assert_non_null(strstr(json_get_string(j, "text"), "More new alerts:\n"));
	assert_non_null(strstr(json_get_string(j, "text"), "sync 69"));
}

/* A name in the directory is anybody's. */
static void
a_subject_is_short_and_of_one_direction(void **state)
{
	struct kit *k = *state;
	struct alert_row raised[] = { row(k, "object-errors", NULL, 7),
		row(k, "run-failed", "x", 8) };
	struct notify_batch b = {
		.host = "sync1", .now = NOW, .raised = raised, .raised_count = 2
	};
	CLEAN_BUF struct buf name = { 0 };
	CLEAN_BUF struct buf out = { 0 };
	CLEAN_JSON struct json *j = NULL;
	const char *subject;

	buf_adds(&name, "Anna\xe2\x80\xae\xc2\x9b\r\n\x1b[2J");
	for (int i = 0; i < 300; i++)
		buf_adds(&name, "\xc3\xa4");
	raised[0].object = buf_cstr(&name);
	notify_text(&b, &out);
	OK(k, json_parse(buf_str(&out), 0, &j, &k->e));
	subject = json_get_string(j, "subject");
	assert_true(strlen(subject) < 160);
	assert_true(utf8_valid(subject, strlen(subject)));
	assert_non_null(strstr(subject, "WARNING: objects fail (Anna\\xe2\\x80\\xae"));
	assert_non_null(strstr(subject, "...) and 1 more"));
	for (const char *p = subject; *p; p++)
		assert_true((unsigned char)*p >= 0x20);
	assert_null(strstr(json_get_string(j, "text"), "\xe2\x80\xae"));
}

static void
a_day_is_summed_up(void **state)
{
	struct kit *k = *state;
	CLEAN_JSON struct json *status = parse(STATUS("0", "2", "", "", "0")), *j = NULL;
	struct notify_day d = { .host = "sync1",
		.now = NOW,
		.since = NOW - 86400,
		.raised = 3,
		.cleared = 2,
		.lines = "  mail: 288 runs\n",
		.status = status };
	CLEAN_BUF struct buf out = { 0 };

	notify_text_day(&d, &out);
	OK(k, json_parse(buf_str(&out), 0, &j, &k->e));
	assert_string_equal(json_get_string(j, "subject"), "[Lockstep sync1] daily: all is well");
	assert_non_null(strstr(json_get_string(j, "text"),
		"hosted: NOT in lockstep; 100 users, 3 groups; 2 "
		"fail"));
	assert_non_null(
		strstr(json_get_string(j, "text"), "The last 24 hours:\n  mail: 288 runs\n"));
	d.since = NOW - 3 * 86400; /* two could not be sent */
	buf_reset(&out);
	json_clean(&j);
	j = NULL;
	notify_text_day(&d, &out);
	OK(k, json_parse(buf_str(&out), 0, &j, &k->e));
	assert_non_null(strstr(json_get_string(j, "text"), "\nSince 2026-09-18T14:13:20Z, when"));
}

static int64_t
kept(struct kit *k, const char *code, enum alert_state state, int64_t cleared)
{
	struct alert_row r = row(k, code, code, 0);

	r.state = state;
	r.cleared = cleared;
	OK(k, agent_alert_put(k->s, &r, &k->e));
	return r.id;
}

/* A way gets what it has not got yet, as it is now. */
static void
each_way_is_told_what_it_does_not_know(void **state)
{
	struct kit *k = *state;
	int64_t came = kept(k, "run-failed", ALERT_CLEARED, NOW),
		over = kept(k, "target-refusing", ALERT_CLEARED, NOW),
		here = kept(k, "object-errors", ALERT_OPEN, 0),
		old = kept(k, "clock-wrong", ALERT_OPEN, 0);
	struct way_row way = { .way = "mail" };
	struct notify_batch b;
	struct news_row last, news[8];
	CLEAN_BUF struct buf out = { 0 };
	CLEAN_JSON struct json *j = NULL;

	OK(k, agent_news_add(k->s, NEWS_RAISED, over, NOW, &k->e));
	OK(k, agent_news_add(k->s, NEWS_RAISED, came, NOW, &k->e));
	OK(k, agent_news_add(k->s, NEWS_CLEARED, came, NOW, &k->e));
	OK(k, agent_news_add(k->s, NEWS_RAISED, here, NOW, &k->e));
	OK(k, agent_news_add(k->s, NEWS_CLEARED, over, NOW, &k->e));
	assert_int_equal(agent_news(k->s, 0, news, 8), 5);
	/* one that works got the first at once */
	way.told = news[0].id;
	notify_gather(k->s, &way, "h", NOW, k->a, &b, &last);
	assert_int_equal(last.id, news[4].id);
	assert_int_equal(b.raised_count, 1);
	assert_int_equal(b.raised[0].id, here);
	assert_int_equal(b.passed_count, 1);
	assert_int_equal(b.passed[0].id, came);
	assert_int_equal(b.cleared_count, 1);
	assert_int_equal(b.cleared[0].id, over);
	assert_int_equal(b.open_count, 1);
	assert_int_equal(b.open[0].id, old);
	assert_false(b.well);
	/* the other gets all in one, and what it never heard of came and went */
	way.told = 0;
	notify_gather(k->s, &way, "h", NOW, k->a, &b, &last);
	assert_int_equal(b.passed_count, 2);
	assert_int_equal(b.passed[0].id, over);
	assert_int_equal(b.cleared_count, 0);
	notify_text(&b, &out);
	OK(k, json_parse(buf_str(&out), 0, &j, &k->e));
	assert_non_null(strstr(json_get_string(j, "text"),
		"Came and went meanwhile:\n"
		"  - the target refuses us: target-refusing (2026-09-21T14:11:20Z to\n"
		"    2026-09-21T14:13:20Z)\n"));
	assert_non_null(strstr(json_get_string(j, "text"),
		"Still open:\n  - clocks differ: clock-wrong (since 2026-09-21T14:11:20Z)\n"));
	way.told = last.id;
	notify_gather(k->s, &way, "h", NOW, k->a, &b, &last);
	assert_int_equal(last.id, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_message_says_what_since_when_and_what_to_do),
		T(what_is_left_out_of_a_message_is_counted),
		T(a_subject_is_short_and_of_one_direction),
		T(a_day_is_summed_up),
		T(each_way_is_told_what_it_does_not_know),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
