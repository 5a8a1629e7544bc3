/*
 * Progress on a terminal: one line, rewritten at most four times a second, with the time left as the rate
 * since the phase began tells it - and none while that is not known.
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

static void
time_left(const struct progress *p, int64_t now, int64_t done, int64_t total, struct buf *out)
{
	int64_t gone = now - p->began, did = done - p->first_done;

	if (total <= done || did <= 0 || gone < 3000)
		return;
	buf_adds(out, ", about ");
	duration_format((total - done) * gone / did / 1000 + 1, out);
	buf_adds(out, " left");
}

void
progress_show(void *ctx, const char *phase, const char *what, int64_t done, int64_t total)
{
	struct cli *c = ctx;
	struct progress *p = c->progress;
	const struct clock *k = c->env.store.clock;
	CLEAN_BUF struct buf line = { 0 };
	int64_t now;

	if (!p->terminal || c->quiet)
		return;
	now = k->mono_ms(k->ctx);
	if (strcmp(p->phase, phase) != 0) {
		snprintf(p->phase, sizeof(p->phase), "%s", phase);
		p->began = now;
		p->first_done = done;
	}
	/* Nothing for what is over in a moment. */
	if (now - p->last < 250 || now - p->began < 500)
		return;
	p->last = now;
	buf_addf(&line, "%s %s", phase, what);
	if (total > 0)
		buf_addf(&line, ": %lld of %lld (%d %%)", (long long)done, (long long)total,
			(int)(done >= total ? 100 : done * 100 / total));
	else if (done > 0)
		buf_addf(&line, ": %lld", (long long)done);
	time_left(p, now, done, total, &line);
	fprintf(stderr, "\r\033[K%s", buf_cstr(&line));
	fflush(stderr);
	p->shown = true;
}
