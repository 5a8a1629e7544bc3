/* The schedule with a clock that the test turns: what its tests share. */
#pragma once
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/file.h"
#include "base/mem.h"
#include "schedule.h"

static int64_t wall, mono;

static inline int64_t
fake_now(void *ctx)
{
	(void)ctx;
	return wall;
}

static inline int64_t
fake_mono(void *ctx)
{
	(void)ctx;
	return mono;
}

static const struct clock fake = { fake_now, fake_mono, NULL, NULL };

static uint32_t chance_is;
static inline uint32_t
fake_chance(void *ctx, uint32_t below)
{
	(void)ctx;
	return chance_is < below ? chance_is : below - 1;
}

static inline void
pass(int64_t ms)
{
	mono += ms;
	wall += ms / 1000;
}

#define TWO_SIDES                                                                                  \
	"state = \"state\"\n"                                                                      \
	"source \"s\" { type = \"ldif\" file = \"x\" }\n"                                          \
	"source \"r\" { type = \"ldif\" file = \"y\" }\n"                                          \
	"target \"t\" { type = \"scim\" url = \"https://x\" }\n"                                   \
	"target \"u\" { type = \"scim\" url = \"https://y\" }\n"

static inline struct conf *
load(const char *text)
{
	char path[] = "/tmp/schedule-XXXXXX";
	int fd = mkstemp(path);
	struct conf *c = NULL;
	struct err e = { 0 };

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	if (!conf_load(path, &c, &e))
		fail_msg("%s", e.text);
	unlink(path);
	return c;
}

static inline struct schedule *
make(const char *syncs)
{
	CLEAN_BUF struct buf text = { 0 };
	struct schedule *s = schedule_new(&(struct schedule_env){ &fake, fake_chance, NULL });
	struct conf *c;

	buf_adds(&text, TWO_SIDES);
	buf_adds(&text, syncs);
	c = load(buf_cstr(&text));
	chance_is = 0;
	schedule_load(s, c);
	conf_free(&c);
	return s;
}

/* Takes the one that is due and begins it. */
static inline struct schedule_due
begin(struct schedule *s)
{
	struct schedule_due d;

	assert_int_equal(schedule_wait_ms(s), 0);
	assert_true(schedule_take(s, &d));
	schedule_began(s, d.sync);
	return d;
}

static inline void
end(struct schedule *s, const struct schedule_due *d, enum schedule_outcome o, int64_t wake)
{
	schedule_ended(s, d->sync, d->full, o, wake);
	schedule_returned(s, d->sync);
}

static inline struct schedule *
make_and_run(const char *syncs)
{
	struct schedule *s = make(syncs);
	struct schedule_due d = begin(s);

	assert_int_equal(d.why, DUE_START);
	end(s, &d, OUTCOME_DONE, 0);
	return s;
}

#define ONE "sync \"a\" { from = \"s\" to = \"t\" schedule { every = \"100s\" } }\n"

/* Begins in UTC, on Sunday 2026-11-29. */
static inline void
kit_start(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	wall = 1795914000;
	mono = 50000;
}
