/* src/agent: what is an alert (S1.14, S2.8, N8). */
#include "alert_kit.h"
#include "alert_life.h"
#include "alert_rules.h"
#include "base/file.h"

static const struct alert_find *
find(const struct alert_finds *f, const char *key)
{
	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->list[i].key, key) == 0)
			return &f->list[i];
	fail_msg("not found: %s", key);
	return NULL;
}

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
	CLEAN_JSON struct json *j =
		parse(STATUS("5,\"held_why\":\"disable: 4 of 9 users\"", "0", "", "", "0"));
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
	struct alert_input in = { .now = NOW, .status = j, .held = held };

	alert_rules_eval(&in, &f);
	assert_int_equal(f.count, 1);
	assert_string_equal(f.list[0].cause,
		"disable: 4 of 9 users. Run 12 holds back 5 operations; it would have: disable 4 "
		"users (a, b, c, ...), delete 1 group (all)");
	assert_non_null(strstr(f.list[0].remedy, "`lockstep release 12`"));
	assert_string_equal(f.list[0].look, "lockstep history 12");
	/* where several targets count their runs, it says which */
	in.conf = &(struct conf){ .target_count = 2 };
	f = (struct alert_finds){ .arena = k->a };
	alert_rules_eval(&in, &f);
	assert_non_null(strstr(f.list[0].remedy, "`lockstep release 12 --target 'hosted'`"));
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
		{ 5, ERR_CONFIG, "no-connector", "run-failed", "sync mail" },
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
	struct err conf = { 0 }, off, down;
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
		{ .attempts = 2, .way = "webhook", .error = "no route" },
		{ .attempts = 0, .way = "pigeon", .error = "not taken for it@x" },
		{ .attempts = 0, .way = "post", .error = "" } };
	struct alert_input in = { .now = NOW,
		.check = check,
		.disk = &disk,
		.conf_error = &conf,
		.fresh = fresh,
		.fresh_count = 3,
		.watches = watch,
		.watch_count = 2,
		.ways = ways,
		.way_count = ARRAY_LEN(ways) };

	err_set(&conf, ERR_CONFIG, "bad-config", "x.conf:3: what is that");
	alert_rules_eval(&in, &f);
	assert_int_equal(f.count, 11);
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
	assert_non_null(strstr(find(&f, "notify-failed/pigeon")->cause, "it@x"));

	/* one of them is switched off: that is no fault */
	err_set(&off, ERR_CONFIG, "no-console", "it is switched off");
	err_set(&down, ERR_CONFIG, "os", "cannot listen at /run/x");
	in = (struct alert_input){ .now = NOW, .console_down = &off, .control_down = &down };
	f = (struct alert_finds){ .arena = k->a };
	alert_rules_eval(&in, &f);
	assert_int_equal(f.count, 1);
	assert_int_equal(f.domain_count, 2);
	assert_string_equal(
		find(&f, "cannot-listen/control socket")->cause, "cannot listen at /run/x");

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
		T(the_manual_has_every_alert),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
