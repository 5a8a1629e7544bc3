/* Pins end by hand (9.3). */
#include "run_p.h"

#include <string.h>
#include <unistd.h>

/* As people name an entry: in any mirror, or as the target knows it. */
static int64_t
find_object(const struct conf *c, const struct sync_env *env, struct ledger *l, const char *who)
{
	CLEAN_ARENA struct arena *a = arena_new();
	int64_t o = ledger_find(l, who);

	for (size_t i = 0; !o && i < c->source_count; i++) {
		const char *source = c->sources[i].name;
		struct mirror *m = NULL;
		struct err e;
		int64_t n;

		if (!mirror_open(sync_source_path(c, source, a), &env->store, true, &m, &e))
			continue;
		n = sync_entry_find(m, who);
		if (n)
			o = ledger_find_entry(l, source, n);
		mirror_close(&m);
	}
	return o ? o : ledger_find_name(l, who);
}

static bool
unpin_in(const struct conf *c, const struct sync_env *env, const char *target, const char *who,
	int64_t *count_r, bool *known_r, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	const char *path = sync_target_path(c, target, a);
	CLEAN_FD int lock = -1;
	struct ledger *l = NULL;
	int64_t o = 0, count = 0;
	bool ok;

	if (access(path, F_OK) != 0)
		return true;
	if (!sync_lock(path, &lock, e) || !ledger_open(path, &env->store, false, &l, e))
		return false;
	o = who ? find_object(c, env, l, who) : 0;
	*known_r |= o != 0;
	ok = (who && !o) ||
	     (ledger_begin(l, e) && ledger_unpin(l, o, &count, e) && ledger_commit(l, e));
	if (!ok)
		ledger_rollback(l);
	ledger_close(&l);
	*count_r += count;
	return ok;
}

bool
sync_unpin(const struct conf *c, const struct sync_env *env, const char *who, int64_t *count_r,
	struct err *e)
{
	bool known = !who;

	*count_r = 0;
	for (size_t i = 0; i < c->target_count; i++)
		if (!unpin_in(c, env, c->targets[i].name, who, count_r, &known, e))
			return false;
	return known ||
	       err_set(e, ERR_OBJECT, "no-entry",
		       "no object of ours has the mail address, DN, account name or id \"%s\"",
		       who);
}
