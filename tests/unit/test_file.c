#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "base/mem.h"

static char folder[] = "/tmp/lockstep-test-XXXXXX";

static int
setup(void **state)
{
	(void)state;
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int
teardown(void **state)
{
	char *cmd CLEAN_FREE = xasprintf("rm -r %s", folder);

	(void)state;
	return system(cmd);
}

static void
put(const char *path, const char *p, size_t n, mode_t mode)
{
	int fd CLEAN_FD = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), n);
	assert_int_equal(fchmod(fd, mode), 0);
}

static void
test_write_then_read(void **state)
{
	struct buf b CLEAN_BUF = { 0 };
	struct err e = { 0 };
	struct stat st;

	(void)state;
	assert_true(file_write_atomic("plain", 0640, STR("old"), &e));
	assert_true(file_write_atomic("plain", 0600, STR("a\0b"), &e));
	assert_int_equal(stat("plain", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(file_read("plain", 3, &b, &e));
	assert_true(str_eq(buf_str(&b), STR("a\0b")));
	assert_true(file_read("plain", 3, &b, &e));
	assert_int_equal(b.n, 6);
	assert_false(file_read("plain", 2, &b, &e));
	assert_string_equal(e.code, "too-large");
	assert_false(file_read("absent", 2, &b, &e));
	assert_non_null(strstr(e.text, "absent"));
	assert_false(file_read(".", 2, &b, &e));
}

static void
test_drafts_appear_whole_or_not_at_all(void **state)
{
	struct buf b CLEAN_BUF = { 0 };
	struct err e = { 0 };
	struct stat st;

	(void)state;
	put("kept", "before", 6, 0600);
	for (int keep = 0; keep < 2; keep++) {
		struct file_draft d CLEAN_DRAFT = { 0 };

		assert_true(file_draft_open("kept", &d, &e));
		assert_int_equal(fstat(d.fd, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		assert_int_equal(write(d.fd, "after", 5), 5);
		buf_reset(&b);
		assert_true(file_read("kept", 9, &b, &e));
		assert_string_equal(buf_cstr(&b), "before");
		assert_int_equal(keep && !file_draft_keep(&d, &e), 0);
	}
	buf_reset(&b);
	assert_true(file_read("kept", 9, &b, &e));
	assert_string_equal(buf_cstr(&b), "after");
	assert_int_equal(system("test -z \"$(ls -A | grep '^kept\\.')\""), 0);
	struct file_draft none CLEAN_DRAFT = { 0 };
	assert_false(file_draft_open("no/such/file", &none, &e));
	assert_non_null(strstr(e.text, "no/such/file"));
}

static void
test_failed_write_leaves_nothing(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_false(file_write_atomic("no/such/file", 0600, STR("x"), &e));
	assert_true(dir_make("taken", 0700, &e));
	assert_false(file_write_atomic("taken", 0600, STR("x"), &e));
	assert_int_equal(system("test -z \"$(ls -A | grep '^taken\\.')\""), 0);
}

static void
test_folders_with_parents(void **state)
{
	struct err e = { 0 };
	struct stat st;

	(void)state;
	assert_true(dir_make("a/b//c/", 0700, &e));
	assert_true(dir_make("a/b/c", 0700, &e));
	assert_int_equal(stat("a/b/c", &st), 0);
	put("file", "x", 1, 0600);
	assert_false(dir_make("file", 0700, &e));
	assert_false(dir_make("file/sub", 0700, &e));
}

static void
test_I9_secret_refused_when_others_can_read(void **state)
{
	static const mode_t open_modes[] = { 0644, 0604, 0620, 0660, 0601 };
	struct secret s = { 0 };
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(open_modes); i++) {
		put("s", "hunter2\n", 8, open_modes[i]);
		err_clear(&e);
		assert_false(secret_read("s", &s, &e));
		assert_int_equal(e.kind, ERR_CONFIG);
		assert_null(s.p);
		assert_null(strstr(e.text, "hunter2"));
	}
	put("s", "hunter2\n", 8, 0640);
	assert_int_equal(secret_read("s", &s, &e), geteuid() == 0);
	secret_wipe(&s);
}

static void
test_secret_content(void **state)
{
	static const struct {
		const char *in;
		size_t n;
		const char *out;
	} cases[] = { { "hunter2", 7, "hunter2" }, { "hunter2\n", 8, "hunter2" },
		{ "hunter2\n\n", 9, "hunter2\n" }, { " x \n", 4, " x " } };
	char *big CLEAN_FREE = xcalloc(1, 65538);
	struct err e = { 0 };
	struct secret s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		put("s", cases[i].in, cases[i].n, 0600);
		assert_true(secret_read("s", &s, &e));
		assert_string_equal(s.p, cases[i].out);
		assert_int_equal(s.n, strlen(cases[i].out));
		secret_wipe(&s);
		assert_null(s.p);
	}
	put("s", "\n", 1, 0600);
	assert_false(secret_read("s", &s, &e)); /* an empty password would bind anonymously */
	put("s", "", 0, 0600);
	assert_false(secret_read("s", &s, &e));
	memset(big, 'x', 65537);
	put("s", big, 65536, 0600);
	assert_true(secret_read("s", &s, &e));
	assert_int_equal(s.n, 65536);
	secret_wipe(&s);
	put("s", big, 65537, 0600);
	assert_false(secret_read("s", &s, &e));
	assert_string_equal(e.code, "too-large");
	assert_false(secret_read("absent", &s, &e));
	secret_wipe(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write_then_read),
		cmocka_unit_test(test_drafts_appear_whole_or_not_at_all),
		cmocka_unit_test(test_failed_write_leaves_nothing),
		cmocka_unit_test(test_folders_with_parents),
		cmocka_unit_test(test_I9_secret_refused_when_others_can_read),
		cmocka_unit_test(test_secret_content),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
