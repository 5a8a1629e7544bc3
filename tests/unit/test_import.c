#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "import.h"

static struct arena *a;
static struct import im;
static struct buf out;

static int
setup(void **state)
{
	(void)state;
	a = arena_new();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	buf_free(&out);
	out = (struct buf){ 0 };
	arena_free(a);
	return 0;
}

static const char *
good(const char *xml)
{
	struct err e = { 0 };

	buf_reset(&out);
	if (!import_read(str_c(xml), "x.xml", a, &im, &out, &e))
		fail_msg("%s", e.text);
	return buf_cstr(&out);
}

static void
bad(struct str xml, const char *code, const char *part)
{
	struct err e = { 0 };

	buf_reset(&out);
	assert_false(import_read(xml, "x.xml", a, &im, &out, &e));
	assert_int_equal(e.kind, ERR_CONFIG);
	assert_string_equal(e.code, code);
	if (!strstr(e.text, part))
		fail_msg("\"%s\" has no \"%s\"", e.text, part);
}

static void
has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in:\n%s", part, text);
}

static void
lacks(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("\"%s\" in:\n%s", part, text);
}

/* The reason for which the element of that path was missed; "" = it was not. */
static const char *
missed(const char *what)
{
	for (size_t i = 0; i < im.missed.count; i++)
		if (strcmp(im.missed.list[i].what, what) == 0)
			return im.missed.list[i].why;
	return "";
}

/* A whole lsc.xml of one task. */
static const char *
lsc(const char *connection, const char *source, const char *options)
{
	return arena_printf(a,
		"<lsc>\n<connections><ldapConnection><name>ad</name>%s</ldapConnection></"
		"connections>\n"
		"<tasks><task><name>t</name><ldapSourceService><connection reference='ad'/>%s"
		"</ldapSourceService><ldapDestinationService><fetchedAttributes><string>objectClass"
		"</string></fetchedAttributes></ldapDestinationService>\n"
		"<propertiesBasedSyncOptions>%s</propertiesBasedSyncOptions></task></tasks></lsc>",
		connection, source, options);
}

#define URL     "<url>ldaps://dc1.example/DC=example</url>"
#define PEOPLE  "<baseDn>OU=People</baseDn><getAllFilter>(objectClass=user)</getAllFilter>"
#define DATASET "tasks/task[t]/propertiesBasedSyncOptions/dataset"

static void
test_issue3_import_server(void **state)
{
	const char *text;

	(void)state;
	text = good(lsc(URL, PEOPLE, ""));
	has(text, "server = 'ldaps://dc1.example'");
	has(text, "base = 'DC=example' # x.xml:2 connections/ldapConnection[ad]/url");
	has(text, "base = 'OU=People,DC=example'");
	lacks(text, "tls =");
	text = good(lsc("<url>ldap://h:3268 ldaps://h2:3269</url>", PEOPLE, ""));
	has(text, "server = {'ldap://h', 'ldaps://h2'}");
	has(text, "tls = 'start'");
	has(missed("connections/ldapConnection[ad]/url"), "global catalog");
	text = good(lsc("<url>ldap://127.0.0.1:3890/</url>", PEOPLE, ""));
	has(text, "server = 'ldap://127.0.0.1:3890'");
	lacks(text, "tls =");
	text = good(lsc("<url>ldaps://h'x/</url>", PEOPLE, ""));
	lacks(text, "h'x");
	has(text, "no server was found");
	text = good(lsc(URL "<authentication>GSSAPI</authentication>", PEOPLE, ""));
	has(text, "bind = 'gssapi'");
	has(text, "keytab = ");
	lacks(text, "password_file");
}

static void
test_issue3_import_secrets_are_named_only(void **state)
{
	const char *text = good(lsc("<url>ldaps://joe:hunter2@h/</url><password>hunter2</password>",
		PEOPLE,
		"<dataset><name>userPassword</name><forceValues><string>\"hunter2\"</string>"
		"</forceValues></dataset><dataset><name>sn</name><forceValues><string>"
		"decrypt(\"hunter2\")</string></forceValues></dataset>"
		"<surprise>hunter2</surprise>"));

	(void)state;
	lacks(text, "hunter2");
	has(text, "password_file = ");
	has(missed("connections/ldapConnection[ad]/password"), "secret");
	has(missed("tasks/task[t]/propertiesBasedSyncOptions/surprise"), "not known");
	for (size_t i = 0; i < im.missed.count; i++) {
		lacks(im.missed.list[i].what, "hunter2");
		lacks(im.missed.list[i].why, "hunter2");
		lacks(im.missed.list[i].todo, "hunter2");
	}
	for (size_t i = 0; i < im.taken.count; i++)
		lacks(im.taken.list[i].as, "hunter2");
}

static void
test_issue3_import_filter(void **state)
{
	static const struct {
		const char *xml, *filter; /* NULL: has no counterpart */
	} cases[] = {
		{ "(&amp;(objectClass=user)(cn=O'Brien))",
			"'(&(objectClass=user)(cn=O\\'Brien))'" },
		{ "(&amp;(objectClass=user)(cn=a\\5c\\28))",
			"'(&(objectClass=user)(cn=a\\5c\\28))'" },
		{ "<![CDATA[\n (&\n  (objectClass=user)\n  (cn=a  b)\n )]]>",
			"'(&(objectClass=user)(cn=a  b))'" },
		{ "\"(objectClass=user)\"", "'(objectClass=user)'" },
		{ "js:'(objectClass=user)';", "'(objectClass=user)'" },
		{ "(&amp;(objectClass=user)(cn=${x}))", NULL },
		{ "(&amp;(objectClass=user)(cn={cn}))", NULL },
		{ "\"(&amp;(objectClass=user)(cn=\" + x + \"))\"", NULL },
		{ "(&amp;(objectClass=user)(cn=a)", NULL },
		{ "objectClass=user", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *text = good(lsc(URL,
			arena_printf(a, "<baseDn>OU=P</baseDn><getAllFilter>%s</getAllFilter>",
				cases[i].xml),
			""));

		if (cases[i].filter) {
			has(text, arena_printf(a, "filter = %s #", cases[i].filter));
			lacks(text, "when =");
		} else {
			lacks(text, "filter =");
			has(text, "when = 'false'"); /* nobody: never more than before */
			assert_string_not_equal(
				missed("tasks/task[t]/ldapSourceService/getAllFilter"), "");
		}
	}
}

static void
test_issue3_import_map(void **state)
{
	static const struct {
		const char *dataset, *line; /* NULL: has no counterpart, the default stays */
	} cases[] = {
		{ "<name>mail</name>", "emails.work = 'mail'" },
		{ "<name>mail</name><forceValues><string>srcBean.getDatasetFirstValueById(\"mail\")"
		  "</string></forceValues>",
			"emails.work = 'mail'" },
		{ "<name>Title</name><forceValues><string>rjs: srcBean.getDatasetValuesById( 'x-t' "
		  ") ;"
		  "</string></forceValues>",
			"title = 'attr[\"x-t\"]'" },
		{ "<name>title</name><forceValues><string>\"It's\"</string></forceValues>",
			"title = '\"It\\'s\"'" },
		{ "<name>manager</name>", "manager = 'manager'" },
		{ "<name>manager</name><forceValues><string>\"cn=x\"</string></forceValues>",
			NULL },
		{ "<name>title</name><forceValues><string>\"a\" + \"b\"</string></forceValues>",
			NULL },
		{ "<name>title</name><forceValues><string>srcBean.getDatasetFirstValueById(\"a\") "
		  "+ x"
		  "</string></forceValues>",
			NULL },
		{ "<name>title</"
		  "name><forceValues><string>srcBean.getDatasetFirstValueById(\"a\\\"b\")"
		  "</string></forceValues>",
			NULL },
		{ "<name>title</name><forceValues><string>\"a\"</string><string>\"b\"</string>"
		  "</forceValues>",
			NULL },
		{ "<name>title</name><policy>KEEP</policy>", NULL },
		{ "<name>carLicense</name>", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *text = good(lsc(
			URL, PEOPLE, arena_printf(a, "<dataset>%s</dataset>", cases[i].dataset)));
		size_t lost = 0;

		for (size_t k = 0; k < im.missed.count; k++)
			lost += strstr(im.missed.list[k].what, DATASET) != NULL;
		if (cases[i].line)
			has(text, arena_printf(a, "%s # x.xml:", cases[i].line));
		if (lost != (cases[i].line ? 0 : 1))
			fail_msg("%s: %zu lost", cases[i].dataset, lost);
		has(text, "department = '' # LSC does not write it");
	}
	/* What LSC writes in a way that has no counterpart keeps its default. */
	lacks(good(lsc(URL, PEOPLE, "<dataset><name>title</name><policy>KEEP</policy></dataset>")),
		"title = ''");
}

static void
test_issue3_import_leave(void **state)
{
	static const struct {
		const char *class, *delete, *leave;
	} cases[] = {
		{ "user", "false", "leave = 'keep'" },
		{ "user", "js:false;", "leave = 'keep'" },
		{ "user", "true", NULL },
		{ "user", "dstBean.x()", NULL },
		{ "group", "true", "leave = 'delete'" },
		{ "group", "false", "leave = 'keep'" },
		{ "group", "dstBean.x()", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *text = good(lsc(URL,
			arena_printf(a,
				"<baseDn>OU=P</baseDn><getAllFilter>(objectClass=%s)</"
				"getAllFilter>",
				cases[i].class),
			arena_printf(a, "<conditions><delete>%s</delete></conditions>",
				cases[i].delete)));
		const char *why =
			missed("tasks/task[t]/propertiesBasedSyncOptions/conditions/delete");

		if (cases[i].leave)
			has(text, cases[i].leave);
		else
			lacks(text, "leave =");
		assert_int_equal(why[0] == '\0', cases[i].leave != NULL);
	}
}

static void
test_issue3_import_tasks(void **state)
{
	(void)state;
	good(lsc(URL, "<baseDn>OU=P</baseDn><getAllFilter>(cn=*)</getAllFilter>", ""));
	has(missed("tasks/task[t]"), "users or groups");
	good(lsc(URL,
		"<baseDn>OU=P</baseDn><getAllFilter>(|(objectClass=user)(objectClass=group))"
		"</getAllFilter>",
		""));
	has(missed("tasks/task[t]"), "users or groups");
	has(good("<lsc><tasks><task><name>t</name><databaseSourceService/></task></tasks></lsc>"),
		"when = 'false'");
	has(missed("tasks/task[t]"), "LDAP connection");
	good(lsc(URL,
		"<baseDn>OU=P</baseDn><getAllFilter>(objectClass=inetOrgPerson)</getAllFilter>",
		""));
	has(missed("tasks/task[t]/ldapSourceService"), "Active Directory");
	/* Another connection whose name looks the same as a title is not taken for the first. */
	lacks(good("<lsc><connections><ldapConnection><name>a/b</name><url>ldaps://h1</url>"
		   "</ldapConnection><ldapConnection><name>a|b</name><url>ldaps://h2</url>"
		   "</ldapConnection></connections><tasks><task><name>one</name><ldapSourceService>"
		   "<connection reference='a/b'/><getAllFilter>(objectClass=user)</getAllFilter>"
		   "</ldapSourceService></task><task><name>two</name><ldapSourceService>"
		   "<connection reference='a|b'/><getAllFilter>(objectClass=user)</getAllFilter>"
		   "</ldapSourceService></task></tasks></lsc>"),
		"sync 'two'");
	has(missed("tasks/task[two]"), "LDAP connection");
	has(missed("connections/ldapConnection[a|b]"), "second connection");
	/* Names that cannot be those of sections, and one that stands twice. */
	has(good("<lsc><connections><ldapConnection><name>a/b|c</name></ldapConnection></"
		 "connections>"
		 "<tasks><task><name>t t</name><ldapSourceService><connection reference='a/b|c'/>"
		 "<getAllFilter>(objectClass=user)</getAllFilter></ldapSourceService></task>"
		 "<task><name>t.t</name><ldapSourceService><connection reference='a/b|c'/>"
		 "<getAllFilter>(objectClass=user)</getAllFilter></ldapSourceService></task>"
		 "<task><name>t/t</name><ldapSourceService><connection reference='a/b|c'/>"
		 "<getAllFilter>(objectClass=user)</getAllFilter></ldapSourceService></task>"
		 "</tasks></lsc>"),
		"sync 't-t-1-2' {");
	has(buf_cstr(&out), "source 'a-b-c' {");
}

static void
test_issue3_import_gcds(void **state)
{
	const char *text = good(
		"<config>\n<plugin class='com.google.usersyncapp.plugin.ldap.LDAPPlugin'><config>\n"
		"<hostname>dc1.example</hostname><port>636</port>\n"
		"<authCredentialsEncrypted>hunter2</authCredentialsEncrypted>\n"
		"<a>DC=example</a>\n<b>(mail=*'\\28)</b>\n<c><d e='f'>(mail=</d></c>\n"
		"<thePassword>(hunter2=x)</thePassword></config></plugin>\n"
		"<hostname>elsewhere</hostname></config>");

	(void)state;
	has(text, "server = 'ldaps://dc1.example' # x.xml:3");
	has(text, "when = 'false'");
	has(text, "# base = 'DC=example' # x.xml:5");
	has(text, "# filter = '(mail=*\\'\\28)' # x.xml:6");
	lacks(text, "hunter2");
	lacks(text, "elsewhere");
	has(missed("plugin[LDAPPlugin]/config/authCredentialsEncrypted"), "secret");
	has(missed("plugin[LDAPPlugin]/config/c/d"), "not known");
	has(missed("plugin[LDAPPlugin]/config/c/d/@e"), "not known");
	has(missed("plugin[LDAPPlugin]/config/thePassword"), "not known");
	has(missed("hostname"), "not known");
	for (size_t i = 0; i < im.missed.count; i++)
		lacks(im.missed.list[i].todo, "hunter2");
}

static void
test_issue3_import_hostile(void **state)
{
	CLEAN_BUF struct buf deep = { 0 };
	CLEAN_BUF struct buf many = { 0 };

	(void)state;
	bad(STR(""), "bad-xml", "x.xml:1: ");
	bad(STR("<lsc>\n<tasks>\n</lsc>"), "bad-xml", "x.xml:3: an element is ended by");
	bad(STR("<lsc>\n<password>a&hunter2;b</password></lsc>"), "bad-xml", "x.xml:2: an entity");
	bad(STR("\n<lsc>\xff</lsc>"), "bad-xml", "x.xml:2: a character that");
	bad(STR("\n<!DOCTYPE lsc [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>\n<lsc>&a;</lsc>"),
		"bad-xml", "x.xml:2: a DOCTYPE");
	bad(STR("<!DOCTYPE lsc SYSTEM 'http://127.0.0.1:1/x.dtd'><lsc/>"), "bad-xml", "DOCTYPE");
	bad(STR("<html/>"), "unknown-format", "lsc (lsc.xml of");
	bad((struct str){ "<", IMPORT_SIZE_MAX + 1 }, "too-large", "larger than");
	for (int i = 0; i < IMPORT_DEPTH_MAX + 1; i++)
		buf_adds(&deep, i ? "<a>" : "<lsc>");
	for (int i = IMPORT_DEPTH_MAX; i >= 0; i--)
		buf_adds(&deep, i ? "</a>" : "</lsc>");
	bad(buf_str(&deep), "bad-xml", "more than 32 elements");
	buf_adds(&many, "<lsc>");
	for (int i = 0; i < IMPORT_ELEMENTS_MAX; i++)
		buf_adds(&many, "<a/>");
	buf_adds(&many, "</lsc>");
	bad(buf_str(&many), "too-large", "more than 20000 elements");
	buf_reset(&many);
	buf_adds(&many,
		"<lsc><connections><ldapConnection><name>c</name></ldapConnection></connections>"
		"<tasks>");
	for (int i = 0; i < IMPORT_SECTIONS_MAX; i++)
		buf_adds(&many, "<task><ldapSourceService><connection reference='c'/><getAllFilter>"
				"(objectClass=user)</getAllFilter></ldapSourceService></task>");
	buf_adds(&many, "</tasks></lsc>");
	bad(buf_str(&many), "too-large", "more than 200 connections and tasks");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_issue3_import_server, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_issue3_import_secrets_are_named_only, setup, teardown),
		cmocka_unit_test_setup_teardown(test_issue3_import_filter, setup, teardown),
		cmocka_unit_test_setup_teardown(test_issue3_import_map, setup, teardown),
		cmocka_unit_test_setup_teardown(test_issue3_import_leave, setup, teardown),
		cmocka_unit_test_setup_teardown(test_issue3_import_tasks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_issue3_import_gcds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_issue3_import_hostile, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
