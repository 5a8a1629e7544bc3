/* The connector's end against an engine that says anything. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "wire/serve.h"

static const struct option options[] = {
	{ "file", OPT_PATH, true, NULL, "path" },
	{ "list", OPT_LIST, false, "x", "list" },
	{ "number", OPT_INT, false, NULL, "number" },
	{ "flag", OPT_BOOL, false, "no", "flag" },
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct serve *s = serve_new("fuzz", "source", options, ARRAY_LEN(options));
	CLEAN_FD int fd = memfd_create("requests", MFD_CLOEXEC);
	const struct json *j;
	struct err e = { 0 };
	size_t n;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0)
		abort();
	serve_descriptors(s, fd, -1);
	if (serve_hello(s, &e)) {
		if (!serve_option(s, "file") || *serve_option(s, "file") != '/')
			abort();
		serve_option_list(s, "list", &n);
		if (n == 0 && serve_option(s, "list") == NULL)
			abort();
		while (serve_next(s, -1, &j, &e) == 1)
			if (!json_get_string(j, "type"))
				abort();
	} else if (e.kind == ERR_NONE) {
		abort();
	}
	serve_free(s);
	return 0;
}
