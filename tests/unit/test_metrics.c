/* src/agent/metrics.h: Prometheus' text format; the dashboard asks for what there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "metrics.h"

static void
samples_are_text(void **state)
{
	CLEAN_BUF struct buf out = { 0 };

	(void)state;
	metric_head(&out, "lockstep_alerts");
	metric_value(&out, "lockstep_alerts", "", 3, "severity", "critical", NULL);
	metric_value(&out, "lockstep_messages_waiting", "", 0.25, NULL);
	metric_value(
		&out, "lockstep_objects", "", 1e12, "target", "a\"b\\c\nd", "kind", "user", NULL);
	assert_string_equal(buf_cstr(&out),
		"# HELP lockstep_alerts Open alerts.\n# TYPE lockstep_alerts gauge\n"
		"lockstep_alerts{severity=\"critical\"} 3\n"
		"lockstep_messages_waiting 0.25\n"
		"lockstep_objects{target=\"a\\\"b\\\\c\\nd\",kind=\"user\"} 1000000000000\n");
}

static void
histograms_add_up(void **state)
{
	struct metric_histogram h = { 0 };
	struct metric_buckets b;
	CLEAN_BUF struct buf out = { 0 };

	(void)state;
	metric_observe(&h, 0.5);
	metric_observe(&h, 0.6);
	metric_observe(&h, 9999);
	b = metric_buckets_of(&h);
	metric_histogram(&out, "lockstep_run_duration_seconds", &b, "sync", "m");
	assert_non_null(strstr(out.p, "_bucket{sync=\"m\",le=\"0.5\"} 1\n"));
	assert_non_null(strstr(out.p, "_bucket{sync=\"m\",le=\"1\"} 2\n"));
	assert_non_null(strstr(out.p, "_bucket{sync=\"m\",le=\"7200\"} 2\n"));
	assert_non_null(strstr(out.p, "_bucket{sync=\"m\",le=\"+Inf\"} 3\n"));
	assert_non_null(strstr(out.p, "_sum{sync=\"m\"} 10000.1\n"));
	assert_non_null(strstr(out.p, "_count{sync=\"m\"} 3\n"));
}

/* Is it a metric, or a part of a histogram? */
static bool
is_known(const char *name, size_t n)
{
	static const char *const parts[] = { "_bucket", "_sum", "_count" };

	for (const struct metric *m = metrics; m->name; m++) {
		size_t have = strlen(m->name);

		if (n == have && strncmp(m->name, name, n) == 0)
			return true;
		for (size_t i = 0; m->type == METRIC_HISTOGRAM && i < ARRAY_LEN(parts); i++)
			if (n == have + strlen(parts[i]) && strncmp(m->name, name, have) == 0 &&
				strncmp(name + have, parts[i], n - have) == 0)
				return true;
	}
	return false;
}

static size_t
names_in(const char *expr)
{
	size_t found = 0;

	for (const char *p = expr; *p;) {
		size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyz_");

		if (n > 9 && (strncmp(p, "lockstep_", 9) == 0 || strncmp(p, "process_", 8) == 0)) {
			if (!is_known(p, n))
				fail_msg("docs/grafana.json asks for %.*s, which there is not",
					(int)n, p);
			found++;
		}
		p += n ? n : 1;
	}
	return found;
}

static void
the_dashboard_asks_for_what_there_is(void **state)
{
	const char *root = getenv("LOCKSTEP_SOURCE");
	CLEAN_FREE char *path = xasprintf("%s/docs/grafana.json", root ? root : ".");
	CLEAN_BUF struct buf text = { 0 };
	CLEAN_JSON struct json *j = NULL;
	struct err e = { 0 };
	size_t panels = 0, id_sum = 0;

	(void)state;
	if (!file_read(path, 1 << 20, &text, &e) || !json_parse(buf_str(&text), 0, &j, &e))
		fail_msg("%s", e.text);
	assert_string_equal(
		json_get_string(json_first(json_get(json_get(j, "templating"), "list")), "type"),
		"datasource");
	json_for_each(p, json_get(j, "panels")) {
		size_t queries = 0;

		json_for_each(t, json_get(p, "targets")) {
			queries += names_in(json_get_string(t, "expr"));
			assert_string_equal(
				json_get_string(json_get(t, "datasource"), "uid"), "${source}");
		}
		assert_true(queries > 0);
		panels++;
		id_sum += (size_t)json_get_int(p, "id", 0);
	}
	assert_true(panels >= 10);
	assert_int_equal(id_sum, panels * (panels + 1) / 2); /* each its own */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_are_text),
		cmocka_unit_test(histograms_add_up),
		cmocka_unit_test(the_dashboard_asks_for_what_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
