/* The steps of a play that are no runs: knobs, faults, what a person does, and what is expected to be there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "play.h"

/* --- steps --- */

static bool
knob(struct play *p, const char *word, struct err *e)
{
	struct land *w = p->world;
	const struct {
		const char *name;
		bool *flag;
		bool invert;
	} flags[] = { { "tombstones", &w->no_tombstones, true },
		{ "full_tombstones", &w->full_tombstones, false },
		{ "versions", &w->versions, false }, { "fetch", &w->no_fetch, true },
		{ "reverse", &w->reverse, false }, { "normalize", &w->normalize, false },
		{ "seen", &w->silent_seen, true }, { "list", &w->no_list, true },
		{ "refs", &w->no_refs, true }, { "elements", &w->no_elements, true },
		{ "whole", &w->file_like, false } };
	const struct {
		const char *name;
		int64_t *n;
	} numbers[] = { { "links", &w->links_line }, { "skew", &w->skew }, { "window", &w->window },
		{ "members", &w->members_max }, { "settle", &w->settle },
		{ "list_cut", &w->list_cut }, { "call_ms", &w->call_ms },
		{ "slice_ms", &p->slice_ms } };
	const struct {
		const char *name;
		const char **text;
	} texts[] = { { "missing_after", &p->missing_after }, { "adopt", &p->adopt },
		{ "exclusive", &p->exclusive } };
	const char *eq = strchr(word, '=');
	size_t n = eq ? (size_t)(eq - word) : strlen(word);
	bool yes = !eq || strcmp(eq + 1, "yes") == 0;

	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (strlen(flags[i].name) == n && strncmp(word, flags[i].name, n) == 0)
			return *flags[i].flag = yes != flags[i].invert, true;
	for (size_t i = 0; eq && i < ARRAY_LEN(numbers); i++)
		if (strlen(numbers[i].name) == n && strncmp(word, numbers[i].name, n) == 0)
			return *numbers[i].n = strtoll(eq + 1, NULL, 10), true;
	for (size_t i = 0; eq && i < ARRAY_LEN(texts); i++)
		if (strlen(texts[i].name) == n && strncmp(word, texts[i].name, n) == 0) {
			*texts[i].text = arena_strdup(p->arena, eq + 1);
			p->conf_stale = true;
			return true;
		}
	if (strncmp(word, "list_lacks=", 11) == 0) {
		w->list_lacks = word[11] == '-' ? NULL : world_text(w, word + 11);
		return true;
	}
	if (strncmp(word, "controller=", 11) == 0)
		return snprintf(w->invocation, sizeof(w->invocation), "%s", word + 11) > 0;
	if (strncmp(word, "bind=", 5) == 0)
		return snprintf(w->bind, sizeof(w->bind), "%s", word + 5) > 0;
	return err_set(e, ERR_CONFIG, "bad-step", "%s is no knob", word);
}

static bool
knobs(struct play *p, const struct step *st, bool target, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_FREE char *text = xasprintf("knobs %s", st->head);
	struct row r;

	if (!row_split(text, a, &r, e))
		return false;
	for (size_t i = 1; i < r.count; i++) {
		bool *down = target ? &p->world->no_target : &p->world->no_source;

		if (strcmp(r.words[i], "down") == 0 || strcmp(r.words[i], "up") == 0)
			*down = r.words[i][0] == 'd';
		else if (strcmp(r.words[i], "token=bad") == 0 ||
			 strcmp(r.words[i], "token=good") == 0)
			p->world->bad_token = r.words[i][6] == 'b';
		else if (!knob(p, r.words[i], e))
			return false;
	}
	for (size_t i = 0; target && i < st->count; i++)
		if (!target_row(p->world, st->rows[i], e))
			return false;
	return target || change_rows(p->world, st->rows, st->count, e);
}

static bool
fault(struct play *p, const struct step *st, struct err *e)
{
	static const char *const names[] = { [READ_UNSEALED] = "unsealed",
		[READ_CUT] = "cut",
		[READ_COUNTS] = "counts",
		[READ_CURSOR] = "cursor-invalid",
		[READ_ERROR] = "error",
		[READ_GARBAGE] = "nonsense",
		[READ_HALF] = "half" };
	size_t n = strcspn(st->head, " \t");

	for (size_t i = READ_UNSEALED; i < ARRAY_LEN(names); i++)
		if (strlen(names[i]) == n && strncmp(st->head, names[i], n) == 0) {
			p->world->read_fault = (enum read_fault)i;
			p->world->read_after = strtoll(st->head + n, NULL, 10);
			return true;
		}
	return err_set(e, ERR_CONFIG, "bad-step", "%s is no fault", st->head);
}

static bool
config(struct play *p, const struct step *st, struct err *e)
{
	const char *name = *st->head ? st->head : "s";
	CLEAN_BUF struct buf body = { 0 };
	size_t i = 0;
	bool none = st->count == 1 && strcmp(st->rows[0], "none") == 0;

	for (size_t r = 0; r < st->count; r++)
		buf_addf(&body, "%s\n", st->rows[r]);
	while (i < p->sync_count && strcmp(p->syncs[i].name, name) != 0)
		i++;
	if (i == ARRAY_LEN(p->syncs))
		return err_set(e, ERR_CONFIG, "bad-step", "too many syncs");
	if (i == p->sync_count)
		p->syncs[p->sync_count++].name = arena_strdup(p->arena, name);
	p->syncs[i].body = none ? NULL : arena_strdup(p->arena, buf_cstr(&body));
	p->conf_stale = true;
	return true;
}

/* The newest run that held something is released. */
static bool
release(struct play *p, struct err *e)
{
	CLEAN_FREE char *path = xasprintf("%s/state/target-hosted.db", p->dir);
	struct store_env env = { .clock = &p->clock, .sync_off = true };
	CLEAN_ARENA struct arena *a = arena_new();
	struct run_row rows[16];
	struct ledger *l;
	int64_t pairs = 0;
	bool ok;

	if (!ledger_open(path, &env, false, &l, e))
		return false;
	size_t got = ledger_runs(l, 0, a, rows, ARRAY_LEN(rows)), i = 0;

	while (i < got && !rows[i].held)
		i++;
	ok = i < got || err_set(e, ERR_CONFIG, "bad-step", "no run held anything");
	ok = ok && ledger_begin(l, e) && ledger_release(l, rows[i].run, &pairs, e) &&
	     ledger_commit(l, e);
	ledger_close(&l);
	return ok;
}

/* "adopt exact", "adopt orphans", "adopt NAME [KEY]" */
static bool
adopt(struct play *p, const struct step *st, struct err *e)
{
	CLEAN_FREE char *path = xasprintf("%s/state/target-hosted.db", p->dir);
	CLEAN_FREE char *text = xasprintf("adopt %s", st->head);
	struct store_env env = { .clock = &p->clock, .sync_off = true };
	CLEAN_ARENA struct arena *a = arena_new();
	const struct w_entry *en;
	struct ledger *l;
	int64_t count, left;
	struct row r;
	bool ok;

	if (!row_split(text, a, &r, e) || r.count < 2 || !ledger_open(path, &env, false, &l, e))
		return false;
	en = dir_find(p->world, r.words[1]);
	ok = ledger_begin(l, e) &&
	     (strcmp(r.words[1], "exact") == 0 ? adopt_all_exact(l, &count, e)
		     : strcmp(r.words[1], "orphans") == 0
			     ? adopt_orphans(l, &count, &left, e)
			     : adopt_one(l, en ? en->id : r.words[1], 0,
				       r.count > 2 ? r.words[2] : NULL, e)) &&
	     ledger_commit(l, e);
	ledger_close(&l);
	return ok;
}

static bool
unpin(struct play *p, const struct step *st, struct err *e)
{
	struct sync_env env = { .store = { .clock = &p->clock, .sync_off = true } };
	int64_t count;

	return play_conf(p) && sync_unpin(p->conf, &env, *st->head ? st->head : NULL, &count, e) &&
	       (count || err_set(e, ERR_CONFIG, "bad-step", "nothing was pinned"));
}

static bool
later(struct play *p, const struct step *st)
{
	for (size_t i = 0; i < st->count; i++) {
		struct w_later *l = world_alloc(p->world, sizeof(*l));

		l->at_call = p->world->calls + strtoll(st->head, NULL, 10);
		l->row = world_text(p->world, st->rows[i]);
		l->next = p->world->later;
		p->world->later = l;
	}
	return true;
}

static bool
pass_time(struct play *p, const struct step *st, struct err *e)
{
	int64_t s;

	if (*st->head != '+' || !duration_parse(st->head + 1, &s))
		return err_set(e, ERR_CONFIG, "bad-step", "time +1h");
	p->world->now_ms += s * 1000;
	return true;
}

static bool
forget_file(struct play *p, const char *name)
{
	static const char *const ends[] = { "", "-wal", "-shm" };

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		CLEAN_FREE char *path = xasprintf("%s/state/%s%s", p->dir, name, ends[i]);

		remove(path);
	}
	return true;
}

/* --- expectations --- */

static const char *
ref_label(struct play *p, const struct t_ref *r)
{
	struct t_object *to = target_find_key(p->world, r->key);

	if (to && to->external)
		for (struct w_entry *en = p->world->entries; en; en = en->next)
			if (strcmp(en->id, to->external) == 0)
				return en->handle;
	return to ? object_name(to) : "?";
}

static bool
expect_refs(struct play *p, struct t_object *ob, const char *attribute, const char *wanted,
	struct arena *a)
{
	char *have[64], *want[64], *list = arena_strdup(a, wanted), *at = list;
	size_t n = 0, m = 0;
	CLEAN_BUF struct buf h = { 0 }, w = { 0 };

	for (struct t_ref *r = ob->refs; r && n < 64; r = r->next)
		if (strcmp(r->attribute, attribute) == 0)
			have[n++] = arena_strdup(a, ref_label(p, r));
	while (strcmp(wanted, "-") != 0 && at && *at && m < 64)
		want[m++] = strsep(&at, ",");
	if (n)
		qsort(have, n, sizeof(*have), line_order);
	if (m)
		qsort(want, m, sizeof(*want), line_order);
	for (size_t i = 0; i < n; i++)
		buf_addf(&h, "%s,", have[i]);
	for (size_t i = 0; i < m; i++)
		buf_addf(&w, "%s,", want[i]);
	return str_eq(buf_str(&h), buf_str(&w)) || (!h.n && !w.n) ||
	       play_fail(p, "%s are %s expected %s", attribute, buf_cstr(&h), wanted);
}

/* The values of "a|b" in their order. */
static const char *
sorted(const char *values, struct arena *a)
{
	char *list[64], *at = arena_strdup(a, values);
	CLEAN_BUF struct buf out = { 0 };
	size_t n = 0;

	while (at && n < 64)
		list[n++] = strsep(&at, "|");
	qsort(list, n, sizeof(*list), line_order);
	for (size_t i = 0; i < n; i++)
		buf_addf(&out, "%s|", list[i]);
	return arena_strdup(a, buf_cstr(&out));
}

static bool
expect_word(struct play *p, struct t_object *ob, const char *word, struct arena *a)
{
	const char *eq = strchr(word, '=');
	char *name = arena_strndup(a, word, eq ? (size_t)(eq - word) : strlen(word));
	const struct w_attr *at;
	CLEAN_BUF struct buf have = { 0 };
	int64_t count = 0;

	if (!eq)
		return play_fail(p, "%s is no expectation", word);
	if (strcmp(name, "members") == 0 || strcmp(name, "manager") == 0)
		return expect_refs(p, ob, name, eq + 1, a);
	if (strcmp(name, "member_count") == 0) {
		for (struct t_ref *r = ob->refs; r; r = r->next)
			count++;
		return count == strtoll(eq + 1, NULL, 10) ||
		       play_fail(p, "%lld members", (long long)count);
	}
	at = w_attr_find(ob->attrs, name);
	for (size_t i = 0; at && i < at->count; i++)
		buf_addf(&have, "%s%s", i ? "|" : "", at->values[i]);
	if (strcmp(sorted(buf_cstr(&have), a), sorted(strcmp(eq + 1, "-") == 0 ? "" : eq + 1, a)) ==
		0)
		return true;
	return play_fail(p, "%s is %s, expected %s", name, buf_cstr(&have), eq + 1);
}

static int64_t
count_objects(struct play *p, int kind)
{
	int64_t n = 0;

	for (struct t_object *ob = p->world->objects; ob; ob = ob->next)
		n += !ob->gone && ob->kind == kind;
	return n;
}

/* "anna title=Chief active=true", "bert -", "named group Staff ...", "count users=3". */
static bool
expect_row(struct play *p, const char *text, int line, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct t_object *ob = NULL;
	const struct w_entry *en;
	size_t from = 1;
	struct row r;
	bool ok = true;

	if (!row_split(text, a, &r, e))
		return false;
	if (strcmp(r.words[0], "count") == 0) {
		for (int k = 0; k < KIND_COUNT; k++) {
			const char *n = row_value(&r, kinds[k].plural);

			if (n && strtoll(n, NULL, 10) != count_objects(p, k))
				ok = play_fail(p, "line %d: %lld %s, expected %s", line,
					(long long)count_objects(p, k), kinds[k].plural, n);
		}
		return ok;
	}
	if (strcmp(r.words[0], "named") == 0 && r.count > 2 && kind_find(r.words[1])) {
		ob = target_find_name(p->world, (int)(kind_find(r.words[1]) - kinds), r.words[2]);
		from = 3;
	} else {
		en = dir_find(p->world, r.words[0]);
		if (!en)
			return err_set(
				e, ERR_CONFIG, "bad-step", "nobody is called %s", r.words[0]);
		ob = target_find_external(p->world, en->id);
	}
	if (r.count == from + 1 && strcmp(r.words[from], "-") == 0)
		return !ob || play_fail(p, "line %d: %s is there", line, r.words[0]);
	if (!ob)
		return play_fail(p, "line %d: %s is not there", line, text);
	for (size_t i = from; i < r.count; i++)
		if (!expect_word(p, ob, r.words[i], a))
			ok = play_fail(p, "line %d: %s", line, r.words[0]);
	return ok;
}

static bool
expect(struct play *p, const struct step *st, struct err *e)
{
	for (size_t i = 0; i < st->count; i++)
		if (!expect_row(p, st->rows[i], st->row_lines[i], e))
			return p->why.n ? false
					: play_fail(p, "line %d: %s", st->row_lines[i], e->text);
	return true;
}

bool
play_step(struct play *p, const struct step *st)
{
	struct err e = { 0 };
	bool ok = true;

	switch (st->type) {
	case STEP_CONFIG:
		ok = config(p, st, &e);
		break;
	case STEP_SOURCE:
		ok = knobs(p, st, false, &e);
		break;
	case STEP_TARGET:
		ok = knobs(p, st, true, &e);
		break;
	case STEP_DIRECTORY:
	case STEP_CHANGE:
		ok = change_rows(p->world, st->rows, st->count, &e);
		break;
	case STEP_LATER:
		ok = later(p, st);
		break;
	case STEP_TIME:
		ok = pass_time(p, st, &e);
		break;
	case STEP_RELEASE:
		ok = release(p, &e);
		break;
	case STEP_ADOPT:
		ok = adopt(p, st, &e);
		break;
	case STEP_EXPECT:
		ok = expect(p, st, &e);
		break;
	case STEP_FAULT:
		ok = fault(p, st, &e);
		break;
	case STEP_REBUILD:
		ok = forget_file(p, "source-corp.db");
		break;
	case STEP_LOSE:
		ok = forget_file(p, "target-hosted.db");
		break;
	case STEP_UNPIN:
		ok = unpin(p, st, &e);
		break;
	case STEP_RUN:
	case STEP_NOTE:
	case STEP_COUNT:
		break;
	}
	if (!ok && !p->why.n)
		return play_fail(p, "line %d: %s", st->line, e.text);
	return ok;
}
