#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/mem.h"
#include "wire/conn.h"

/* A child that runs a line of shell: every test of a process has a real one. */
static struct conn *
shell(const char *script, struct conn_process *p)
{
	const char *const argv[] = { "/bin/sh", "-c", script, NULL };
	struct conn_process o = p ? *p : (struct conn_process){ .lock_fd = -1 };
	struct conn *c;
	struct err e;

	o.argv = argv;
	if (!conn_open_process(&o, &c, &e))
		fail_msg("%s", e.text);
	return c;
}

static char *
line_of(struct conn *c, char text[4096])
{
	struct str line;
	struct err e;

	if (conn_recv(c, -1, &line, &e) != 1)
		fail_msg("%s", e.text);
	assert_true(line.n < 4096);
	memcpy(text, line.p, line.n);
	text[line.n] = '\0';
	return text;
}

static int64_t
now_ms(void)
{
	return clock_system.mono_ms(clock_system.ctx);
}

static void
test_process_lines_to_and_fro(void **state)
{
	(void)state;
	CLEAN_CONN struct conn *c = shell("exec cat", NULL);
	char text[4096];
	struct str line;
	struct err e;

	assert_int_equal(conn_recv(c, 0, &line, &e), 0);
	assert_int_equal(conn_recv(c, 20, &line, &e), 0);
	assert_true(conn_send(c, STR("{\"a\":1}"), &e));
	assert_true(conn_send(c, STR(""), &e));
	assert_true(conn_send(c, STR("last"), &e));
	assert_string_equal(line_of(c, text), "{\"a\":1}");
	assert_string_equal(line_of(c, text), "");
	assert_string_equal(line_of(c, text), "last");
	assert_false(conn_send(c, STR("two\nlines"), &e));
	assert_string_equal(e.code, "bad-line");
}

static void
test_process_line_of_1_mib_and_one_more(void **state)
{
	(void)state;
	CLEAN_CONN struct conn *c = shell("exec cat", NULL);
	CLEAN_FREE char *big = xmalloc(WIRE_LINE_MAX + 1);
	struct str line;
	struct err e;

	memset(big, 'x', WIRE_LINE_MAX + 1);
	assert_false(conn_send(c, (struct str){ big, WIRE_LINE_MAX + 1 }, &e));
	assert_string_equal(e.code, "line-too-long");
	for (int i = 0; i < 3; i++)
		assert_true(conn_send(c, (struct str){ big, WIRE_LINE_MAX }, &e));
	assert_true(c->vt->queued(c) > WIRE_LINE_MAX); /* cat has not read all that yet */
	for (int i = 0; i < 3; i++) {
		assert_int_equal(conn_recv(c, -1, &line, &e), 1);
		assert_int_equal(line.n, WIRE_LINE_MAX);
	}
	assert_int_equal(c->vt->queued(c), 0);
	/* few lines wait for the next recv: they travel together */
	assert_true(conn_send(c, STR("a"), &e));
	assert_true(conn_send(c, STR("b"), &e));
	assert_int_equal(c->vt->queued(c), 4);
	assert_int_equal(conn_recv(c, -1, &line, &e), 1);
	assert_int_equal(c->vt->queued(c), 0);

	CLEAN_CONN struct conn *d = shell("head -c 1048577 /dev/zero; echo", NULL);
	assert_int_equal(conn_recv(d, -1, &line, &e), -1);
	assert_string_equal(e.code, "line-too-long");
	assert_int_equal(e.kind, ERR_SIDE);
}

static void
test_process_death_and_its_last_words(void **state)
{
	(void)state;
	CLEAN_CONN struct conn *c = shell("echo one; echo 'it\033 broke' >&2; exit 7", NULL);
	CLEAN_CONN struct conn *d = shell("kill -9 $$", NULL);
	CLEAN_CONN struct conn *half = shell("printf half", NULL);
	char text[4096];
	struct str line;
	struct err e;

	assert_string_equal(line_of(c, text), "one");
	assert_int_equal(conn_recv(c, -1, &line, &e), -1);
	assert_string_equal(e.code, "connector-ended");
	assert_int_equal(e.kind, ERR_SIDE);
	assert_non_null(strstr(e.text, "exit status 7"));
	assert_non_null(strstr(e.text, "it\\x1b broke"));
	assert_true(conn_send(c, STR("into the void"), &e));
	assert_true(conn_send(c, STR("again"), &e));
	assert_int_equal(conn_recv(c, 0, &line, &e), -1); /* and stays ended */
	assert_int_equal(c->vt->queued(c), 0);
	assert_int_equal(conn_recv(d, -1, &line, &e), -1);
	assert_non_null(strstr(e.text, "signal 9"));
	assert_int_equal(conn_recv(half, -1, &line, &e), -1);
	assert_non_null(strstr(e.text, "middle of a line"));
}

static void
test_process_silence(void **state)
{
	(void)state;
	struct conn_process p = { .lock_fd = -1, .silence_ms = 80, .grace_ms = 50 };
	/* Noise on standard error and half a line are silence, too. */
	CLEAN_CONN struct conn *c =
		shell("printf x; while :; do echo noise >&2; sleep 0.01; done", &p);
	int64_t from = now_ms();
	struct str line;
	struct err e;

	assert_int_equal(conn_recv(c, -1, &line, &e), -1);
	assert_string_equal(e.code, "connector-silent");
	assert_true(now_ms() - from < 60000); /* the noise never ends */
}

static void
count_line(void *ctx, struct str line)
{
	assert_true(line.n <= 4096);
	++*(size_t *)ctx;
}

static void
test_process_stderr_flood_blocks_nobody(void **state)
{
	(void)state;
	size_t lines = 0;
	struct conn_process p = { .lock_fd = -1, .log_line = count_line, .ctx = &lines };
	CLEAN_CONN struct conn *c = shell("head -c 2000000 /dev/zero | tr '\\0' x >&2; echo >&2;"
					  "yes flood | head -n 30000 >&2; echo done; read x",
		&p);
	char text[4096];

	assert_string_equal(line_of(c, text), "done");
	assert_true(lines > 5000);
	assert_true(lines <= 10001); /* the limit, and the line that says so */
}

static void
test_process_has_nothing_of_ours(void **state)
{
	(void)state;
	char name[] = "/tmp/lockstep-lock-XXXXXX", text[4096];
	int lock = mkstemp(name), other = open("/dev/null", O_RDONLY);
	struct conn_process p = { .lock_fd = lock };
	struct err e;

	assert_true(lock >= 0 && other >= 0 && unlink(name) == 0);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	setenv("LOCKSTEP_SECRET", "x", 1);
	CLEAN_CONN struct conn *c = shell(
		"/usr/bin/env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= | /usr/bin/wc -l;"
		"cd /proc/$$/fd; for f in 0 1 2 3 4 5 6 7 8 9 11 12 13 14 15 16; do [ -e $f ] && "
		"printf $f; done; echo;"
		"/usr/bin/grep NoNewPrivs /proc/self/status; ulimit -c; read x; echo $x; read x",
		&p);
	assert_string_equal(line_of(c, text), "0");
	assert_string_equal(line_of(c, text), "0123");
	assert_string_equal(line_of(c, text), "NoNewPrivs:\t1");
	assert_string_equal(line_of(c, text), "0");
	/* The lock stays held by the child alone. */
	assert_int_equal(close(lock), 0);
	assert_true(conn_send(c, STR("alive"), &e));
	assert_string_equal(line_of(c, text), "alive");
	close(other);
}

static void
test_process_lock_outlives_our_descriptor(void **state)
{
	(void)state;
	char name[] = "/tmp/lockstep-lock-XXXXXX", text[4096];
	int lock = mkstemp(name), again = open(name, O_RDONLY | O_CLOEXEC);
	struct conn_process p = { .lock_fd = lock };

	assert_true(lock >= 0 && again >= 0 && unlink(name) == 0);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	CLEAN_CONN struct conn *c = shell("echo up; read x", &p);
	assert_string_equal(line_of(c, text), "up");
	close(lock);
	assert_int_equal(flock(again, LOCK_EX | LOCK_NB), -1);
	conn_close(&c);
	assert_null(c);
	assert_int_equal(flock(again, LOCK_EX | LOCK_NB), 0);
	close(again);
}

static void
test_process_close_kills_who_will_not_go(void **state)
{
	(void)state;
	struct conn_process p = { .lock_fd = -1, .grace_ms = 60 };
	char text[4096];
	struct conn *c = shell("trap '' TERM HUP PIPE; /bin/sleep 100 & echo $! $$;"
			       "while :; do /bin/sleep 1; done",
		&p);
	int64_t from = now_ms();
	long grandchild, child;

	assert_int_equal(sscanf(line_of(c, text), "%ld %ld", &grandchild, &child), 2);
	conn_close(&c);
	assert_true(now_ms() - from < 60000); /* and not for 100 s */
	assert_int_equal(kill((pid_t)child, 0), -1);
	for (int i = 0; i < 6000 && kill((pid_t)grandchild, 0) == 0; i++)
		usleep(10000); /* init reaps it */
	char path[64], stat[256] = "";
	snprintf(path, sizeof(path), "/proc/%ld/stat", grandchild);
	int fd = open(path, O_RDONLY);
	ssize_t n = fd >= 0 ? read(fd, stat, sizeof(stat) - 1) : 0;
	assert_true(n <= 0 || strstr(stat, ") Z "));
	if (fd >= 0)
		close(fd);
}

static void
test_process_dies_with_its_parent(void **state)
{
	(void)state;
	char name[] = "/tmp/lockstep-lock-XXXXXX";
	int lock = mkstemp(name), again = open(name, O_RDONLY | O_CLOEXEC), status;
	struct conn_process p = { .lock_fd = lock };

	assert_true(lock >= 0 && again >= 0 && unlink(name) == 0);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	pid_t engine = fork();
	if (engine == 0) {
		char text[4096];
		struct conn *c =
			shell("trap '' TERM HUP; echo up; while :; do /bin/sleep 1; done", &p);

		line_of(c, text);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(engine, &status, 0), engine);
	close(lock);
	int free_now = -1;
	for (int i = 0; i < 6000 && free_now != 0; i++) {
		free_now = flock(again, LOCK_EX | LOCK_NB);
		usleep(10000);
	}
	assert_int_equal(free_now, 0);
	close(again);
}

static void
test_process_that_cannot_start(void **state)
{
	(void)state;
	const char *const argv[] = { "/nonexistent/lockstep-source-x", NULL };
	struct conn_process p = { .argv = argv, .lock_fd = -1 };
	struct conn *c;
	struct err e;

	assert_false(conn_open_process(&p, &c, &e));
	assert_null(c);
	assert_int_equal(e.kind, ERR_CONFIG);
	assert_string_equal(e.code, "no-connector");
	assert_non_null(strstr(e.text, "/nonexistent/lockstep-source-x"));
}

/* Memory: answers "a" to a line, dies at "die". */
static bool
answer(void *ctx, struct str line, struct buf *out)
{
	++*(int *)ctx;
	buf_adds(out, "got ");
	buf_add(out, line.p, line.n);
	buf_adds(out, "\nand more\n");
	return !str_eqc(line, "die");
}

static void
test_memory(void **state)
{
	(void)state;
	int calls = 0;
	CLEAN_CONN struct conn *c = conn_open_memory(answer, &calls, NULL);
	char text[4096];
	struct str line;
	struct err e;

	assert_int_equal(conn_recv(c, 100, &line, &e), 0);
	assert_int_equal(conn_recv(c, -1, &line, &e), -1);
	assert_string_equal(e.code, "connector-silent");
	assert_true(conn_send(c, STR("x"), &e));
	assert_string_equal(line_of(c, text), "got x");
	assert_true(conn_send(c, STR("die"), &e));
	assert_string_equal(line_of(c, text), "and more");
	assert_string_equal(line_of(c, text), "got die");
	assert_string_equal(line_of(c, text), "and more");
	assert_int_equal(conn_recv(c, 0, &line, &e), -1);
	assert_string_equal(e.code, "connector-ended");
	assert_true(conn_send(c, STR("y"), &e));
	assert_int_equal(calls, 2);
}

struct script {
	enum conn_fault sent, received;
	int at, seen[2];
};

static enum conn_fault
decide(void *ctx, bool sent, struct str line, struct buf *with)
{
	struct script *s = ctx;

	(void)line;
	if (s->seen[sent]++ != s->at)
		return FAULT_NONE;
	buf_adds(with, "other");
	return sent ? s->sent : s->received;
}

static void
run_script(struct script s, const char *expected)
{
	int calls = 0;
	CLEAN_CONN struct conn *c =
		conn_open_faulty(conn_open_memory(answer, &calls, NULL), decide, &s);
	CLEAN_BUF struct buf all = { 0 };
	struct str line;
	struct err e;
	int got;

	conn_send(c, STR("1"), &e);
	conn_send(c, STR("2"), &e);
	while ((got = conn_recv(c, 0, &line, &e)) == 1) {
		buf_add(&all, line.p, line.n);
		buf_addc(&all, ';');
	}
	buf_adds(&all, got < 0 ? e.code : "open");
	assert_string_equal(buf_cstr(&all), expected);
}

static void
test_faulty(void **state)
{
	(void)state;
	static const struct {
		struct script s;
		const char *expected;
	} rows[] = {
		{ { .at = -1 }, "got 1;and more;got 2;and more;open" },
		{ { .received = FAULT_DROP }, "and more;got 2;and more;open" },
		{ { .received = FAULT_CUT, .at = 1 }, "got 1;connector-ended" },
		{ { .received = FAULT_TRUNCATE, .at = 2 }, "got 1;and more;go;connector-ended" },
		{ { .received = FAULT_GARBAGE }, "\x01{]garbage\xff;and more;got 2;and more;open" },
		{ { .received = FAULT_REPLACE, .at = 3 }, "got 1;and more;got 2;other;open" },
		{ { .received = FAULT_TWICE }, "got 1;got 1;and more;got 2;and more;open" },
		{ { .sent = FAULT_DROP }, "got 2;and more;open" },
		{ { .sent = FAULT_REPLACE }, "got other;and more;got 2;and more;open" },
		{ { .sent = FAULT_TWICE, .at = 1 },
			"got 1;and more;got 2;and more;got 2;and more;open" },
		{ { .sent = FAULT_CUT }, "connector-ended" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		run_script(rows[i].s, rows[i].expected);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_process_lines_to_and_fro),
		cmocka_unit_test(test_process_line_of_1_mib_and_one_more),
		cmocka_unit_test(test_process_death_and_its_last_words),
		cmocka_unit_test(test_process_silence),
		cmocka_unit_test(test_process_stderr_flood_blocks_nobody),
		cmocka_unit_test(test_process_has_nothing_of_ours),
		cmocka_unit_test(test_process_lock_outlives_our_descriptor),
		cmocka_unit_test(test_process_close_kills_who_will_not_go),
		cmocka_unit_test(test_process_dies_with_its_parent),
		cmocka_unit_test(test_process_that_cannot_start),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_faulty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
