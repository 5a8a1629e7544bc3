/*
 * The files of an LDIF source, in the order in which they count: those of a folder that end in .ldif
 * or .ldf by name (bytes), or the one file. From the last content file on, they are the directory.
 */
#pragma once
#include <sys/stat.h>
#include "ldif.h"

struct ldif_file {
	const char *path, *name;
	struct stat seen; /* when the list was made */
};

struct ldif_files {
	struct ldif_file *list;
	size_t count;
	size_t content; /* index of the last content file; 0 when none is one (see below) */
};

/*
 * Kinds: a file whose first record has a changetype holds changes, else content. Where no file holds
 * content, the first one starts from nothing (exports that write "changetype: add").
 * Nothing there: ERR_CONFIG, "no-file".
 */
bool ldif_files_list(const char *path, struct arena *a, struct ldif_files *f_r, struct err *e);
/*
 * A digest of what the files from the content file up to index `last` are: names, sizes, times, first
 * and last bytes. A cursor bears it: if any of them is another one now, deltas do not follow from it.
 */
bool ldif_files_digest(const struct ldif_files *f, size_t last, char out[65], struct err *e);
/* Has the file been touched since the list was made? fd is open on it. */
bool ldif_file_same(const struct ldif_file *f, int fd);
bool ldif_name_counts(const char *name);                      /* of a folder's files: .ldif, .ldf */
int ldif_file_open(const struct ldif_file *f, struct err *e); /* -1: failed */
