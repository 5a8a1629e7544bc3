/* What can be asked about a job. */
#include "jobs_p.h"

#include <string.h>

uint64_t
job_id(const struct job *j)
{
	return j->id;
}

struct job *
job_by_id(struct agent *g, uint64_t id)
{
	for (struct job *j = g->jobs->list; j; j = j->next)
		if (j->id == id)
			return j;
	return NULL;
}

enum job_state
job_state(const struct job *j)
{
	return j->state;
}

const char *const *
job_argv(const struct job *j)
{
	return (const char *const *)j->argv;
}

const char *
job_command(const struct job *j)
{
	return j->command;
}

const char *
job_why(const struct job *j)
{
	return j->why;
}

const char *
job_by(const struct job *j)
{
	return j->by;
}

bool
job_writes(const struct job *j)
{
	return j->s.writes;
}

const char *
job_sync(const struct job *j)
{
	if (strcmp(j->argv[0], "sync") != 0)
		return NULL;
	for (size_t i = 1; j->argv[i]; i++)
		if (j->argv[i][0] != '-')
			return j->argv[i];
	return "";
}

bool
job_full(const struct job *j)
{
	for (size_t i = 1; job_sync(j) && j->argv[i]; i++)
		if (strcmp(j->argv[i], "--full") == 0)
			return true;
	return false;
}

int64_t
job_asked(const struct job *j)
{
	return j->asked;
}

int64_t
job_started(const struct job *j)
{
	return j->started;
}

int64_t
job_ended(const struct job *j)
{
	return j->ended;
}

int
job_exit(const struct job *j)
{
	return j->exit;
}

bool
job_cancelled(const struct job *j)
{
	return j->cancelled;
}

struct str
job_out(const struct job *j)
{
	return buf_str(&j->out);
}

const struct job_progress *
job_progress(const struct job *j)
{
	return j->has_progress ? &j->progress : NULL;
}

const struct json *
job_result(const struct job *j)
{
	return j->result;
}

const struct err *
job_error(const struct job *j)
{
	return &j->error;
}
