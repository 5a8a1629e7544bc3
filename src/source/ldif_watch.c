#include "ldif_watch.h"

#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "ldif_files.h"

#define HOUR_MS 3600000
/* A file that is written to is looked at when it is closed; one that is put in place, when it is there. */
#define EVENTS                                                                                     \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF)

/* The folder whose entries change, and the one name that counts in it; NULL = those of a folder's files. */
struct watched {
	char *folder;
	const char *name;
};

static void
watched_of(const char *path, struct watched *w_r)
{
	struct stat st;
	char *slash;

	w_r->folder = xstrdup(path);
	w_r->name = NULL;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return;
	slash = strrchr(w_r->folder, '/');
	w_r->name = path + (slash - w_r->folder) + 1;
	slash[slash == w_r->folder ? 1 : 0] = '\0'; /* of a file in the root: "/" */
}

static bool
counts(const struct watched *w, const struct inotify_event *ev)
{
	if (ev->mask & IN_Q_OVERFLOW)
		return true;
	return ev->len && (w->name ? strcmp(ev->name, w->name) == 0 : ldif_name_counts(ev->name));
}

/* What is there to be read of events. */
static bool
take(int fd, const struct watched *w, bool *news_r, struct err *e)
{
	_Alignas(struct inotify_event) char block[4096 + NAME_MAX + 1];
	ssize_t n = read(fd, block, sizeof(block));

	*news_r = false;
	for (char *p = block; p < block + n;) {
		const struct inotify_event *ev = (const struct inotify_event *)(void *)p;

		if (ev->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED))
			return err_set(e, ERR_SIDE, "folder-gone",
				"%s was removed, moved or unmounted", w->folder);
		*news_r |= counts(w, ev);
		p += sizeof(*ev) + ev->len;
	}
	return true;
}

static bool
watch(struct serve *s, const struct watched *w, struct err *e)
{
	CLEAN_FD int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	bool news;

	if (fd < 0 || inotify_add_watch(fd, w->folder, EVENTS) < 0)
		return err_errno(e, ERR_SIDE, "watching %s", w->folder);
	if (!serve_watching(s, e))
		return false;
	while (serve_wait(s, &poll_fd, 1, HOUR_MS) > 0) {
		if (!take(fd, w, &news, e))
			return false;
		if (news)
			serve_changed(s);
	}
	return true;
}

bool
ldif_watch(struct serve *s, const char *path, struct err *e)
{
	struct watched w;
	bool ok;

	watched_of(path, &w);
	ok = watch(s, &w, e);
	mem_clean_free(&w.folder);
	return ok;
}
