/* What the properties share: a random world and its history, in one struct test for each seed. */
#pragma once
#include "play.h"

struct config {
	const char *name, *body;
	int64_t deleted, disabled; /* most within a day; -1 = no guard */
};

struct test {
	struct play play;
	uint64_t random;
	const struct config *config;
	int users, groups, ous, next;
	struct buf rows;           /* the history, for people */
	int64_t deleted, disabled; /* within the day */
};

/* property_world.c */
uint64_t roll(struct test *t, uint64_t below);
/* PREFIX1 to PREFIXcount. */
const char *any_of(struct test *t, const char *prefix, int count, char *out, size_t size);
bool is_there(struct test *t, const char *handle);
bool make_directory(struct test *t);
bool change_some(struct test *t);
/* One row of a scenario: a change of the directory. */
bool row(struct test *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* property_meddle.c: 6.2, 6.3 */
bool target_does(struct test *t, const char *text); /* a row below `target` */
bool meddle(struct test *t);
bool meddle_elements(struct test *t);

int64_t changes_of(const struct sync_result *r);
bool run(struct test *t, bool full, struct sync_result *r_r);
/* One run with options of its own, where counts of the guard do not matter. */
bool run_as(
	struct test *t, const char *name, const struct sync_options *o, struct sync_result *r_r);
/* Runs, with a fault perhaps, until nothing is left to do; and the ledger agrees with the target. */
bool run_and_settle(struct test *t);
bool ledger_agrees(struct test *t);
/* A fault in the next run, perhaps. */
bool perhaps_fault(struct test *t);
/* Until a run of these options has nothing left to do. */
bool again_and_again(
	struct test *t, const char *name, const struct sync_options *o, struct sync_result *r_r);

/* A line of a dump of the target that begins with `head` (kind and identity); NULL when none does. */
const char *line_of(const char *text, const char *head, size_t n);
size_t head_of(const char *line);

/* 9.2, property_plan.c */
bool plan_and_apply(struct test *t);
