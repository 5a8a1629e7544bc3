/* conf/conf.h: what a configuration says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/file.h"
#include "base/str.h"
#include "conf/conf.h"
#include "../../src/conf/table.h"
#include "conf_kit.h"

static struct conf *
good(const char *text)
{
	struct err e;
	struct conf *c = load(text, &e);

	if (!c)
		fail_msg("%s", e.text);
	return c;
}

static const struct conf_value *
option(const struct conf_source *s, const char *name)
{
	for (size_t i = 0; i < s->option_count; i++)
		if (strcmp(s->options[i].name, name) == 0)
			return &s->options[i];
	return NULL;
}

static const char *
map_of(const struct conf_kind *k, const char *name)
{
	for (size_t i = 0; i < k->map_count; i++)
		if (strcmp(k->maps[i].name, name) == 0)
			return k->maps[i].expr;
	return NULL;
}

static const char example[] =
	"state = \"/var/lib/lockstep\"   # folder\n"
	"source \"corp\" {\n"
	"  type = \"ad\"\n"
	"  server = {\"ldaps://dc1.corp.example\", # first\n"
	"            \"ldaps://dc2.corp.example\"} /* two\n lines */\n"
	"  bind = \"svc-lockstep@corp.example\"  port = 636\n"
	"  base = 'DC=corp,DC=example'\n"
	"  id = 'objectGUID' missing_after = \"2h\"\n"
	"}\n"
	"target \"hosted\" { type = \"scim\"  url = \"https://x.example/scim/v2\" adopt = yes }\n"
	"sync \"mail\" {\n"
	"  from = \"corp\"  to = \"hosted\" members = \"exact\"\n"
	"  scope { base = {'OU=People,DC=corp,DC=example'}  not_base = {'OU=a\\, b,DC=x'}\n"
	"    group = 'CN=Hosted Mail,DC=x'  filter = '(mail=*)' when = 'mail' }\n"
	"  user { leave = \"disable\" grace = \"30d\"\n"
	"    map { userName = 'mail'  'name.givenName' = 'Trim(givenName)' name.familyName = 'sn'\n"
	"      title = '' 'urn:x:2.0:y' = '\"it\\'s\"' } }\n"
	"  group { leave = \"delete\" enabled = no }\n"
	"  guard { delete = {\"10%\", \"500\"} disable = 5 update = '2.5%' create = '-' floor = 7\n"
	"    protect = {'boss@corp.example', 'CN=Admin,DC=x'} }\n"
	"}\n";

static void
test_1_whole_example(void **state)
{
	struct conf *c = good(example);
	const struct conf_source *s = conf_source(c, "corp");
	const struct conf_sync *y = &c->syncs[0];
	const struct conf_kind *u = &y->kind[KIND_USER];

	(void)state;
	assert_string_equal(c->state, "/var/lib/lockstep");
	assert_int_equal(option(s, "server")->count, 2);
	assert_string_equal(option(s, "server")->values[1], "ldaps://dc2.corp.example");
	assert_int_equal(option(s, "server")->line, 4);
	assert_string_equal(option(s, "port")->values[0], "636");
	assert_int_equal(option(s, "base")->line, 8);
	assert_string_equal(s->id, "objectGUID");
	assert_string_equal(option(s, "id")->values[0], "objectGUID");
	assert_null(option(s, "missing_after"));
	assert_int_equal(s->missing_after, 7200);
	assert_true(conf_target(c, "hosted")->adopt);
	assert_false(conf_target(c, "hosted")->exclusive);
	assert_null(conf_target(c, "corp"));
	assert_true(y->members_exact);
	assert_string_equal(y->scope.not_base.list[0].text, "OU=a\\, b,DC=x");
	assert_int_equal(y->scope.group.list[0].line, 15);
	assert_int_equal(u->leave, LEAVE_GRACE);
	assert_int_equal(u->grace, 30 * 86400);
	assert_string_equal(map_of(u, "name.givenName"), "Trim(givenName)");
	assert_string_equal(map_of(u, "urn:x:2.0:y"), "\"it's\"");
	assert_null(map_of(u, "title"));
	assert_string_equal(map_of(u, "active"), "enabled");
	assert_false(y->kind[KIND_GROUP].enabled);
	assert_true(y->guard.limit[GUARD_DELETE].percent == 10);
	assert_int_equal(y->guard.limit[GUARD_DELETE].absolute, 500);
	assert_true(y->guard.limit[GUARD_DISABLE].percent < 0);
	assert_int_equal(y->guard.limit[GUARD_DISABLE].absolute, 5);
	assert_true(y->guard.limit[GUARD_UPDATE].percent == 2.5);
	assert_int_equal(y->guard.limit[GUARD_CREATE].absolute, -1);
	assert_int_equal(y->guard.floor, 7);
	assert_int_equal(y->guard.protect.count, 2);
	conf_free(&c);
	assert_null(c);
}

static void
test_1_1_foreign_connector_and_options(void **state)
{
	struct conf *c =
		good("state='x'\nsource 'a' { type='exec' command='/bin/x' options { type = 'q'"
		     " deep = {'1','2'} } }\ntarget 't' { type='scim' }\n"
		     "sync 's' { from='a' to='t' }\n");

	(void)state;
	assert_string_equal(conf_source(c, "a")->type, "exec");
	assert_string_equal(conf_source(c, "a")->command, "/bin/x");
	assert_string_equal(option(conf_source(c, "a"), "type")->values[0], "q");
	assert_int_equal(option(conf_source(c, "a"), "deep")->count, 2);
	conf_free(&c);
	refused("state='x'\nsource 'a' { type='exec' }\n" SYNC(""), 2, "needs command");
	refused("state='x'\nsource 'a' { type='ad' command='x' }\n" SYNC(""), 2, "goes with type");
	refused("state='x'\nsource 'a' {\ntype='ad' x = '1'\noptions { x = '2' } }\n" SYNC(""), 4,
		"x is given twice; first at line 3");
}

static void
test_1_1_include_keeps_order_and_place(void **state)
{
	put("two.conf", "# comment\nsync 'two' { " LINK "}\n");
	put("bad.conf", "\nsync 'bad' {\n form = 'x' }\n");
	put("loop.conf", "include('loop.conf')\n");
	struct conf *c = good(
		FIRST "sync 'one' { " LINK "}\ninclude('two.conf')\nsync 'three' { " LINK "}\n");

	(void)state;
	assert_int_equal(c->sync_count, 3);
	assert_string_equal(c->syncs[1].name, "two");
	assert_string_equal(c->syncs[2].name, "three");
	assert_int_equal(c->syncs[1].line, 2);
	conf_free(&c);
	refused_in("bad.conf", FIRST "include('bad.conf')\n", 3, "did you mean 'from'?");
	refused_in("loop.conf", FIRST "include('loop.conf')\n", 1, "included twice");
	refused("\ninclude('none.conf')\n", 2, "none.conf");
	refused_in("two.conf", FIRST "sync 'two' { " LINK "}\ninclude('two.conf')\n", 2,
		"given twice; first at");
	refused(FIRST SYNC("include('two.conf')"), 10, "no option 'include'");
}

static void
test_1_3_first_configuration_of_ten_lines(void **state)
{
	struct conf *c = good(FIRST "sync 'mail' { from = 'corp' to = 'hosted' }\n");
	const struct conf_sync *s = &c->syncs[0];
	const struct conf_kind *u = &s->kind[KIND_USER], *g = &s->kind[KIND_GROUP];
	char want[128];

	(void)state;
	snprintf(want, sizeof want, "%s/data", folder);
	assert_string_equal(c->state, want);
	assert_int_equal(c->default_map, 1);
	assert_int_equal(c->sources[0].missing_after, 3600);
	assert_int_equal(c->sources[0].full_every, 86400);
	assert_string_equal(s->scope.filter.list[0].text, "(!(isCriticalSystemObject=TRUE))");
	assert_int_equal(s->scope.filter.list[0].line, 0);
	assert_int_equal(u->leave, LEAVE_DISABLE);
	assert_int_equal(g->leave, LEAVE_DELETE);
	assert_true(u->enabled && g->enabled);
	assert_string_equal(map_of(u, "userName"), "mail or userPrincipalName");
	assert_string_equal(map_of(u, "manager"), "manager");
	assert_string_equal(map_of(g, "members"), "member");
	assert_true(u->maps[0].is_default);
	assert_true(s->guard.limit[GUARD_DELETE].percent == 10);
	assert_int_equal(s->guard.limit[GUARD_DELETE].absolute, 500);
	assert_true(s->guard.limit[GUARD_CREATE].percent < 0);
	assert_int_equal(s->guard.seen_disable.absolute, 2000);
	assert_int_equal(s->guard.floor, 5);
	for (size_t k = 0; k < KIND_COUNT; k++)
		for (size_t i = 0; i < s->kind[k].map_count; i++)
			assert_non_null(vocab_find(s->kind[k].maps[i].name));
	conf_free(&c);
}

static void
test_1_3_print_parses_again_to_the_same(void **state)
{
	static const char *const texts[] = { example, FIRST SYNC(""),
		FIRST SYNC(
			"scope { filter = {} base = 'CN=a\\\\, \\'b\\'\\\\\\\\' }"
			" group { leave = 'grace' map { mail = '' } }") "sync 'second' { " LINK
									" user { map { title = "
									"'\"a\n${b}\"' } } }\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		CLEAN_BUF struct buf one = { 0 };
		CLEAN_BUF struct buf two = { 0 };
		char d1[65], d2[65];
		struct conf *c = good(texts[i]);
		conf_print(c, &one);
		struct conf *again = good(buf_cstr(&one));
		conf_print(again, &two);
		assert_string_equal(buf_cstr(&one), buf_cstr(&two));
		assert_int_equal(c->sync_count, again->sync_count);
		for (size_t k = 0; k < c->sync_count; k++) {
			conf_sync_digest(&c->syncs[k], d1);
			conf_sync_digest(&again->syncs[k], d2);
			assert_string_equal(d1, d2);
			assert_memory_equal(&c->syncs[k].guard.floor, &again->syncs[k].guard.floor,
				sizeof(int64_t));
		}
		conf_free(&c);
		conf_free(&again);
	}
}

static void
test_5_1_digest_follows_what_is_wanted(void **state)
{
	static const char *const texts[] = { SYNC(""), SYNC("scope { filter = '(a=b)' }"),
		SYNC("scope { base = '(a=b)' }"), SYNC("user { map { title = 'sn' } }"),
		SYNC("group { map { mail = '' } }"), SYNC("user { enabled = no }"),
		SYNC("members = 'exact'") };
	char digests[sizeof(texts) / sizeof(*texts)][65], other[65];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		CLEAN_BUF struct buf b = { 0 };
		buf_adds(&b, FIRST);
		buf_adds(&b, texts[i]);
		struct conf *c = good(buf_cstr(&b));
		conf_sync_digest(&c->syncs[0], digests[i]);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(digests[i], digests[j]);
		conf_free(&c);
	}
	/* Neither lines nor the guard matter. */
	struct conf *c = good("\n\n" FIRST SYNC("guard { delete = 1 } fresh = 60s canary = 'x' "
						"schedule { every = 10s }"));
	conf_sync_digest(&c->syncs[0], other);
	assert_string_equal(other, digests[0]);
	conf_free(&c);
}

/* Sections that stand once, for the service. */
static void
test_1_3_service_options(void **state)
{
	struct conf *c = good(FIRST SYNC(""));
	char want[160];

	(void)state;
	assert_true(c->console.enabled && c->syncs[0].schedule.on_change);
	assert_int_equal(c->console.port, 8080);
	assert_int_equal(c->syncs[0].schedule.every, 300);
	assert_int_equal(c->keep.history, 400 * 86400);
	snprintf(want, sizeof want, "%s/control", c->state);
	assert_string_equal(c->control, want);
	conf_free(&c);
	/* the packaged state folder is its owner's alone: the group reaches the socket elsewhere */
	c = good("state = '" CONF_STATE "'\nsource 'corp' { type = 'ldif' file = 'x' }\n"
		 "target 'hosted' { type = 'scim' url = 'https://x' }\n" SYNC(""));
	assert_string_equal(c->control, "/run/lockstep/control");
	conf_free(&c);
	c = good("console { port = 9000 } alerts { mail_to = {'a@b', 'c@d'} mail_from = 'e@f' smtp "
		 "= "
		 "'smtps://m' }\n" FIRST SYNC(
			 "fresh = 60s schedule { on_change = no every = 3h full_at = '02:30' "
			 "full_on = {'sat', 'sun'} }"));
	assert_int_equal(c->console.port, 9000);
	assert_int_equal(c->alerts.mail_to.count, 2);
	assert_int_equal(c->syncs[0].fresh, 60);
	assert_string_equal(c->syncs[0].schedule.full_at, "02:30");
	assert_int_equal(c->syncs[0].schedule.full_on.count, 2);
	assert_false(c->syncs[0].schedule.on_change);
	conf_free(&c);
}

static void
test_paths_are_relative_to_the_file(void **state)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct conf *c = good(FIRST SYNC(""));
	char want[128];

	(void)state;
	snprintf(want, sizeof want, "%s/sub/x", folder);
	assert_string_equal(conf_path(c, "sub/x", a), want);
	assert_string_equal(conf_path(c, "/abs", a), "/abs");
	conf_free(&c);
}

/* A macro line or a table cell of the manual page that begins with the name. */
static void
page_has(const char *page, const char *name)
{
	static const char *const before[] = { ".It Ic ", ".It ", " , ", ".Ss " };

	for (const char *p = page; (p = strstr(p, name)); p++) {
		char c = p[strlen(name)];
		for (size_t i = 0; i < sizeof(before) / sizeof(*before); i++) {
			size_t n = strlen(before[i]);
			if (strchr(" \n,", c) && p - page >= (ptrdiff_t)n &&
				!memcmp(p - n, before[i], n))
				return;
		}
	}
	fail_msg("lockstep.conf(5) lacks '%s'", name);
}

static void
page_section(const char *page, const struct conf_section *s)
{
	for (const struct conf_option *o = s->options; o->name; o++)
		page_has(page, o->name);
	for (const struct conf_section *c = s->sections; c->name; c++) {
		page_has(page, c->name);
		page_section(page, c);
	}
}

static void
test_1_1_manual_page_names_every_option(void **state)
{
	CLEAN_BUF struct buf page = { 0 };
	CLEAN_BUF struct buf row = { 0 };
	char path[512];
	const char *top = getenv("LOCKSTEP_SOURCE");

	(void)state;
	if (!top)
		skip();
	snprintf(path, sizeof path, "%s/man/lockstep.conf.5", top);
	assert_true(file_read(path, 1 << 20, &page, NULL));
	page_section(page.p, &conf_root);
	for (size_t k = 0; k < KIND_COUNT; k++) {
		for (const struct conf_default *d = conf_default_maps(1, (enum kind_id)k); d->name;
			d++) {
			buf_reset(&row);
			buf_addf(&row, ".It %s Ta %s\n", d->name, d->expr);
			if (!strstr(page.p, buf_cstr(&row)))
				fail_msg("lockstep.conf(5) lacks '%s'", buf_cstr(&row));
		}
	}
	for (const char *const *v = vocab_names(); *v; v++)
		if (!strstr(page.p, *v))
			fail_msg("lockstep.conf(5) lacks '%s'", *v);
}

static void
test_guard_class_names(void **state)
{
	(void)state;
	assert_string_equal(guard_class_name(GUARD_MEMBER_REMOVAL), "member-removal");
	assert_string_equal(guard_class_name(GUARD_CREATE), "create");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_1_whole_example),
		cmocka_unit_test(test_1_1_foreign_connector_and_options),
		cmocka_unit_test(test_1_1_include_keeps_order_and_place),
		cmocka_unit_test(test_1_3_first_configuration_of_ten_lines),
		cmocka_unit_test(test_1_3_print_parses_again_to_the_same),
		cmocka_unit_test(test_5_1_digest_follows_what_is_wanted),
		cmocka_unit_test(test_1_3_service_options),
		cmocka_unit_test(test_paths_are_relative_to_the_file),
		cmocka_unit_test(test_1_1_manual_page_names_every_option),
		cmocka_unit_test(test_guard_class_names),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
