/* lockstep check: what only the state can tell, once the directory was read: names wanted twice (N13), lines of the
 * guard that name nobody (8.4). */
#include "check_p.h"

#include <string.h>

#define SHOWN 20

static void
check_shared(struct checking *k, const char *where, struct ledger *l, struct arena *a)
{
	struct shared_name list[SHOWN];
	size_t got = ledger_names_shared(l, a, list, ARRAY_LEN(list));

	for (size_t i = 0; i < got; i++)
		check_finding(k, where, "warn", "duplicate-name",
			arena_printf(a, "%lld %s want the name %s", (long long)list[i].count,
				list[i].kind->plural, list[i].name),
			"give all but one another name in the directory; until then one has it and "
			"the others fail");
}

/* Somebody has the name now, or the line protects who had it. */
static bool
names_somebody(struct mirror *m, struct ledger *l, const char *text, bool group)
{
	return (group ? mirror_find_dn(m, text) : sync_entry_find(m, text)) ||
	       ledger_protects(l, text);
}

static void
check_protect(struct checking *k, const struct conf_sync *s, struct mirror *m, struct ledger *l,
	struct arena *a)
{
	const struct conf_texts *lists[] = { &s->guard.protect, &s->guard.protect_group };

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		for (size_t j = 0; j < lists[i]->count; j++) {
			const struct conf_text *t = &lists[i]->list[j];

			if (!names_somebody(m, l, t->text, i))
				check_finding(k, arena_printf(a, "sync %s", s->name), "warn",
					"protect-unknown",
					arena_printf(a,
						"'%s' (line %d) protects nobody: the directory has "
						"%s of that name",
						t->text, t->line, i ? "no group" : "nobody"),
					"correct the line, or take it out");
		}
}

/* What is not there was not read yet. */
static bool
is_usable(struct checking *k, const char *where, bool opened, const struct err *e)
{
	if (!opened && strcmp(e->code, "no-state") != 0)
		check_fail(k, where, e);
	return opened;
}

static void
check_mirrors(struct checking *k)
{
	const struct conf *c = k->c->conf;

	for (size_t i = 0; i < c->source_count; i++) {
		CLEAN_ARENA struct arena *a = arena_new();
		const char *name = c->sources[i].name;
		struct mirror *m = NULL;
		struct err e;

		is_usable(k, arena_printf(a, "source %s", name),
			mirror_open(sync_source_path(c, name, a), &k->c->env.store, true, &m, &e),
			&e);
		mirror_close(&m);
	}
}

void
check_read(struct checking *k)
{
	const struct conf *c = k->c->conf;

	check_mirrors(k);
	for (size_t i = 0; i < c->target_count; i++) {
		CLEAN_ARENA struct arena *a = arena_new();
		const char *target = c->targets[i].name,
			   *where = arena_printf(a, "target %s", target);
		struct ledger *l = NULL;
		struct err e;

		if (!is_usable(k, where,
			    ledger_open(
				    sync_target_path(c, target, a), &k->c->env.store, true, &l, &e),
			    &e))
			continue;
		check_shared(k, where, l, a);
		for (size_t j = 0; j < c->sync_count; j++) {
			const struct conf_sync *s = &c->syncs[j];
			struct mirror *m = NULL;

			if (strcmp(s->to, target) != 0 ||
				!mirror_open(sync_source_path(c, s->from, a), &k->c->env.store,
					true, &m, &e))
				continue;
			check_protect(k, s, m, l, a);
			mirror_close(&m);
		}
		ledger_close(&l);
	}
}
