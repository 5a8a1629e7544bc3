/* The connector's end of `watch`: waits for news and for the engine at once, without waking up for nothing. */
#include <poll.h>
#include "base/clock.h"
#include "serve_p.h"

#define FDS_MAX   32
#define BEAT_MS   20000 /* a line at least every 30 s */
#define GATHER_MS 200   /* what comes together is told together */

static int64_t
mono_ms(void)
{
	return clock_system.mono_ms(clock_system.ctx);
}

bool
serve_watching(struct serve *s, struct err *e)
{
	struct jsonw *w = serve_line(s, "progress");

	jsonw_str(w, "phase", "watching");
	s->progress_at = mono_ms();
	return serve_send(s, e) && serve_flush(s, e);
}

/* Tells what is to be told and says that we live, in time. *wait_r: how long until there is something to say. */
static bool
speak(struct serve *s, int64_t *wait_r)
{
	int64_t now = mono_ms();

	if (s->changed && now - s->changed_at >= GATHER_MS) {
		serve_line(s, "changed");
		s->changed = false;
		s->changed_at = s->progress_at = now;
		if (!serve_send(s, NULL) || !serve_flush(s, NULL))
			return false;
	}
	if (now - s->progress_at >= BEAT_MS && !serve_watching(s, NULL))
		return false;
	*wait_r = s->progress_at + BEAT_MS - now;
	if (s->changed && s->changed_at + GATHER_MS - now < *wait_r)
		*wait_r = s->changed_at + GATHER_MS - now;
	return true;
}

int
serve_wait(struct serve *s, struct pollfd *fds, size_t count, int timeout_ms)
{
	struct pollfd all[FDS_MAX + 1];
	int64_t until = mono_ms() + timeout_ms;
	const struct json *j;
	struct err e;

	count = count < FDS_MAX ? count : FDS_MAX;
	for (;;) {
		int64_t wait = 0, left = until - mono_ms();

		if (serve_next(s, 0, &j, &e) != 0 || !speak(s, &wait))
			return -1;
		if (left <= 0)
			return 1;
		for (size_t i = 0; i < count; i++)
			all[i] = fds[i];
		all[count] = (struct pollfd){ .fd = s->in_fd, .events = POLLIN };
		if (poll(all, count + 1, (int)(wait < left ? wait : left)) <= 0)
			continue;
		for (size_t i = 0; i < count; i++)
			fds[i].revents = all[i].revents;
		for (size_t i = 0; i < count; i++)
			if (fds[i].revents)
				return 1;
	}
}

void
serve_changed(struct serve *s)
{
	int64_t wait;

	s->changed = true;
	speak(s, &wait);
}
