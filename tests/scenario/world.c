#include "world.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"

/* Pointers in the file hold in every process because it is mapped here in each (x86-64 and arm64 leave
 * this free, with sanitizers too). */
#define WORLD_AT ((void *)0x200000000000)
#define MAGIC    "lockstep-world"

static struct land *
world_map(int fd, size_t size, const char *path, struct err *e)
{
	struct land *w = mmap(WORLD_AT, size, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_NORESERVE, fd, 0);

	if (w == MAP_FAILED) {
		err_errno(e, ERR_SIDE, "cannot map %s", path);
		return NULL;
	}
	return w;
}

struct land *
world_make(const char *path, size_t size, struct err *e)
{
	CLEAN_FD int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct land *w;

	if (fd < 0 || ftruncate(fd, (off_t)size) != 0) {
		err_errno(e, ERR_SIDE, "cannot make %s", path);
		return NULL;
	}
	w = world_map(fd, size, path, e);
	if (!w)
		return NULL;
	memset(w, 0, sizeof(*w));
	memcpy(w->magic, MAGIC, sizeof(MAGIC));
	w->self = w;
	w->size = size;
	w->used = (sizeof(*w) + 15) & ~(size_t)15;
	w->now_ms = 1795000000LL * 1000; /* 2026-11-18 */
	w->window = 8;
	w->members_max = 100;
	w->settle = 2;
	w->links_line = 1000;
	w->full_tombstones = true;
	snprintf(w->invocation, sizeof(w->invocation), "dc1");
	snprintf(w->bind, sizeof(w->bind), "svc");
	return w;
}

struct land *
world_open(const char *path, struct err *e)
{
	CLEAN_FD int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat st;
	struct land *w;

	if (fd < 0 || fstat(fd, &st) != 0) {
		err_errno(e, ERR_SIDE, "cannot open %s", path);
		return NULL;
	}
	w = world_map(fd, (size_t)st.st_size, path, e);
	if (w && (strcmp(w->magic, MAGIC) != 0 || w->self != w)) {
		err_set(e, ERR_SIDE, "no-world", "%s holds no world", path);
		munmap(w, (size_t)st.st_size);
		return NULL;
	}
	return w;
}

void
world_close(struct land **w)
{
	if (*w)
		munmap(*w, (*w)->size);
	*w = NULL;
}

void
world_save(const struct land *w, struct buf *out)
{
	buf_reset(out);
	buf_add(out, w, w->used);
}

void
world_restore(struct land *w, const struct buf *saved)
{
	memcpy(w, saved->p, saved->n);
}

void *
world_alloc(struct land *w, size_t n)
{
	void *p = (char *)w + w->used;

	n = (n + 15) & ~(size_t)15;
	if (n > w->size - w->used) {
		fprintf(stderr, "the world is full (%zu bytes)\n", w->size);
		abort();
	}
	w->used += n;
	memset(p, 0, n); /* a restored world leaves its later self behind */
	return p;
}

const char *
world_text(struct land *w, const char *s)
{
	size_t n = strlen(s) + 1;
	char *p = world_alloc(w, n);

	memcpy(p, s, n);
	return p;
}

void
world_trouble(struct land *w, const char *fmt, ...)
{
	va_list ap;

	if (w->trouble[0])
		return;
	va_start(ap, fmt);
	vsnprintf(w->trouble, sizeof(w->trouble), fmt, ap);
	va_end(ap);
}

/* --- the clock --- */

int64_t
world_now(const struct land *w)
{
	return w->now_ms / 1000;
}

static int64_t
clock_now(void *ctx)
{
	return world_now(ctx);
}

static int64_t
clock_mono(void *ctx)
{
	const struct land *w = ctx;

	return w->now_ms;
}

static void
clock_sleep(void *ctx, int64_t ms)
{
	struct land *w = ctx;

	w->now_ms += ms;
}

const struct clock *
world_clock(struct land *w, struct clock *c)
{
	*c = (struct clock){ clock_now, clock_mono, clock_sleep, w };
	return c;
}

/* --- attributes --- */

struct w_attr *
w_attr_find(struct w_attr *list, const char *name)
{
	for (; list; list = list->next)
		if (ascii_ieq(list->name, name))
			return list;
	return NULL;
}

void
w_attr_put(struct land *w, struct w_attr **list, const char *name, const char *const *values,
	size_t count, int64_t change)
{
	struct w_attr *a = w_attr_find(*list, name);

	if (!a) {
		struct w_attr **end = list;

		while (*end)
			end = &(*end)->next;
		a = *end = world_alloc(w, sizeof(*a));
		a->name = world_text(w, name);
	}
	a->values = count ? world_alloc(w, count * sizeof(*a->values)) : NULL;
	for (size_t i = 0; i < count; i++)
		a->values[i] = world_text(w, values[i]);
	a->count = count;
	a->changed = change;
}
