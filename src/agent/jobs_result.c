/* What a job said: progress on the way, result and error at its end. */
#include "jobs_p.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static void
take_progress(struct job *j, const struct json *p)
{
	const char *phase = json_get_string(p, "phase"), *what = json_get_string(p, "what");

	snprintf(j->progress.phase, sizeof(j->progress.phase), "%s", phase ? phase : "");
	snprintf(j->progress.what, sizeof(j->progress.what), "%s", what ? what : "");
	j->progress.done = json_get_int(p, "done", 0);
	j->progress.total = json_get_int(p, "total", 0);
	j->progress.left_s = json_get_int(p, "left", -1);
	j->has_progress = true;
}

void
job_take_line(struct job *j, struct str line)
{
	CLEAN_JSON struct json *t = NULL;
	struct err e;

	if (j->s.events && line.n && line.p[0] == '{' && json_parse(line, 0, &t, &e)) {
		if (json_get(t, "progress"))
			take_progress(j, json_get(t, "progress"));
		if (json_get(t, "result")) { /* people get text; we, this */
			json_free(j->result);
			j->result = json_detach(t, json_get_mut(t, "result"));
		}
		return;
	}
	buf_reset(&j->last_line);
	buf_add(&j->last_line, line.p, line.n);
}

/* The last line of standard output, where it is JSON. */
static void
take_result(struct job *j)
{
	struct str all = str_trim(buf_str(&j->out));
	const char *nl = all.n ? memrchr(all.p, '\n', all.n) : NULL;
	struct err e;

	if (nl)
		all = (struct str){ nl + 1, all.n - (size_t)(nl + 1 - all.p) };
	if (!j->result && j->s.json && !j->s.out && !j->overflow && all.n)
		json_parse(all, 0, &j->result, &e);
}

static void
take_error(struct job *j)
{
	const struct json *error = json_get(j->result, "error");
	const char *code = json_get_string(error, "code");
	const char *text = json_get_string(error, "message"),
		   *kind = json_get_string(error, "kind");
	enum err_kind k = ERR_SIDE;

	if (code || text) {
		if (!kind || !err_kind_parse(kind, &k))
			k = ERR_SIDE;
		err_set(&j->error, k, code ? code : "failed", "%s", text ? text : "");
		return;
	}
	if (j->overflow)
		err_set(&j->error, ERR_SIDE, "too-much-output", "`lockstep %s` said too much",
			j->command);
	else if (j->exit == -2)
		err_set(&j->error, ERR_SIDE, "killed", "`lockstep %s` was killed by a signal",
			j->command);
	else if (j->exit > 0 && j->last_line.n)
		err_set(&j->error, j->exit == 2 ? ERR_CONFIG : ERR_SIDE, "failed", "%s",
			buf_cstr(&j->last_line));
	else if (j->exit > 0 && !j->result)
		err_set(&j->error, ERR_SIDE, "failed", "`lockstep %s` ended with exit code %d",
			j->command, j->exit);
}

void
job_conclude(struct job *j, int status)
{
	j->exit = WIFEXITED(status) ? WEXITSTATUS(status) : -2;
	take_result(j);
	take_error(j);
}
