/*
 * Properties over random directories and random histories. For each seed:
 *   delta = full          what many runs over deltas, with faults among them, brought about is what one full read
 *                         into an empty state and an empty target brings about (I7); leavers are disabled or gone
 *   second run empty      (I6)
 *   nothing removed       by what a full read did not show (I1)
 *   guard never exceeded  within 24 hours (8.1)
 *   drift is mended       what others change at the target in what is ours, references too, is as before after a
 *                         full run (6.2); members and elements of lists that are theirs stay (6.3)
 *   names go round        in one run, whoever gets whose (7.1)
 *   plan and apply        do what was planned, or nothing (9.2): property_plan.c
 *   undo                  brings back what was, and it stays so until what is wanted changes (9.3)
 * The history of a seed that fails is printed as rows of a scenario.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "property.h"

#define NO_GUARD                                                                                   \
	"guard { create = \"-\" disable = \"-\" delete = \"-\" member_removal = \"-\" "            \
	"member_per_group = \"-\""                                                                 \
	" seen_disable = \"-\" }\n"

static const struct config configs[] = {
	{ "all", NO_GUARD, -1, -1 },
	{ "base", "scope { base = {'OU=o1,DC=x', 'OU=o2,OU=o1,DC=x'} }\n" NO_GUARD, -1, -1 },
	{ "not base", "scope { not_base = 'OU=o1,DC=x' }\n" NO_GUARD, -1, -1 },
	{ "group", "scope { group = 'CN=g1,DC=x' }\n" NO_GUARD, -1, -1 },
	{ "groups",
		"scope { group = {'CN=g1,DC=x', 'CN=g2,DC=x'} filter = '(!(department=Out))' "
		"}\n" NO_GUARD,
		-1, -1 },
	{ "filter", "scope { filter = '(|(objectClass=group)(department=Sales))' }\n" NO_GUARD, -1,
		-1 },
	{ "memberof", "scope { filter = '(|(objectClass=group)(memberOf=CN=g1,DC=x))' }\n" NO_GUARD,
		-1, -1 },
	{ "links",
		"scope { filter = "
		"'(|(manager=CN=u1,DC=x)(manager:1.2.840.113556.1.4.1941:=CN=u2,DC=x)"
		"(&(objectClass=group)(member=*)))' }\n"
		"user { map { title = 'manager' } }\n" NO_GUARD,
		-1, -1 },
	{ "delete",
		"user { leave = \"delete\" }\nscope { filter = '(!(department=Out))' }\n" NO_GUARD,
		-1, -1 },
	{ "guard",
		"guard { disable = \"2\" seen_disable = \"2\" delete = \"1\" member_removal = \"-\""
		" member_per_group = \"-\" }\n",
		1, 4 },
};

int64_t
changes_of(const struct sync_result *r)
{
	return r->created + r->adopted + r->updated + r->enabled + r->disabled + r->deleted +
	       r->recreated + r->members_added + r->members_removed;
}

bool
run(struct test *t, bool full, struct sync_result *r_r)
{
	struct sync_options o = { .full = full };
	struct play *p = &t->play;

	buf_addf(&t->rows, "#run%s\n", full ? " full" : "");
	if (!play_run(p, &o, r_r) || !play_check_always(p))
		return false;
	t->deleted += r_r->deleted;
	t->disabled += r_r->disabled;
	if (t->config->deleted >= 0 &&
		(t->deleted > t->config->deleted || t->disabled > t->config->disabled))
		return play_fail(p, "8.1: the guard was exceeded: %lld deleted, %lld disabled",
			(long long)t->deleted, (long long)t->disabled);
	return true;
}

/* A run, perhaps with a fault; then further ones until all is quiet. */
bool
run_and_settle(struct test *t)
{
	struct play *p = &t->play;
	struct sync_result r;

	if (roll(t, 2)) {
		p->way = (enum way)(1 + roll(t, WAY_COUNT - 1));
		p->fault_at = 1 + (int64_t)roll(t, 12);
		buf_addf(
			&t->rows, "# (call %lld: %s)\n", (long long)p->fault_at, way_names[p->way]);
	}
	if (!run(t, roll(t, 4) == 0, &r))
		return false;
	for (int i = 0; i < 12; i++) {
		bool faulty = p->way != WAY_NONE || i;

		p->way = WAY_NONE;
		p->world->now_ms += faulty ? 130 * 1000 : 0;
		if (!run(t, false, &r))
			return false;
		if (r.exit != SYNC_OK && r.exit != SYNC_HELD)
			continue;
		if (!changes_of(&r))
			return true;
		if (!faulty)
			return play_fail(p, "I6: the second run has %lld changes",
				(long long)changes_of(&r));
	}
	return play_fail(p, "no end: exit %d (%s)", r.exit, r.error.text);
}

bool
ledger_agrees(struct test *t)
{
	CLEAN_BUF struct buf ledger = { 0 };
	const char *bad;

	if (!play_ledger(&t->play, &ledger))
		return false;
	bad = strstr(buf_cstr(&ledger), "MISMATCH");
	bad = bad ? bad : strstr(buf_cstr(&ledger), "still open");
	return !bad ||
	       play_fail(&t->play, "the ledger does not agree with the target: %.300s", bad);
}

/* An ou is hidden from a full read, and comes back: nothing may happen. */
static bool
hide_and_show(struct test *t)
{
	struct play *p = &t->play;
	CLEAN_BUF struct buf before = { 0 }, after = { 0 };
	struct sync_result r;
	char a[32];

	if (p->world->file_like)
		return true;
	any_of(t, "o", t->ous, a, sizeof(a));
	target_dump(p->world, &before);
	p->world->full_tombstones = false;
	if (!row(t, "deny %s", a) || !run(t, true, &r) || !row(t, "allow %s", a) ||
		!run(t, true, &r))
		return false;
	p->world->full_tombstones = true;
	target_dump(p->world, &after);
	return str_eq(buf_str(&before), buf_str(&after)) ||
	       play_fail(p, "I1: hiding %s changed the target from\n%sto\n%s", a, buf_cstr(&before),
		       buf_cstr(&after));
}

/* Users that are there pass their addresses on in a circle. */
static bool
pass_names_round(struct test *t)
{
	struct w_entry *list[4];
	char mails[4][64], a[32];
	size_t most = 2 + (size_t)roll(t, 3), count = 0;
	struct play *p = &t->play;
	struct sync_result r;

	for (int tries = 0; tries < 20 && count < most; tries++) {
		struct w_entry *en = dir_find(p->world, any_of(t, "u", t->users, a, sizeof(a)));
		size_t i = 0;

		while (i < count && list[i] != en)
			i++;
		if (!en->gone && i == count && dir_get(en, "mail")) {
			snprintf(mails[count], sizeof(mails[0]), "%s",
				dir_get(en, "mail")->values[0]);
			list[count++] = en;
		}
	}
	for (size_t i = 0; count > 1 && i < count; i++)
		if (!row(t, "set %s mail=%s", list[i]->handle, mails[(i + 1) % count]))
			return false;
	if (!run(t, roll(t, 2), &r))
		return false;
	if (count > 1 && (r.updated != (int64_t)count || r.failed))
		return play_fail(
			p, "7.1: %lld of %zu names went round", (long long)r.updated, count);
	return run_and_settle(t) && ledger_agrees(t);
}

const char *
line_of(const char *text, const char *head, size_t n)
{
	while (*text) {
		if (strncmp(text, head, n) == 0)
			return text;
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return NULL;
}

size_t
head_of(const char *line)
{
	size_t n = strcspn(line, " \n");

	return n + 1 + strcspn(line + n + 1, " \n");
}

/* Every line of the fresh state is in the grown one; what is there besides has left: disabled users. */
static bool
compare(struct test *t, const char *grown, const char *fresh)
{
	struct play *p = &t->play;

	for (const char *l = fresh; *l; l += strcspn(l, "\n") + 1) {
		const char *g = line_of(grown, l, head_of(l));
		size_t n = strcspn(l, "\n");

		if (n && (!g || strcspn(g, "\n") != n || strncmp(g, l, n) != 0))
			return play_fail(p, "I7: full has\n# %.*s\n# delta has\n# %.*s", (int)n, l,
				(int)(g ? strcspn(g, "\n") : 7), g ? g : "nothing");
	}
	for (const char *g = grown; *g; g += strcspn(g, "\n") + 1) {
		size_t n = strcspn(g, "\n");

		if (!n || line_of(fresh, g, head_of(g)))
			continue;
		if (strncmp(g, "user ", 5) != 0 || !memmem(g, n, "active=false", 12))
			return play_fail(p, "I7: delta alone has\n# %.*s", (int)n, g);
		if (strstr(t->config->name, "delete"))
			return play_fail(p, "4.3: not deleted: %.*s", (int)n, g);
	}
	return true;
}

/* What is held is released until nothing is; the guard has had its say. */
static bool
release_all(struct test *t)
{
	static const struct step release = { .type = STEP_RELEASE, .head = "" };
	struct play *p = &t->play;
	struct sync_result r;

	t->config = &configs[0];
	for (int i = 0; i < 10; i++) {
		if (!run(t, false, &r))
			return false;
		if (!r.held)
			return true;
		buf_adds(&t->rows, "#release\n");
		if (!play_step(p, &release))
			return false;
	}
	return play_fail(p, "no end of holds");
}

bool
run_as(struct test *t, const char *name, const struct sync_options *o, struct sync_result *r_r)
{
	buf_addf(&t->rows, "#run %s\n", name);
	return play_run(&t->play, o, r_r) && play_check_always(&t->play);
}

bool
perhaps_fault(struct test *t)
{
	struct play *p = &t->play;

	if (roll(t, 2))
		return false;
	p->way = (enum way)(1 + roll(t, WAY_COUNT - 1));
	p->fault_at = 1 + (int64_t)roll(t, 12);
	buf_addf(&t->rows, "# (call %lld: %s)\n", (long long)p->fault_at, way_names[p->way]);
	return true;
}

bool
again_and_again(
	struct test *t, const char *name, const struct sync_options *o, struct sync_result *r_r)
{
	struct play *p = &t->play;

	for (int i = 0; i < 12; i++) {
		if (!run_as(t, name, o, r_r))
			return false;
		p->way = WAY_NONE;
		if (strcmp(r_r->error.code, "plan-outdated") == 0 ||
			((r_r->exit == SYNC_OK || r_r->exit == SYNC_HELD) && !changes_of(r_r)))
			return true;
		p->world->now_ms += r_r->exit == SYNC_OK ? 0 : 130 * 1000;
	}
	return play_fail(p, "%s: no end: exit %d (%s)", name, r_r->exit, r_r->error.text);
}

/* 9.3: as before the run, but for what it made, which is off. */
static bool
is_undone(struct test *t, const char *before, const char *after)
{
	struct play *p = &t->play;

	for (const char *l = before; *l; l += strcspn(l, "\n") + 1) {
		const char *g = line_of(after, l, head_of(l));
		size_t n = strcspn(l, "\n");

		if (n && (!g || strcspn(g, "\n") != n || strncmp(g, l, n) != 0))
			return play_fail(p, "9.3: before\n# %.*s\n# undone\n# %.*s", (int)n, l,
				(int)(g ? strcspn(g, "\n") : 7), g ? g : "nothing");
	}
	for (const char *g = after; *g; g += strcspn(g, "\n") + 1) {
		size_t n = strcspn(g, "\n");

		if (n && !line_of(before, g, head_of(g)) &&
			(strncmp(g, "user ", 5) != 0 || !memmem(g, n, "active=false", 12)))
			return play_fail(p, "9.3: still there: %.*s", (int)n, g);
	}
	return true;
}

static bool
stays_undone(struct test *t, bool faulty)
{
	struct play *p = &t->play;
	struct sync_result r;

	if (!run(t, roll(t, 2), &r))
		return false;
	/* Time went by: somebody may have expired. */
	return changes_of(&r) == (faulty ? r.disabled : 0) ||
	       play_fail(p, "9.3: the next run did %lld changes again", (long long)changes_of(&r));
}

static bool
run_and_undo(struct test *t)
{
	struct sync_options undo = { .undo_target = "hosted", .release = true };
	CLEAN_BUF struct buf before = { 0 }, after = { 0 };
	struct sync_env env = { .store = { .clock = &t->play.clock, .sync_off = true } };
	struct play *p = &t->play;
	struct sync_result r;
	int64_t count;
	struct err e;
	bool faulty;

	target_dump(p->world, &before);
	buf_adds(&t->rows, "#change\n");
	if (!change_some(t) || !run(t, false, &r))
		return false;
	if (r.exit != SYNC_OK || !changes_of(&r))
		return true;
	undo.undo = r.run;
	faulty = perhaps_fault(t);
	if (!again_and_again(t, "undo", &undo, &r))
		return false;
	target_dump(p->world, &after);
	if (!is_undone(t, buf_cstr(&before), buf_cstr(&after)) || !stays_undone(t, faulty))
		return false;
	buf_adds(&t->rows, "#change\n");
	if (!change_some(t) || !run_and_settle(t))
		return false;
	buf_adds(&t->rows, "#unpin\n");
	return sync_unpin(p->conf, &env, NULL, &count, &e) ? run_and_settle(t)
							   : play_fail(p, "%s", e.text);
}

static bool
equals_full(struct test *t)
{
	struct play *p = &t->play;
	CLEAN_BUF struct buf grown = { 0 }, fresh = { 0 };
	struct saved none = { 0 };
	struct sync_result r;

	target_dump(p->world, &grown);
	world_save(p->world, &none.world);
	play_restore(p, &none); /* no state files at all */
	saved_free(&none);
	p->world->objects = NULL;
	t->deleted = t->disabled = 0;
	p->world->file_like = false;
	if (!run(t, true, &r))
		return false;
	/* What the scope names may be gone by now: then it holds, and the same consent is asked for. */
	if (r.exit == SYNC_HELD ? !release_all(t) : r.exit != SYNC_OK)
		return play_fail(p, "a first run ended with %d (%s)", r.exit, r.error.text);
	target_dump(p->world, &fresh);
	return compare(t, buf_cstr(&grown), buf_cstr(&fresh));
}

static bool
live(struct test *t)
{
	struct play *p = &t->play;
	struct sync_result r;

	p->world->file_like = roll(t, 4) == 0;
	p->world->reverse = roll(t, 2);
	p->world->links_line = 1 + (int64_t)roll(t, 3);
	p->world->window = 1 + (int64_t)roll(t, 8);
	p->world->members_max = 1 + (int64_t)roll(t, 5);
	p->syncs[0].body = t->config->body;
	if (!make_directory(t) || !run(t, false, &r))
		return false;
	if (r.exit != SYNC_OK)
		return play_fail(p, "the first run ended with %d (%s)", r.exit, r.error.text);
	for (int i = 0; i < 2; i++) {
		buf_adds(&t->rows, "#change\n");
		if (!change_some(t))
			return false;
		if (roll(t, 6) == 0 && !p->world->file_like)
			snprintf(p->world->invocation, sizeof(p->world->invocation), "dc%d",
				t->next++);
		p->world->now_ms += 1000 * 3600 * (int64_t)roll(t, 8);
		if (!run_and_settle(t))
			return false;
		if (!ledger_agrees(t) || (roll(t, 8) == 0 && !hide_and_show(t)))
			return false;
		/* Where everybody is in scope: who left keeps his name, and what others do to it. */
		if (t->config == &configs[0] && !(roll(t, 2)         ? pass_names_round(t)
							: roll(t, 5) ? meddle(t)
								     : meddle_elements(t)))
			return false;
	}
	/* Undone is held to be as it was before whatever the guard thinks of it. */
	if (t->config->deleted < 0 && roll(t, 3) == 0 && !run_and_undo(t))
		return false;
	if (roll(t, 3) == 0 && !(plan_and_apply(t) && run_and_settle(t)))
		return false;
	return release_all(t) && equals_full(t);
}

static bool
seed_holds(uint64_t seed, const char *tmp, bool verbose)
{
	static const struct script script = { .name = "property" };
	struct test t = { .random = seed * 7919 };
	struct err e;
	bool ok;

	t.config = &configs[seed % ARRAY_LEN(configs)];
	if (!play_open(&t.play, &script, NULL, tmp, &e)) {
		printf("# %s\n", e.text);
		return false;
	}
	t.play.verbose = verbose;
	ok = live(&t);
	if (!ok)
		printf("# seed %llu (%s): %s\n%s# again: --seed %llu\n", (unsigned long long)seed,
			configs[seed % ARRAY_LEN(configs)].name, buf_cstr(&t.play.why),
			buf_cstr(&t.rows), (unsigned long long)seed);
	play_close(&t.play);
	buf_free(&t.rows);
	return ok;
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = { { "seed", required_argument, NULL, 's' },
		{ "from", required_argument, NULL, 'f' }, { "count", required_argument, NULL, 'c' },
		{ "verbose", no_argument, NULL, 'v' }, { 0 } };
	const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	uint64_t from = 1, count = 1000, failed = 0;
	bool verbose = false;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 's' || c == 'f')
			from = strtoull(optarg, NULL, 10);
		if (c == 's')
			count = 1;
		else if (c == 'c')
			count = strtoull(optarg, NULL, 10);
		else if (c == 'v')
			verbose = true;
		else if (c == '?') {
			fputs("usage: property [--seed N | --from N --count N] [--verbose]\n",
				stderr);
			return 2;
		}
	}
	for (uint64_t seed = from; seed < from + count && failed < 5; seed++)
		failed += !seed_holds(seed, tmp, verbose);
	printf("%sok 1 - seeds %llu to %llu\n1..1\n", failed ? "not " : "",
		(unsigned long long)from, (unsigned long long)(from + count - 1));
	return failed ? 1 : 0;
}
