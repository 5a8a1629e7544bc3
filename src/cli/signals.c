/*
 * Signals of a run: the first SIGTERM or SIGINT asks for its end at the next safe point (S3.5), the second
 * kills; SIGUSR1 says that a source has changed (7.3). What a handler can tell stands in two flags.
 */
#include "cli_p.h"

#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t stop_asked, change_told;

static void
on_stop(int number)
{
	static const char text[] = "\nfinishing what is under way; once more to break off\n";
	ssize_t unused = 0;

	(void)number;
	stop_asked = 1;
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	if (isatty(STDERR_FILENO))
		unused = write(STDERR_FILENO, text, sizeof(text) - 1);
	(void)unused;
}

static void
on_change(int number)
{
	(void)number;
	change_told = 1;
}

static bool
is_stopped(void *ctx)
{
	(void)ctx;
	return stop_asked;
}

static bool
has_changed(void *ctx)
{
	bool told = change_told;

	(void)ctx;
	change_told = 0;
	return told;
}

void
signals_catch(struct cli *c)
{
	struct sigaction stop = { .sa_handler = on_stop }, change = { .sa_handler = on_change };

	sigaddset(&stop.sa_mask, SIGTERM);
	sigaddset(&stop.sa_mask, SIGINT);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGUSR1, &change, NULL);
	c->env.stop = is_stopped;
	c->env.changed = has_changed;
}
