#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "base/mem.h"

#define SECRET_MAX ((size_t)64 * 1024)

/* Reads until the end or until `room` is full. -1 with errno on failure. */
static ssize_t
read_full(int fd, char *p, size_t room)
{
	size_t n = 0;
	ssize_t got;

	while (n < room) {
		got = read(fd, p + n, room - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

bool
file_read(const char *path, size_t max, struct buf *out, struct err *e)
{
	int fd CLEAN_FD = open(path, O_RDONLY | O_CLOEXEC);
	size_t total = 0;
	char piece[16384];
	ssize_t n;

	if (fd < 0)
		return err_errno(e, ERR_CONFIG, "cannot open %s", path);
	while ((n = read_full(fd, piece, sizeof(piece))) > 0) {
		total += (size_t)n;
		if (total > max)
			return err_set(e, ERR_CONFIG, "too-large", "%s is larger than %zu bytes",
				path, max);
		buf_add(out, piece, (size_t)n);
	}
	if (n < 0)
		return err_errno(e, ERR_CONFIG, "cannot read %s", path);
	return true;
}

static bool
write_full(int fd, struct str data)
{
	ssize_t n;

	while (data.n > 0) {
		n = write(fd, data.p, data.n);
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			data.p += n;
			data.n -= (size_t)n;
		}
	}
	return true;
}

/* The folder that a path lies in. */
static int
folder_open(const char *path)
{
	char *copy CLEAN_FREE = xstrdup(path);

	return open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* The rename is durable only once the folder is. */
static bool
sync_folder(const char *path)
{
	int fd CLEAN_FD = folder_open(path);

	return fd >= 0 && fsync(fd) == 0;
}

void
file_give(int fd, const char *path)
{
	struct stat mine, folder;

	if (geteuid() != 0)
		return;
	int at CLEAN_FD = folder_open(path);
	if (at >= 0 && fstat(at, &folder) == 0 && fstat(fd, &mine) == 0 &&
		folder.st_uid != mine.st_uid && fchown(fd, folder.st_uid, folder.st_gid) != 0)
		return; /* a file system without owners */
}

/* A folder that was just made, likewise. */
static void
dir_give(const char *path)
{
	int fd CLEAN_FD =
		geteuid() == 0 ? open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;

	if (fd >= 0)
		file_give(fd, path);
}

bool
file_draft_open(const char *path, struct file_draft *d_r, struct err *e)
{
	*d_r = (struct file_draft){ .path = path, .temp = xasprintf("%s.XXXXXX", path) };
	d_r->fd = mkostemp(d_r->temp, O_CLOEXEC);
	if (d_r->fd >= 0)
		return true;
	err_errno(e, ERR_CONFIG, "cannot create a file beside %s", path);
	free(d_r->temp);
	d_r->temp = NULL;
	return false;
}

bool
file_draft_keep(struct file_draft *d, struct err *e)
{
	if (fsync(d->fd) != 0 || rename(d->temp, d->path) != 0)
		return err_errno(e, ERR_CONFIG, "cannot write %s", d->path);
	free(d->temp);
	d->temp = NULL;
	return sync_folder(d->path) || err_errno(e, ERR_CONFIG, "cannot make %s durable", d->path);
}

void
file_draft_drop(struct file_draft *d)
{
	if (d->temp) {
		unlink(d->temp);
		free(d->temp);
		d->temp = NULL;
	}
	if (d->path && d->fd >= 0)
		close(d->fd);
	d->path = NULL;
}

/* owner: whose it is to be; NULL: as file_give. */
static bool
write_atomic(
	const char *path, mode_t mode, const struct stat *owner, struct str data, struct err *e)
{
	struct file_draft d CLEAN_DRAFT = { 0 };

	if (!file_draft_open(path, &d, e))
		return false;
	file_give(d.fd, path);
	if (owner && fchown(d.fd, owner->st_uid, owner->st_gid) != 0)
		return err_errno(e, ERR_CONFIG,
			"%s stays as it was: a new one cannot be given to its owner, user %u and "
			"group %u",
			path, (unsigned)owner->st_uid, (unsigned)owner->st_gid);
	if (!write_full(d.fd, data) || fchmod(d.fd, mode) != 0)
		return err_errno(e, ERR_CONFIG, "cannot write %s", path);
	return file_draft_keep(&d, e);
}

bool
file_write_atomic(const char *path, mode_t mode, struct str data, struct err *e)
{
	return write_atomic(path, mode, NULL, data, e);
}

bool
file_replace(const char *path, mode_t mode, struct str data, struct err *e)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return write_atomic(path, mode, NULL, data, e);
	return write_atomic(path, st.st_mode & 0777, geteuid() == 0 ? &st : NULL, data, e);
}

static bool
dir_one(const char *path, mode_t mode, struct err *e)
{
	if (mkdir(path, mode) == 0)
		dir_give(path);
	else if (errno != EEXIST)
		return err_errno(e, ERR_CONFIG, "cannot make folder %s", path);
	return true;
}

bool
dir_make(const char *path, mode_t mode, struct err *e)
{
	char *part CLEAN_FREE = xstrdup(path);
	struct stat st;

	for (char *p = part + (part[0] == '/'); *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (!dir_one(part, mode, e))
			return false;
		*p = '/';
	}
	if (!dir_one(part, mode, e))
		return false;
	if (stat(path, &st) != 0)
		return err_errno(e, ERR_CONFIG, "cannot look at folder %s", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_CONFIG, "os", "%s is not a folder", path);
	return true;
}

static bool
secret_check(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_errno(e, ERR_CONFIG, "cannot look at secret %s", path);
	if ((st.st_mode & 077) == 0 || ((st.st_mode & 077) == 040 && st.st_uid == 0))
		return true;
	return err_set(e, ERR_CONFIG, "secret-open",
		"secret %s can be read by others (mode %04o): chmod 600 it", path,
		(unsigned)st.st_mode & 07777);
}

bool
secret_read(const char *path, struct secret *s_r, struct err *e)
{
	int fd CLEAN_FD = open(path, O_RDONLY | O_CLOEXEC);
	char *p;
	ssize_t n;

	*s_r = (struct secret){ 0 };
	if (fd < 0)
		return err_errno(e, ERR_CONFIG, "cannot open secret %s", path);
	if (!secret_check(fd, path, e))
		return false;
	/* guarded, locked if it may be, left out of dumps; sodium_free wipes */
	p = sodium_init() < 0 ? NULL : sodium_malloc(SECRET_MAX + 2);
	if (!p)
		return err_errno(e, ERR_CONFIG, "no memory for secret %s", path);
	n = read_full(fd, p, SECRET_MAX + 1);
	if (n > 0 && (size_t)n <= SECRET_MAX && p[n - 1] == '\n')
		n--;
	if (n <= 0 || (size_t)n > SECRET_MAX) {
		if (n < 0)
			err_errno(e, ERR_CONFIG, "cannot read secret %s", path);
		else
			err_set(e, ERR_CONFIG, n ? "too-large" : "secret-empty",
				n ? "secret %s is larger than 64 KiB" : "secret %s is empty", path);
		sodium_free(p);
		return false;
	}
	p[n] = '\0';
	*s_r = (struct secret){ p, (size_t)n };
	return true;
}

void
secret_wipe(struct secret *s)
{
	if (s->p)
		sodium_free(s->p);
	*s = (struct secret){ 0 };
}

void
process_harden(void)
{
	const struct rlimit none = { 0, 0 };

	/* Neither fails on a Linux that runs us; a failure leaves us no worse than before. */
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)setrlimit(RLIMIT_CORE, &none);
}
