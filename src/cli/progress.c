/*
 * Progress, at most four times a second: on a terminal one line, rewritten; with --events a line for programs.
 * With the time left as the rate since the phase began tells it - and none while that is not known.
 */
#include "cli_p.h"

#include <string.h>
#include <unistd.h>

struct progress {
	bool terminal, shown;
	char phase[64];
	int64_t began, last, first_done;
};

struct progress *
progress_new(void)
{
	struct progress *p = xcalloc(1, sizeof(*p));

	p->terminal = isatty(STDERR_FILENO);
	return p;
}

void
progress_clear(struct cli *c)
{
	if (c->progress && c->progress->shown)
		fputs("\r\033[K", stderr);
	if (c->progress)
		c->progress->shown = false;
}

/* Seconds; -1 = not known. */
static int64_t
time_left(const struct progress *p, int64_t now, int64_t done, int64_t total)
{
	int64_t gone = now - p->began, did = done - p->first_done;

	if (total <= done || did <= 0 || gone < 3000)
		return -1;
	return (total - done) * gone / did / 1000 + 1;
}

static void
show_line(struct progress *p, const char *phase, const char *what, int64_t done, int64_t total,
	int64_t left)
{
	CLEAN_BUF struct buf line = { 0 };

	buf_addf(&line, "%s %s", phase, what);
	if (total > 0)
		buf_addf(&line, ": %lld of %lld (%d %%)", (long long)done, (long long)total,
			(int)(done >= total ? 100 : done * 100 / total));
	else if (done > 0)
		buf_addf(&line, ": %lld", (long long)done);
	if (left >= 0) {
		buf_adds(&line, ", about ");
		duration_format(left, &line);
		buf_adds(&line, " left");
	}
	fprintf(stderr, "\r\033[K%s", buf_cstr(&line));
	fflush(stderr);
	p->shown = true;
}

void
progress_show(void *ctx, const char *phase, const char *what, int64_t done, int64_t total)
{
	struct cli *c = ctx;
	struct progress *p = c->progress;
	const struct clock *k = c->env.store.clock;
	int64_t now, left;

	if (!c->events && (!p->terminal || c->quiet))
		return;
	now = k->mono_ms(k->ctx);
	if (strcmp(p->phase, phase) != 0) {
		snprintf(p->phase, sizeof(p->phase), "%s", phase);
		p->began = now;
		p->first_done = done;
	}
	/* Nothing for what is over in a moment. */
	if (now - p->last < 250 || (!c->events && now - p->began < 500))
		return;
	p->last = now;
	left = time_left(p, now, done, total);
	if (c->events)
		events_progress(phase, what, done, total, left);
	else
		show_line(p, phase, what, done, total, left);
}
