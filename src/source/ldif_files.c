#include "ldif_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SAMPLE    4096 /* first and last bytes that go into the digest */
#define FILES_MAX 100000

bool
ldif_name_counts(const char *name)
{
	const char *dot = strrchr(name, '.');

	return *name != '.' && dot && (ascii_ieq(dot, ".ldif") || ascii_ieq(dot, ".ldf"));
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct ldif_file *)a)->name, ((const struct ldif_file *)b)->name);
}

static bool
file_add(struct ldif_files *f, const char *path, const char *name, struct arena *a, struct err *e)
{
	struct ldif_file *file;

	if ((f->count & (f->count - 1)) == 0) { /* full at 0, 1, 2, 4, ... */
		struct ldif_file *list =
			arena_alloc(a, (f->count ? f->count * 2 : 1) * sizeof(*list));

		if (f->count)
			memcpy(list, f->list, f->count * sizeof(*list));
		f->list = list;
	}
	file = &f->list[f->count++];
	*file = (struct ldif_file){ .path = path, .name = arena_strdup(a, name) };
	if (stat(path, &file->seen) != 0)
		return err_errno(e, ERR_SIDE, "%s", path);
	return true;
}

static bool
folder_list(const char *path, struct arena *a, struct ldif_files *f, struct err *e)
{
	DIR *d = opendir(path);
	struct dirent *entry;
	bool ok = true;

	if (!d)
		return err_errno(e, ERR_CONFIG, "%s", path);
	errno = 0;
	while (ok && (entry = readdir(d))) {
		if (!ldif_name_counts(entry->d_name))
			continue;
		ok = f->count < FILES_MAX
			     ? file_add(f, arena_printf(a, "%s/%s", path, entry->d_name),
				       entry->d_name, a, e)
			     : err_set(e, ERR_CONFIG, "too-many-files",
				       "%s: more than %d files; write a new content file and "
				       "remove the "
				       "old ones",
				       path, FILES_MAX);
		if (ok && !S_ISREG(f->list[f->count - 1].seen.st_mode))
			f->count--;
		errno = 0;
	}
	if (ok && errno)
		ok = err_errno(e, ERR_SIDE, "%s", path);
	closedir(d);
	if (ok && f->count == 0)
		return err_set(e, ERR_CONFIG, "no-file", "%s: no file ends in .ldif or .ldf", path);
	if (ok)
		qsort(f->list, f->count, sizeof(*f->list), by_name);
	return ok;
}

int
ldif_file_open(const struct ldif_file *f, struct err *e)
{
	int fd = open(f->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err_errno(e, ERR_SIDE, "%s", f->path);
	return fd;
}

bool
ldif_file_same(const struct ldif_file *f, int fd)
{
	struct stat now;

	return fstat(fd, &now) == 0 && now.st_ino == f->seen.st_ino &&
	       now.st_dev == f->seen.st_dev && now.st_size == f->seen.st_size &&
	       now.st_mtim.tv_sec == f->seen.st_mtim.tv_sec &&
	       now.st_mtim.tv_nsec == f->seen.st_mtim.tv_nsec;
}

static bool
holds_content(const struct ldif_file *f, bool *yes_r, struct err *e)
{
	CLEAN_FD int fd = ldif_file_open(f, e);
	const struct ldif_record *r;
	struct ldif *l;
	int got;

	if (fd < 0)
		return false;
	l = ldif_open(fd, f->name);
	got = ldif_next(l, &r, e);
	*yes_r = got == 1 && r->change == LDIF_CONTENT && !r->why;
	if (got == 1 && r->why) { /* malformed: what it meant to be still shows */
		*yes_r = true;
		for (size_t i = 0; i < r->all_count; i++)
			if (ascii_ieq(r->all[i].name, "changetype"))
				*yes_r = false;
	}
	ldif_close(&l);
	return got >= 0;
}

static bool
content_find(struct ldif_files *f, struct err *e)
{
	bool yes = false;

	for (size_t i = f->count; i > 0 && !yes; i--) {
		if (!holds_content(&f->list[i - 1], &yes, e))
			return false;
		f->content = i - 1;
	}
	return true;
}

bool
ldif_files_list(const char *path, struct arena *a, struct ldif_files *f_r, struct err *e)
{
	const char *slash = strrchr(path, '/');
	struct stat st;

	*f_r = (struct ldif_files){ 0 };
	if (stat(path, &st) != 0) {
		err_errno(e, ERR_CONFIG, "%s", path);
		return err_set(e, ERR_CONFIG, "no-file", "%s", e ? e->text : "");
	}
	if (S_ISDIR(st.st_mode) ? !folder_list(path, a, f_r, e)
				: !file_add(f_r, path, slash ? slash + 1 : path, a, e))
		return false;
	return content_find(f_r, e);
}

static bool
sample(int fd, off_t at, size_t want, struct buf *out)
{
	char block[SAMPLE];
	ssize_t n = pread(fd, block, want < SAMPLE ? want : SAMPLE, at);

	if (n > 0)
		buf_add(out, block, (size_t)n);
	return n >= 0;
}

bool
ldif_files_digest(const struct ldif_files *f, size_t last, char out[65], struct err *e)
{
	CLEAN_BUF struct buf all = { 0 };

	for (size_t i = f->content; i <= last; i++) {
		const struct stat *st = &f->list[i].seen;
		CLEAN_FD int fd = ldif_file_open(&f->list[i], e);
		off_t tail = st->st_size > SAMPLE ? st->st_size - SAMPLE : 0;

		if (fd < 0)
			return false;
		buf_addf(&all, "%s %lld %lld.%09ld\n", f->list[i].name, (long long)st->st_size,
			(long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
		if (!sample(fd, 0, SAMPLE, &all) || !sample(fd, tail, SAMPLE, &all))
			return err_errno(e, ERR_SIDE, "reading %s", f->list[i].path);
		/* One number stands for all so far: memory does not grow with their count. */
		sha256_hex(all.p, all.n, out);
		buf_reset(&all);
		buf_adds(&all, out);
	}
	return true;
}
