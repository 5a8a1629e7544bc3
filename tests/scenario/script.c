#include "script.h"

#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/str.h"

static const char *const heads[STEP_COUNT] = { "config", "source", "target", "directory", "change",
	"later", "run", "time", "release", "adopt", "expect", "fault", "rebuild", "lose", "unpin",
	"scenario" };

static bool
add_head(struct script *s, const char *line, int number, struct err *e)
{
	size_t n = strcspn(line, " \t");
	struct step *st;

	for (int t = 0; t < STEP_COUNT; t++) {
		if (strlen(heads[t]) != n || strncmp(line, heads[t], n) != 0)
			continue;
		if ((s->count & (s->count - 1)) == 0) {
			struct step *more = arena_alloc(
				s->arena, (s->count ? s->count * 2 : 1) * sizeof(*more));

			if (s->count)
				memcpy(more, s->steps, s->count * sizeof(*more));
			s->steps = more;
		}
		st = &s->steps[s->count++];
		*st = (struct step){ .type = (enum step_type)t, .line = number };
		st->head = arena_strdup(s->arena, line + n + strspn(line + n, " \t"));
		return true;
	}
	return err_set(e, ERR_CONFIG, "bad-scenario", "%s:%d: \"%s\" begins no step", s->path,
		number, line);
}

static bool
add_row(struct script *s, const char *line, int number, struct err *e)
{
	struct step *st = s->count ? &s->steps[s->count - 1] : NULL;

	if (!st)
		return err_set(e, ERR_CONFIG, "bad-scenario", "%s:%d: a row belongs to no step",
			s->path, number);
	if ((st->count & (st->count - 1)) == 0) {
		size_t cap = st->count ? st->count * 2 : 1;
		const char **rows = arena_alloc(s->arena, cap * sizeof(*rows));
		int *lines = arena_alloc(s->arena, cap * sizeof(*lines));

		if (st->count) {
			memcpy(rows, st->rows, st->count * sizeof(*rows));
			memcpy(lines, st->row_lines, st->count * sizeof(*lines));
		}
		st->rows = rows;
		st->row_lines = lines;
	}
	st->row_lines[st->count] = number;
	st->rows[st->count++] = arena_strdup(s->arena, line + strspn(line, " \t"));
	return true;
}

static bool
flags(struct script *s, const struct step *st)
{
	s->no_full |= strstr(st->head, "no-full") != NULL;
	s->no_faults |= strstr(st->head, "no-faults") != NULL;
	s->no_stops |= strstr(st->head, "no-stops") != NULL;
	s->quick |= strstr(st->head, "quick") != NULL;
	s->loose |= strstr(st->head, "loose") != NULL;
	return true;
}

static bool
lines(struct script *s, const char *text, struct err *e)
{
	int number = 0;

	while (*text) {
		size_t n = strcspn(text, "\n");
		char *line = arena_strndup(s->arena, text, n);
		size_t lead = strspn(line, " \t");

		number++;
		text += n + (text[n] ? 1 : 0);
		if (!line[lead] || line[lead] == '#')
			continue;
		if (!(lead ? add_row(s, line, number, e) : add_head(s, line, number, e)))
			return false;
	}
	for (size_t i = 0; i < s->count; i++)
		if (s->steps[i].type == STEP_NOTE)
			flags(s, &s->steps[i]);
	return true;
}

bool
script_load(const char *path, struct script **s_r, struct err *e)
{
	struct arena *a = arena_new();
	struct script *s = arena_alloc(a, sizeof(*s));
	CLEAN_BUF struct buf text = { 0 };
	const char *slash = strrchr(path, '/');

	*s = (struct script){ .arena = a, .path = arena_strdup(a, path) };
	s->name = arena_strdup(a, slash ? slash + 1 : path);
	if (strlen(s->name) > 2)
		s->name = arena_strndup(a, s->name, strlen(s->name) - 2);
	*s_r = s;
	if (file_read(path, 1 << 20, &text, e) && lines(s, buf_cstr(&text), e))
		return true;
	arena_free(a);
	*s_r = NULL;
	return false;
}

void
script_free(struct script **s)
{
	if (*s)
		arena_free((*s)->arena);
	*s = NULL;
}
