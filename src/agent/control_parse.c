/* A line of the control socket, taken apart; hostile input. */
#include <string.h>
#include "base/mem.h"
#include "control.h"

static bool
bad(struct control_request *r, struct err *e, const char *why)
{
	json_free(r->tree);
	*r = (struct control_request){ 0 };
	return err_set(e, ERR_OBJECT, "bad-request", "%s", why);
}

static bool
parse_command(struct control_request *r, struct err *e)
{
	r->ask = ASK_COMMAND;
	r->command = json_get(r->tree, "command");
	r->json = json_get_bool(r->tree, "json", false);
	if (json_type(r->command) != JSON_ARRAY || json_count(r->command) == 0)
		return bad(r, e, "\"command\" is a list of words");
	return true;
}

bool
control_parse(struct str line, struct control_request *r_r, struct err *e)
{
	static const struct {
		const char *name;
		enum control_ask ask;
	} asks[] = { { "status", ASK_STATUS }, { "reload", ASK_RELOAD }, { "console", ASK_CONSOLE },
		{ "cancel", ASK_CANCEL } };
	const char *ask;
	int64_t job;

	*r_r = (struct control_request){ 0 };
	if (line.n > CONTROL_LINE_MAX)
		return bad(r_r, e, "the line is longer than 64 KiB");
	if (!json_parse(line, CONTROL_LINE_MAX, &r_r->tree, e)) {
		r_r->tree = NULL;
		return err_set(
			e, ERR_OBJECT, "bad-request", "a request is a JSON object on a line");
	}
	if (json_get(r_r->tree, "command"))
		return parse_command(r_r, e);
	ask = json_get_string(r_r->tree, "ask");
	for (size_t i = 0; ask && i < ARRAY_LEN(asks); i++) {
		if (strcmp(asks[i].name, ask) != 0)
			continue;
		r_r->ask = asks[i].ask;
		job = json_get_int(r_r->tree, "job", 0);
		if (r_r->ask == ASK_CANCEL && job <= 0)
			return bad(r_r, e, "cancel needs the number of a \"job\"");
		r_r->job = (uint64_t)job;
		return true;
	}
	return bad(
		r_r, e, "a request has \"command\", or \"ask\": status, reload, console, cancel");
}
