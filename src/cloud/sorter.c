#include <stdlib.h>
#include <string.h>
#include "sorter.h"

int
sorter_compare(const struct sorter *s, const struct place *a, const struct place *b)
{
	int c = str_cmp((struct str){ (const char *)a->key, a->n },
		(struct str){ (const char *)b->key, b->n });

	if (c == 0)
		c = (a->rid > b->rid) - (a->rid < b->rid);
	return s->descending ? -c : c;
}

static void
swap(struct sorter *s, size_t i, size_t j)
{
	struct place p = s->list[i];

	s->list[i] = s->list[j];
	s->list[j] = p;
}

static void
rise(struct sorter *s, size_t i)
{
	while (i > 0 && sorter_compare(s, &s->list[i], &s->list[(i - 1) / 2]) > 0) {
		swap(s, i, (i - 1) / 2);
		i = (i - 1) / 2;
	}
}

static void
sink(struct sorter *s)
{
	size_t i = 0, child;

	while ((child = 2 * i + 1) < s->n) {
		if (child + 1 < s->n && sorter_compare(s, &s->list[child + 1], &s->list[child]) > 0)
			child++;
		if (sorter_compare(s, &s->list[child], &s->list[i]) <= 0)
			break;
		swap(s, i, child);
		i = child;
	}
}

void
sorter_offer(struct sorter *s, const struct place *p)
{
	if (s->n == s->most) {
		if (s->n && sorter_compare(s, p, &s->list[0]) < 0) {
			s->list[0] = *p;
			sink(s);
		}
		return;
	}
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 64;
		s->cap = s->cap < s->most ? s->cap : s->most;
		s->list = xrealloc(s->list, s->cap * sizeof(*s->list));
	}
	s->list[s->n] = *p;
	rise(s, s->n++);
}

static int
by_place(const void *a, const void *b, void *s)
{
	return sorter_compare(s, a, b);
}

void
sorter_finish(struct sorter *s)
{
	if (s->n)
		qsort_r(s->list, s->n, sizeof(*s->list), by_place, s);
}

void
sorter_free(struct sorter *s)
{
	free(s->list);
	*s = (struct sorter){ 0 };
}
