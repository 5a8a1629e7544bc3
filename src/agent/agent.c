/* What all parts share: time, timers, who hears of what. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

struct hearer {
	struct hearer *next;
	void (*fn)(void *ctx, const struct agent_news *n);
	void *ctx;
};

const char *
agent_state(const struct agent *g)
{
	return g->conf ? g->conf->state : g->state_path;
}

static bool
same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

bool
agent_lock(struct agent *g, const char *state, struct err *e)
{
	CLEAN_FREE char *path = xasprintf("%s/agent.lock", state);
	int fd;

	if (g->locked && strcmp(g->locked, state) == 0)
		return true;
	if (!dir_make(state, 0700, e))
		return false;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EROFS) /* what is there can be held all the same */
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, ERR_CONFIG, "cannot open %s", path);
	if (g->lock >= 0 && same_file(fd, g->lock)) { /* the same folder by another name */
		close(fd);
		return true;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		close(fd);
		return err_set(e, ERR_CONFIG, "running", "another lockstepd works on %s", state);
	}
	mem_clean_fd(&g->lock);
	free(g->locked);
	g->lock = fd;
	g->locked = xstrdup(state);
	return true;
}

int64_t
agent_now(void)
{
	return clock_system.now(clock_system.ctx);
}

/* So that wake-ups may fall together. */
static uint64_t
slack(uint64_t us)
{
	uint64_t part = us / 16;

	return part < 1000 ? 1000 : part < 2000000 ? part : 2000000;
}

void
agent_timer(struct agent *g, sd_event_source **t, int64_t ms, sd_event_time_handler_t fn, void *ctx)
{
	uint64_t us = (uint64_t)(ms < 0 ? 0 : ms) * 1000;

	if (ms < 0) {
		if (*t)
			sd_event_source_set_enabled(*t, SD_EVENT_OFF);
		return;
	}
	if (!*t) {
		if (sd_event_add_time_relative(
			    g->loop, t, CLOCK_MONOTONIC, us, slack(us), fn, ctx) < 0)
			abort(); /* only without memory, or by a mistake of ours */
		return;
	}
	sd_event_source_set_time_relative(*t, us);
	sd_event_source_set_time_accuracy(*t, slack(us));
	sd_event_source_set_enabled(*t, SD_EVENT_ONESHOT);
}

void
agent_hear(struct agent *g, void (*fn)(void *ctx, const struct agent_news *n), void *ctx)
{
	struct hearer *h = xcalloc(1, sizeof(*h)), **end = &g->hearers;

	*h = (struct hearer){ NULL, fn, ctx };
	while (*end)
		end = &(*end)->next;
	*end = h;
}

void
agent_tell(struct agent *g, enum agent_event what, const struct job *job)
{
	struct agent_news n = { what, job };

	for (struct hearer *h = g->hearers; h; h = h->next)
		h->fn(h->ctx, &n);
}

void
agent_hearers_free(struct agent *g)
{
	while (g->hearers) {
		struct hearer *h = g->hearers;

		g->hearers = h->next;
		free(h);
	}
}
