#include "ldif_group.h"

#include <string.h>
#include <strings.h>
#include "model/attrs.h"

static void
group_add(struct ldif_group *g, const struct ldif_line *line, struct arena *a)
{
	const char *why = NULL;
	struct str v;

	if (g->why)
		return;
	if (!ldif_value(line, a, &v, &why)) {
		g->why = arena_printf(a, "line %zu: the value of %s %s", line->line, g->name, why);
		return;
	}
	if ((g->count & (g->count - 1)) == 0) { /* full at 0, 1, 2, 4, ... */
		struct str *values =
			arena_alloc(a, (g->count ? g->count * 2 : 1) * sizeof(*values));

		if (g->count)
			memcpy(values, g->values, g->count * sizeof(*values));
		g->values = values;
	}
	g->values[g->count++] = v;
}

static struct ldif_group *
group_get(struct ldif_groups *g, const struct ldif_known *known, const char *name, size_t n,
	size_t *cap, struct arena *a)
{
	for (size_t i = g->count; i > 0; i--)
		if (g->list[i - 1].known == known ||
			(!known->kept && strncasecmp(g->list[i - 1].name, name, n) == 0 &&
				g->list[i - 1].name[n] == '\0'))
			return &g->list[i - 1];
	if (g->count == ATTRS_MAX)
		return NULL;
	if (g->count == *cap) {
		size_t more = *cap ? *cap * 2 : 32;
		struct ldif_group *list = arena_alloc(a, more * sizeof(*list));

		if (g->count)
			memcpy(list, g->list, g->count * sizeof(*list));
		g->list = list;
		*cap = more;
	}
	g->list[g->count] =
		(struct ldif_group){ .name = arena_strndup(a, name, n), .known = known };
	return &g->list[g->count++];
}

/* The length of the base name when the name has a range option, else 0. */
static size_t
range_base(const char *name)
{
	const char *semi = strchr(name, ';');

	return semi && strncasecmp(semi, ";range=", 7) == 0 ? (size_t)(semi - name) : 0;
}

bool
ldif_group(const struct ldif_record *r, ldif_knower know, void *ctx, struct arena *a,
	struct ldif_groups *g_r)
{
	size_t cap = 0;

	*g_r = (struct ldif_groups){ 0 };
	for (size_t i = 0; i < r->count; i++) {
		const struct ldif_line *line = &r->lines[i];
		size_t ranged = range_base(line->name), n = ranged ? ranged : line->name_len;
		const struct ldif_known *known;
		struct ldif_group *g;

		if (line->form == LDIF_DASH) {
			g_r->why = arena_printf(
				a, "line %zu: a \"-\" belongs to changetype: modify", line->line);
			return false;
		}
		known = know(ctx, line->name, n);
		if (!known->asked && !known->structural)
			continue;
		g = group_get(g_r, known, line->name, n, &cap, a);
		if (!g) {
			g_r->why = arena_printf(
				a, "line %zu: more than %d attributes", line->line, ATTRS_MAX);
			return false;
		}
		if (ranged)
			g->why = arena_printf(a,
				"line %zu: %s is only a range of the values; export with all of "
				"them",
				line->line, line->name);
		else
			group_add(g, line, a);
	}
	return true;
}

void
ldif_group_one(
	const struct ldif_record *r, const char *name, struct arena *a, struct ldif_group *g_r)
{
	*g_r = (struct ldif_group){ .name = name };
	for (size_t i = 0; i < r->count; i++)
		group_add(g_r, &r->lines[i], a);
}

const struct ldif_group *
ldif_group_find(const struct ldif_groups *g, const char *name)
{
	for (size_t i = 0; i < g->count; i++)
		if (strcasecmp(g->list[i].name, name) == 0)
			return &g->list[i];
	return NULL;
}
