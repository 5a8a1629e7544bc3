/* lockstep-test-source, lockstep-test-target: the memory connectors as programs. The hello's option `world` names the file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"
#include "world.h"

static struct land *
world_of_hello(struct str line)
{
	CLEAN_JSON struct json *j = NULL;
	struct err e = { 0 };
	const char *path;
	struct land *w;

	if (!json_parse(line, WIRE_LINE_MAX, &j, &e))
		return NULL;
	path = json_string(json_first(json_get(json_get(j, "options"), "world")));
	w = path ? world_open(path, &e) : NULL;
	if (!w)
		fprintf(stderr, "{\"level\":\"error\",\"text\":\"no world: %s\"}\n", e.text);
	return w;
}

int
main(int argc, char **argv)
{
	bool source = strstr(argv[0], "source") != NULL;
	conn_handler handler = source ? world_source : world_target;
	struct land *w = NULL;
	CLEAN_BUF struct buf out = { 0 };
	CLEAN_FREE char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	(void)argc;
	while ((n = getline(&line, &cap, stdin)) > 0 && line[n - 1] == '\n') {
		struct str s = { line, (size_t)n - 1 };
		bool going;

		if (!w && !(w = world_of_hello(s)))
			return 1;
		buf_reset(&out);
		going = handler(w, s, &out);
		if (out.n && (fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout) != 0))
			return 1;
		if (!going)
			break;
	}
	world_close(&w);
	return 0;
}
