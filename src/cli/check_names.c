/* lockstep check: whether the source has every attribute that the rules name. Only the directory can tell, once for a name. */
#include "check_p.h"

#include <string.h>
#include <strings.h>
#include "rules/rules.h"

/* Lines of text, without case, as the ledger keeps what was asked for. */
static bool
line_in(const char *text, const char *name)
{
	size_t n = strlen(name);

	while (text && (strncasecmp(text, name, n) != 0 || text[n] != '\n'))
		text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL;
	return text != NULL;
}

static bool
asked_by(struct checking *k, const char *target, const char *source, const struct names *names)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct ledger *l = NULL;
	struct err e;
	bool all;

	if (!ledger_open(sync_target_path(k->c->conf, target, a), &k->c->env.store, true, &l, &e))
		return false;
	const char *kept = ledger_get(l, arena_printf(a, "asked.%s", source), a);
	all = kept != NULL;
	for (size_t i = 0; all && i < names->count; i++)
		all = line_in(kept, names->list[i]);
	ledger_close(&l);
	return all;
}

bool
check_names_asked(struct checking *k, const char *source, const struct names *names)
{
	const struct conf *c = k->c->conf;

	for (size_t i = 0; i < c->sync_count; i++)
		if (strcmp(c->syncs[i].from, source) == 0 &&
			asked_by(k, c->syncs[i].to, source, names))
			return true;
	return false;
}

static bool
all_but_one(void *ctx, const char *name, bool *multi_r, bool *link_r, bool *bytes_r)
{
	*multi_r = *link_r = *bytes_r = false;
	return !ascii_ieq(ctx, name);
}

/* Where the configuration says the name: where its rules would fail without it. */
static bool
place_find(const struct conf *c, const char *source, char *name, struct err *e)
{
	const struct rules_schema schema = { name, all_but_one };

	for (size_t i = 0; i < c->sync_count; i++) {
		struct rules *r = NULL;

		if (strcmp(c->syncs[i].from, source) != 0)
			continue;
		bool ok = rules_compile(c, &c->syncs[i], &schema, &r, e);
		rules_free(&r);
		if (!ok)
			return true;
	}
	return false;
}

void
check_names_refused(struct checking *k, const char *where, const char *source,
	const struct names *names, const struct err *said)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct err e = { 0 };

	for (size_t i = 0; i < names->count; i++)
		if (strstr(said->text, arena_printf(a, "'%s'", names->list[i])) &&
			place_find(k->c->conf, source, arena_strdup(a, names->list[i]), &e)) {
			check_finding(k, where, "fail", said->code,
				arena_printf(a, "%s (%s)", e.text, said->text), NULL);
			return;
		}
	check_finding(k, where, "fail", said->code, said->text, NULL);
}
