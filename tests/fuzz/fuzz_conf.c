/* Configuration: what loads must print to a text that loads to the same. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "conf/conf.h"

static bool
load(struct str text, struct conf **c_r, struct err *e)
{
	CLEAN_FD int fd = memfd_create("conf", 0);
	char path[64];

	if (fd < 0 || write(fd, text.p, text.n) != (ssize_t)text.n)
		__builtin_trap();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return conf_load(path, c_r, e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN_BUF struct buf one = { 0 };
	CLEAN_BUF struct buf two = { 0 };
	struct conf *c, *again;
	struct err e;

	if (memmem(data, size, "include", 7))
		return 0; /* no other files from here */
	if (!load((struct str){ (const char *)data, size }, &c, &e)) {
		if (e.kind != ERR_CONFIG)
			__builtin_trap();
		return 0;
	}
	conf_print(c, &one);
	if (!load(buf_str(&one), &again, &e))
		__builtin_trap();
	conf_print(again, &two);
	if (!str_eq(buf_str(&one), buf_str(&two)))
		__builtin_trap();
	conf_free(&c);
	conf_free(&again);
	return 0;
}
