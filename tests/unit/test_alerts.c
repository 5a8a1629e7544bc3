/* src/agent: what is an alert, its life, and what messages say of it (S1.14, S2.8, N8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "alert_life.h"
#include "alert_rules.h"
#include "base/file.h"
#include "notify_gather.h"

#define NOW 1790000000

struct kit {
	char dir[64];
	struct agent_store *s;
	struct arena *a;
	struct err e;
};

#define OK(k, expr)                                                                                \
	do {                                                                                       \
		if (!(expr))                                                                       \
			fail_msg("%s:%d: %s: %s", __FILE__, __LINE__, #expr, (k)->e.text);         \
	} while (0)

static int
setup(void **state)
{
	struct kit *k = xcalloc(1, sizeof(*k));
	struct store_env env = { .sync_off = true };

	snprintf(k->dir, sizeof(k->dir), "/tmp/lockstep-alerts-XXXXXX");
	assert_non_null(mkdtemp(k->dir));
	k->a = arena_new();
	OK(k, agent_store_open(agent_store_path(k->dir, k->a), &env, false, &k->s, NULL, &k->e));
	*state = k;
	return 0;
}

static int
teardown(void **state)
{
	struct kit *k = *state;
	CLEAN_FREE char *rm = xasprintf("rm -rf '%s'", k->dir);

	agent_store_close(&k->s);
	arena_free(k->a);
	assert_int_equal(system(rm), 0);
	free(k);
	return 0;
}

static struct json *
parse(const char *text)
{
	struct json *j = NULL;
	struct err e;

	if (!json_parse(str_c(text), 0, &j, &e))
		fail_msg("%s: %s", text, e.text);
	return j;
}

static const struct alert_find *
find(const struct alert_finds *f, const char *key)
{
	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->list[i].key, key) == 0)
			return &f->list[i];
	fail_msg("not found: %s", key);
	return NULL;
}

/* As recorded from `lockstep status --json`. */
#define STATUS(held, failing, codes, failures, missing)                                            \
	"{\"targets\":[{\"target\":\"hosted\",\"in_lockstep\":false,\"run\":12,\"ended\":1,"       \
	"\"exit\":1,"                                                                              \
	"\"held\":" held ",\"dirty\":2,\"waiting\":0,\"users\":100,\"groups\":3,\"pinned\":0,"     \
	"\"pins\":[],"                                                                             \
	"\"failing\":" failing ",\"failures\":[" failures "],\"failing_codes\":[" codes "]}],"     \
	"\"sources\":[{\"source\":\"company\",\"entries\":120,\"missing\":" missing                \
	",\"read\":5}]}"
#define FAILS(name, code, text)                                                                    \
	"{\"object\":\"" name "\",\"code\":\"" code "\",\"message\":\"" text                       \
	"\",\"since\":1,\"attempts\":2}"

static void
failing_objects_are_one_alert_for_each_cause(void **state)
{
	struct kit *k = *state;
	CLEAN_BUF struct buf failures = { 0 };
	struct alert_finds f = { .arena = k->a };

	for (int i = 0; i < 49; i++)
		buf_addf(&failures, "%s" FAILS("user%d", "no-name", "has no mail address"),
			i ? "," : "", i);
	buf_adds(&failures, "," FAILS("Anna", "address-taken", "anna@x is taken by Bert"));
	CLEAN_FREE char *text = xasprintf(STATUS("0", "301",
						  "{\"code\":\"no-name\",\"count\":300},"
						  "{\"code\":\"address-taken\",\"count\":1}",
						  "%s", "0"),
		buf_cstr(&failures));
	CLEAN_JSON struct json *j = parse(text), *names = NULL;
	struct alert_input in = { .now = NOW, .status = j };

	alert_rules_eval(&in, &f);
	assert_int_equal(f.count, 2);
	const struct alert_find *many = find(&f, "object-errors/hosted/no-name"),
				*one = find(&f, "object-errors/hosted/address-taken");

	assert_int_equal(many->count, 300);
	assert_non_null(strstr(many->cause, "300 objects fail with no-name"));
	assert_non_null(strstr(many->remedy, "mail address"));
	OK(k, json_parse(str_c(many->examples), 0, &names, &k->e));
	assert_int_equal(json_count(names), 10);
	assert_string_equal(one->object, "Anna");
	assert_non_null(strstr(one->cause, "taken by Bert"));
	assert_string_equal(one->look, "lockstep explain 'Anna'");
	assert_string_equal(one->examples, "");
}

static void
a_hold_says_what_it_would_have_done(void **state)
{
	struct kit *k = *state;
	struct alert_finds f = { .arena = k->a };
	CLEAN_JSON struct json *j = parse(STATUS("5", "0", "", "", "0"));
#define HELD(target, class, kind, name)                                                            \
	"{\"target\":\"" target "\",\"held\":\"" class "\",\"kind\":\"" kind "\",\"name\":\"" name \
						       "\"}"
	/* another run, and another target's run of that number, say nothing */
	CLEAN_JSON struct json *held =
		parse("[{\"target\":\"hosted\",\"run\":11,\"operations\":[" HELD("hosted", "delete",
			"user",
			"z") "]},"
			     "{\"target\":\"hosted\",\"run\":12,\"operations\":["
			     "{\"run\":12,\"op\":\"update\",\"kind\":\"user\"}," HELD(
				     "hosted", "disable", "user", "a") "," HELD("hosted", "disable",
				     "user", "b") "," HELD("other", "disable", "user",
				     "y") "," HELD("hosted", "disable", "user",
				     "c") "," HELD("hosted", "disable", "user",
				     "d") "," HELD("hosted", "delete", "group", "all") "]}]");
	CLEAN_JSON struct json *why =
		parse("{\"other\":\"x\",\"hosted\":\"disable: 4 of 9 users\"}");
	struct alert_input in = { .now = NOW, .status = j, .held = held, .held_why = why };

	alert_rules_eval(&in, &f);
	assert_int_equal(f.count, 1);
	assert_string_equal(f.list[0].cause,
		"disable: 4 of 9 users. Run 12 holds back 5 operations; it would have: disable 4 "
		"users (a, b, c, ...), delete 1 group (all)");
	assert_non_null(strstr(f.list[0].remedy, "lockstep release 12"));
	assert_string_equal(f.list[0].look, "lockstep history 12");
}

static struct alert_find
of_run(struct kit *k, int exit, enum err_kind kind, const char *code)
{
	struct alert_finds f = { .arena = k->a };
	struct conf_sync sync = { .name = "mail", .from = "company", .to = "hosted" };
	struct conf c = { .syncs = &sync, .sync_count = 1, .state = "/state" };
	struct alert_run run = { .sync = "mail", .exit = exit };
	struct alert_input in = { .conf = &c, .now = NOW, .run = &run };

	if (code)
		err_set(&run.error, kind, code, "because of %s", code);
	alert_rules_eval(&in, &f);
	assert_true(f.count <= 1);
	return f.count ? f.list[0] : (struct alert_find){ .object = f.domain_count ? "" : NULL };
}

static void
runs_that_fail_have_their_causes(void **state)
{
	static const struct {
		int exit;
		enum err_kind kind;
		const char *error, *alert, *object;
	} rows[] = {
		{ 3, ERR_RETRY, "unreachable", "source-incomplete", "source company" },
		{ 3, ERR_CONFIG, "bind-refused", "account-refused", "source company" },
		{ 3, ERR_CONFIG, "account-locked", "account-locked", "source company" },
		{ 3, ERR_CONFIG, "account-moved", "account-moved", "source company" },
		{ 3, ERR_CONFIG, "certificate", "certificate-refused", "source company" },
		{ 3, ERR_CONFIG, "clock", "clock-wrong", "source company" },
		{ 5, ERR_CONFIG, "token-refused", "target-refusing", "target hosted" },
		{ 5, ERR_RETRY, "service-error", "target-unreachable", "target hosted" },
		{ 5, ERR_CONFIG, "certificate", "certificate-refused", "target hosted" },
		{ 2, ERR_CONFIG, "bad-config", "run-failed", "sync mail" },
		{ 2, ERR_SIDE, "state-damaged", "state-damaged", "/state" },
		{ 3, ERR_SIDE, "disk-full", "disk-nearly-full", "/state" },
		{ -2, ERR_NONE, NULL, "run-failed", "sync mail" },
	};
	struct kit *k = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct alert_find f = of_run(k, rows[i].exit, rows[i].kind, rows[i].error);

		assert_non_null(f.rule);
		assert_string_equal(f.rule->code, rows[i].alert);
		assert_string_equal(f.object, rows[i].object);
		assert_true(*f.cause && *f.remedy);
		assert_int_equal(
			f.after, rows[i].kind == ERR_CONFIG ? 0 : alert_rule(rows[i].alert)->after);
	}
	assert_int_equal(of_run(k, 3, ERR_SIDE, "disk-full").severity, ALERT_CRITICAL);
	/* well: looked at, nothing found */
	assert_non_null(of_run(k, 0, ERR_NONE, NULL).object);
	assert_non_null(of_run(k, 1, ERR_OBJECT, "no-name").object);
	/* says nothing either way */
	assert_null(of_run(k, 5, ERR_SIDE, "stopped").object);
	assert_null(of_run(k, 2, ERR_SIDE, "locked").object);
}

static void
check_disk_promise_and_service(void **state)
{
	struct kit *k = *state;
	struct alert_finds f = { .arena = k->a };
	CLEAN_JSON struct json *check = parse(
		"{\"findings\":[{\"where\":\"source company\",\"level\":\"ok\",\"topic\":\"clock\","
		"\"text\":\"well\"},"
		"{\"where\":\"source company\",\"level\":\"warn\",\"topic\":\"account-expires\","
		"\"text\":\"in 3 days\",\"remedy\":\"never\"},"
		"{\"where\":\"source "
		"company\",\"level\":\"fail\",\"topic\":\"server\",\"text\":\"a "
		"run says so\"},"
		"{\"where\":\"target "
		"hosted\",\"level\":\"fail\",\"topic\":\"certificate\",\"text\":"
		"\"over\"},"
		"{\"where\":\"source "
		"company\",\"level\":\"warn\",\"topic\":\"certificate\",\"text\":"
		"\"dc1 expires soon\"},"
		"{\"where\":\"source "
		"company\",\"level\":\"warn\",\"topic\":\"certificate\",\"text\":"
		"\"dc2 expires soon\"}],\"exit\":1}");
	const int64_t giga = 1024 * 1024 * (int64_t)1024;
	struct alert_disk disk = { "/state", 4 * giga, 100 * giga, .was_low = false };
	struct err conf = { 0 };
	struct alert_fresh fresh[] = { { .sync = "a", .promise = 60, .lag = 61 },
		{ .sync = "b", .promise = 60, .lag = 60 },
		{ .sync = "c",
			.lag = -1,
			.canary = "CN=c",
			.canary_seen = NOW - 5401,
			.canary_every = 3600 } };
	struct alert_watch watch[] = { { "company", "refused", .failed = true },
		{ "other", "a file", .cannot = true } };
	struct way_row ways[] = { { .attempts = 3, .way = "mail", .error = "no route" },
		{ .attempts = 2, .way = "webhook", .error = "no route" } };
	struct alert_input in = { .now = NOW,
		.check = check,
		.disk = &disk,
		.conf_error = &conf,
		.fresh = fresh,
		.fresh_count = 3,
		.watches = watch,
		.watch_count = 2,
		.ways = ways,
		.way_count = 2 };

	err_set(&conf, ERR_CONFIG, "bad-config", "x.conf:3: what is that");
	alert_rules_eval(&in, &f);
	assert_int_equal(f.count, 10);
	assert_string_equal(find(&f, "account-expires/source company")->remedy, "never");
	assert_int_equal(find(&f, "certificate-refused/target hosted")->severity, ALERT_CRITICAL);
	assert_int_equal(find(&f, "certificate-expires/source company")->severity, ALERT_WARNING);
	assert_string_equal(find(&f, "certificate-expires/source company")->cause,
		"dc1 expires soon; dc2 expires soon");
	assert_int_equal(find(&f, "disk-nearly-full//state")->severity, ALERT_WARNING);
	assert_non_null(strstr(find(&f, "freshness-broken/a")->cause, "promise is"));
	find(&f, "canary-missing/c");
	assert_int_equal(find(&f, "watch-failed/source company")->severity, ALERT_WARNING);
	assert_int_equal(find(&f, "watch-failed/source other")->severity, ALERT_INFO);
	assert_non_null(strstr(find(&f, "config-refused/configuration")->cause, "x.conf:3"));
	assert_non_null(strstr(find(&f, "notify-failed/mail")->cause, "no route"));

	/* what was low must be well, not just a little less low */
	in = (struct alert_input){ .now = NOW, .disk = &disk };
	f = (struct alert_finds){ .arena = k->a };
	disk.free = 5 * giga + giga / 2;
	alert_rules_eval(&in, &f);
	assert_int_equal(f.count, 0);
	disk.was_low = true;
	alert_rules_eval(&in, &f);
	assert_int_equal(f.count, 1);
	disk = (struct alert_disk){ "/state", giga / 64, giga, .was_low = false };
	f.count = 0;
	alert_rules_eval(&in, &f);
	assert_int_equal(f.list[0].severity, ALERT_CRITICAL);
}

/* Around the critical limit, as around the other: what wavers is told once. */
static void
a_disk_that_wavers_is_told_once(void **state)
{
	const int64_t mega = 1024 * 1024;
	static const int64_t free[] = { 150, 49, 51, 49, 60, 49, 74, 49 };
	struct kit *k = *state;
	struct alert_disk disk = { "/state", .total = 1000 * mega };
	struct alert_input in = { .disk = &disk };
	struct alert_row r = { 0 };
	int told = 0;

	for (size_t i = 0; i < ARRAY_LEN(free); i++) {
		struct alert_finds f = { .arena = k->a };
		bool news = false;

		in.now = NOW + (int64_t)i * 60;
		disk.free = free[i] * mega;
		disk.was_low = r.state == ALERT_OPEN;
		disk.was_grave = disk.was_low && r.severity == ALERT_CRITICAL;
		alert_rules_eval(&in, &f);
		OK(k, alert_life_apply(k->s, &f, in.now, &news, &k->e));
		assert_true(agent_alert_find(k->s, "disk-nearly-full//state", k->a, &r));
		told += news;
	}
	assert_int_equal(told, 2); /* low, and critical */
}

static void
absence_is_given_its_time(void **state)
{
	struct kit *k = *state;
	struct alert_finds f = { .arena = k->a };
	struct conf_source src = { .name = "company", .missing_after = 3600 };
	struct conf c = { .sources = &src, .source_count = 1 };
	CLEAN_JSON struct json *j = parse(STATUS("0", "0", "", "", "7"));
	struct alert_input in = { .conf = &c, .now = NOW, .status = j };

	alert_rules_eval(&in, &f);
	assert_int_equal(f.count, 1);
	assert_int_equal(f.list[0].count, 7);
	assert_int_equal(f.list[0].after, 4 * 3600);
}

/* --- life --- */

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

/* --- words --- */

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

/* The manual page has each code, and no other. */
static void
the_manual_has_every_alert(void **state)
{
	struct kit *k = *state;
	const char *root = getenv("LOCKSTEP_SOURCE");
	CLEAN_FREE char *path = xasprintf("%s/man/lockstepd-alerts.7", root ? root : ".");
	CLEAN_BUF struct buf page = { 0 };
	size_t codes = 0, items = 0;

	OK(k, file_read(path, 1 << 20, &page, &k->e));
	for (const struct alert_rule *r = alert_rules; r->code; r++, codes++) {
		CLEAN_FREE char *item = xasprintf("\n.It Li %s\n", r->code);

		if (!strstr(buf_cstr(&page), item))
			fail_msg("%s has no item %s", path, r->code);
	}
	for (const char *p = buf_cstr(&page); (p = strstr(p, "\n.It Li ")); p++)
		items++;
	assert_int_equal(items, codes);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(failing_objects_are_one_alert_for_each_cause),
		T(a_hold_says_what_it_would_have_done),
		T(runs_that_fail_have_their_causes),
		T(check_disk_promise_and_service),
		T(a_disk_that_wavers_is_told_once),
		T(absence_is_given_its_time),
		T(an_alert_is_raised_and_clears_by_itself),
		T(all_is_well_is_not_said_too_early),
		T(what_is_not_known_clears_nothing),
		T(a_way_does_not_tell_of_itself),
		T(many_targets_clear_in_one_run),
		T(what_comes_and_goes_at_once_is_never_told),
		T(what_flaps_is_held_open),
		T(time_alone_clears_and_other_domains_stay),
		T(a_clock_set_back_keeps_nothing_for_years),
		T(graver_is_told_again),
		T(a_message_says_what_since_when_and_what_to_do),
		T(what_is_left_out_of_a_message_is_counted),
		T(a_subject_is_short_and_of_one_direction),
		T(a_day_is_summed_up),
		T(each_way_is_told_what_it_does_not_know),
		T(the_manual_has_every_alert),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
