#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"

#define CHUNK_MIN ((size_t)16 * 1024)
#define KEEP_MAX  ((size_t)1024 * 1024) /* what a reset arena may hold on to */
#define ALIGN     _Alignof(max_align_t)

struct chunk {
	struct chunk *next;
	size_t size, used;
	_Alignas(max_align_t) char data[];
};

struct arena {
	struct chunk *head; /* the one being filled comes first */
	size_t used, first;
};

static _Noreturn void
out_of_memory(void)
{
	static const char line[] = "out of memory\n";

	if (write(STDERR_FILENO, line, sizeof(line) - 1) < 0)
		abort();
	abort();
}

void *
xmalloc(size_t n)
{
	void *p = malloc(n ? n : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *
xcalloc(size_t count, size_t n)
{
	void *p = calloc(count ? count : 1, n ? n : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *
xrealloc(void *p, size_t n)
{
	p = realloc(p, n ? n : 1);
	if (!p)
		out_of_memory();
	return p;
}

char *
xstrdup(const char *s)
{
	return xstrndup(s, strlen(s));
}

char *
xstrndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *p = xmalloc(len + 1);

	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

char *
xvasprintf(const char *fmt, va_list ap)
{
	char *p;

	if (vasprintf(&p, fmt, ap) < 0)
		out_of_memory();
	return p;
}

char *
xasprintf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *p = xvasprintf(fmt, ap);
	va_end(ap);
	return p;
}

struct arena *
arena_new(void)
{
	return arena_new_small(CHUNK_MIN);
}

struct arena *
arena_new_small(size_t first)
{
	struct arena *a = xcalloc(1, sizeof(*a));

	a->first = first;
	return a;
}

/* Chunks double with what was used, so that n bytes cost O(log n) calls of malloc. */
static struct chunk *
arena_grow(struct arena *a, size_t n)
{
	size_t size = a->first;
	struct chunk *c;

	while (size < KEEP_MAX && size < a->used)
		size *= 2;
	if (size < n)
		size = n;
	if (size > SIZE_MAX - sizeof(*c))
		out_of_memory();
	c = xmalloc(sizeof(*c) + size);
	*c = (struct chunk){ .next = a->head, .size = size };
	a->head = c;
	return c;
}

static void *
arena_take(struct arena *a, size_t n)
{
	struct chunk *c = a->head;
	void *p;

	if (n > SIZE_MAX / 2)
		out_of_memory();
	n = (n + ALIGN - 1) / ALIGN * ALIGN;
	if (!c || c->size - c->used < n)
		c = arena_grow(a, n);
	p = c->data + c->used;
	c->used += n;
	a->used += n;
	return p;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	return memset(arena_take(a, n), 0, n);
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *
arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *p = arena_take(a, n + 1);

	if (n)
		memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	char few[128], *p;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(few, sizeof(few), fmt, ap);
	va_end(ap);
	if (n < 0)
		out_of_memory();
	p = arena_alloc(a, (size_t)n + 1);
	if ((size_t)n < sizeof(few))
		return memcpy(p, few, (size_t)n);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

/* Keeps the newest chunk that is not too large; the newest is as a rule the largest. */
void
arena_reset(struct arena *a)
{
	struct chunk *keep = NULL, *next;

	for (struct chunk *c = a->head; c; c = next) {
		next = c->next;
		if (!keep && c->size <= KEEP_MAX)
			keep = c;
		else
			free(c);
	}
	if (keep) {
		keep->next = NULL;
		keep->used = 0;
	}
	a->head = keep;
	a->used = 0;
}

size_t
arena_used(const struct arena *a)
{
	return a->used;
}

void
arena_free(struct arena *a)
{
	struct chunk *next;

	if (!a)
		return;
	for (struct chunk *c = a->head; c; c = next) {
		next = c->next;
		free(c);
	}
	free(a);
}

void
mem_clean_free(void *pp)
{
	free(*(void **)pp);
}

void
mem_clean_arena(struct arena **a)
{
	arena_free(*a);
}

void
mem_clean_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

void
mem_clean_file(void *fp)
{
	FILE *f = *(FILE **)fp;

	if (f)
		fclose(f);
}
