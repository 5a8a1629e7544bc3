/* Private to jobs*.c. */
#pragma once
#include "child.h"
#include "jobs.h"

struct job {
	struct job *next;
	struct agent *g;
	struct job_spec s; /* of its pointers only the callbacks' context is used later */
	uint64_t id;
	enum job_state state;
	char **argv; /* NULL-ended */
	char *command, *why, *by, *conf;
	struct buf input, out, last_line;
	bool cancelled, overflow;
	struct child *child;
	int64_t asked, started, ended;
	int exit;
	struct job_progress progress;
	bool has_progress;
	struct json *result;
	struct err error;
};

struct jobs {
	struct job *list; /* in the order of their turn; running ones stay where they are */
	sd_event_source *turn;
	uint64_t last_id;
	void (*drained)(void *ctx);
	void *drained_ctx;
};

/* jobs_result.c: what a job said. */
void job_take_line(struct job *j, struct str line); /* of standard error */
void job_conclude(struct job *j, int status);       /* exit, result, error */
