/*
 * The control socket: lines of JSON from whoever may connect (mode 0660, group lockstep). Its input is hostile: a line
 * is at most 64 KiB, there are at most 32 connections, who says nothing for 60 s is closed, who does not read what was
 * asked for is closed, and nothing of it blocks the daemon. Files of the caller's are the caller's to open: what is in
 * them comes and goes in lines, no descriptor is taken. lockstepd(8), CONTROL SOCKET, describes it.
 */
#pragma once
#include "agent.h"
#include "base/json.h"

bool control_start(struct agent *g, struct err *e);
void control_stop(struct agent *g);
void control_follow(struct agent *g); /* another path */

/* One line as asked, taken apart: pure, for the parser's tests. */
enum control_ask { ASK_COMMAND, ASK_STATUS, ASK_RELOAD, ASK_CONSOLE, ASK_CANCEL };
struct control_request {
	enum control_ask ask;
	const struct json *command; /* array, ASK_COMMAND */
	bool json;                  /* of the command */
	uint64_t job;               /* ASK_CANCEL */
	struct json *tree;          /* owns all of the above: json_free */
};
#define CONTROL_LINE_MAX ((size_t)64 * 1024)
/* Code "bad-request". */
bool control_parse(struct str line, struct control_request *r_r, struct err *e);
