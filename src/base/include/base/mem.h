/*
 * Memory. Allocation never fails from the caller's view: out of memory writes one line and ends
 * the process (the journal makes that safe). Data of one object, page or request lives in an arena
 * and is not freed singly.
 */
#pragma once
#include <stddef.h>
#include <stdarg.h>

void *xmalloc(size_t n);
void *xcalloc(size_t count, size_t n);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

struct arena;
struct arena *arena_new(void);
/* For many at a time, each with little in it: the first piece of memory is of so many bytes. */
struct arena *arena_new_small(size_t first);
void *arena_alloc(struct arena *a, size_t n); /* zeroed, aligned for any type */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n); /* NUL appended */
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void arena_reset(struct arena *a); /* forgets everything, keeps the memory for reuse (bounded) */
size_t arena_used(const struct arena *a); /* bytes handed out since the last reset */
void arena_free(struct arena *a);         /* NULL allowed */

/* cleanup attributes: `CLEAN_FREE char *p = ...;` */
void mem_clean_free(void *pp);
void mem_clean_arena(struct arena **a);
void mem_clean_fd(int *fd);
void mem_clean_file(void *fp);
#define CLEAN_FREE  __attribute__((cleanup(mem_clean_free)))
#define CLEAN_ARENA __attribute__((cleanup(mem_clean_arena)))
#define CLEAN_FD    __attribute__((cleanup(mem_clean_fd)))
#define CLEAN_FILE  __attribute__((cleanup(mem_clean_file)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
