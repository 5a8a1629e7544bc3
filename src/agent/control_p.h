/* Private to control*.c. */
#pragma once
#include "control.h"
#include "jobs.h"

struct line_conn { /* one connection */
	struct line_conn *next;
	struct agent *g;
	int fd;
	sd_event_source *io, *timer, *more; /* more: another line of its is here already */
	char by[64];                        /* user name */
	struct buf in, out;
	size_t written; /* of out */
	bool closing;   /* once all is written */
	struct job *job;
	bool follows; /* what it asked for ends with it */
	bool paused;
	struct buf tail;   /* of its output: a character not yet whole */
	struct json *wish; /* the command that waits for a reload */
	bool wish_json, wish_events;
};

/* control.c */
void control_say(struct line_conn *c, const struct buf *json); /* adds the newline */
void control_refuse(struct line_conn *c, const struct err *e, bool close);
void control_close(struct line_conn *c);         /* c is gone */
void control_rest(struct line_conn *c);          /* its time to say something begins anew */
size_t control_followers(const struct agent *g); /* commands that end with who asked */
#define CONTROL_OUT_PAUSE ((size_t)256 * 1024)
#define CONTROL_OUT_MAX   ((size_t)2 * 1024 * 1024)

/* control_ask.c */
void control_line(struct line_conn *c, struct str line);
void control_drop(
	struct line_conn *c); /* what it asked for goes on without it, unless it follows */
