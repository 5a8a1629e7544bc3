/* Gives every file of a folder to a fuzz target, as a normal test (TAP: one case per file). */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int
visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* In memory of exactly its size, so that the sanitizer sees a read beyond the end. */
static void
replay(const char *path)
{
	struct buf file CLEAN_BUF = { 0 };
	struct err e = { 0 };

	if (!file_read(path, 64 << 20, &file, &e)) {
		fprintf(stderr, "%s\n", e.text);
		exit(1);
	}
	uint8_t *data CLEAN_FREE = xmalloc(file.n);
	if (file.n)
		memcpy(data, file.p, file.n);
	LLVMFuzzerTestOneInput(data, file.n);
}

int
main(int argc, char **argv)
{
	struct dirent **list;
	int n;

	if (argc != 2) {
		fprintf(stderr, "usage: replay FOLDER\n");
		return 2;
	}
	n = scandir(argv[1], &list, visible, alphasort);
	if (n <= 0) {
		fprintf(stderr, "%s: no corpus\n", argv[1]);
		return 1;
	}
	printf("1..%d\n", n);
	for (int i = 0; i < n; i++) {
		char *path CLEAN_FREE = xasprintf("%s/%s", argv[1], list[i]->d_name);

		replay(path);
		printf("ok %d - %s\n", i + 1, list[i]->d_name);
		fflush(stdout);
		free(list[i]);
	}
	free(list);
	return 0;
}
