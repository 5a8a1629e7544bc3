/*
 * Files and secrets. Writes are atomic: temporary file in the same folder, fsync, rename, fsync of
 * the folder.
 */
#pragma once
#include <sys/types.h>
#include "base/err.h"
#include "base/str.h"

/* appends; larger than max is an error */
bool file_read(const char *path, size_t max, struct buf *out, struct err *e);
bool file_write_atomic(const char *path, mode_t mode, struct str data, struct err *e);
/* Likewise, in the place of a file that keeps its mode and, where we are root, its owner; what cannot be given to its owner is not
 * replaced. `mode` is for a file that is new. */
bool file_replace(const char *path, mode_t mode, struct str data, struct err *e);
/* The same in steps, where somebody else writes into fd: an empty file of mode 0600 beside path, which keep
 * puts in its place. CLEAN_DRAFT removes what was not kept. */
struct file_draft {
	const char *path; /* lives as long */
	char *temp;       /* the file, until it is kept */
	int fd;
};
bool file_draft_open(const char *path, struct file_draft *d_r, struct err *e);
bool file_draft_keep(struct file_draft *d, struct err *e);
void file_draft_drop(struct file_draft *d);
#define CLEAN_DRAFT __attribute__((cleanup(file_draft_drop)))
/* What root makes in somebody's folder belongs to that somebody, whose service goes on with it. The two
 * above and below do so by themselves. */
void file_give(int fd, const char *path);
bool dir_make(const char *path, mode_t mode, struct err *e); /* with parents; existing is fine */

/*
 * A secret: read from a file of at most 64 KiB, one trailing newline removed, memory locked where the
 * system lets us, never dumped, wiped at the end. A file that others can read is refused (mode & 077,
 * unless owner root and group-readable 0640). Never log or print .p.
 */
struct secret {
	char *p;
	size_t n;
};
bool secret_read(const char *path, struct secret *s_r, struct err *e);
void secret_wipe(struct secret *s);
/* No core dump, no ptrace by others: prctl(PR_SET_DUMPABLE, 0), RLIMIT_CORE 0. */
void process_harden(void);
