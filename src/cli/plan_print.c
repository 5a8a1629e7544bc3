/* `lockstep plan`: the plan as it stands in the state, as text or JSON. */
#include "cli_p.h"

#include <string.h>

/* What stands there now, of what is to be changed. */
static void
json_before(const struct op *op, const struct object *ob, struct jsonw *w, struct arena *a)
{
	struct attrs before = attrs_new(a);

	for (size_t i = 0; i < op->attrs.count; i++) {
		const struct attr *was = attrs_get(&ob->sent, op->attrs.list[i].name);

		if (was)
			attrs_set(&before, was->name, was->values, was->count);
	}
	attrs_write(&before, w, "before");
}

static bool
json_ops(struct ledger *l, int64_t most, struct jsonw *w, struct err *e)
{
	int64_t said[CLASS_COUNT][KIND_COUNT] = { 0 };
	CLEAN_ARENA struct arena *a = arena_new();
	struct op ops[64];
	int64_t after = 0;
	size_t got;

	jsonw_arr(w, "operations");
	while ((got = ledger_ops_all(l, after, a, ops, ARRAY_LEN(ops)))) {
		for (size_t i = 0; i < got; i++) {
			struct object ob, other;

			if (!ledger_object(l, ops[i].o, a, &ob, e) ||
				(ops[i].other && !ledger_object(l, ops[i].other, a, &other, e)))
				return false;
			if (most && said[ops[i].class][ob.kind - kinds]++ >= most)
				continue;
			jsonw_obj(w, NULL);
			jsonw_str(w, "op", op_class_name(ops[i].class));
			jsonw_str(w, "kind", ob.kind->name);
			jsonw_str(w, "id", ob.anchor);
			jsonw_str(w, "name", ob.name);
			if (ops[i].held)
				jsonw_str(w, "held", op_hold_name(ops[i].held));
			if (ops[i].other)
				jsonw_str(w, "other", other.name);
			if (ops[i].attrs.count) {
				attrs_write(&ops[i].attrs, w, "attributes");
				json_before(&ops[i], &ob, w, a);
			}
			jsonw_end(w);
		}
		after = ops[got - 1].id;
		arena_reset(a);
	}
	jsonw_end(w);
	return true;
}

static bool
print_json(struct ledger *l, const struct conf_target *t, const struct plan_file *file,
	int64_t most, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf out = { 0 };
	struct jsonw w = jsonw(&out);
	struct op_count *list;
	size_t count = ledger_op_counts(l, a, &list);
	int64_t left = sync_time_left(l);

	jsonw_obj(&w, NULL);
	jsonw_str(&w, "target", t->name);
	if (file) {
		jsonw_str(&w, "file", file->path);
		jsonw_str(&w, "digest", file->digest);
	}
	jsonw_arr(&w, "totals");
	for (size_t i = 0; i < count; i++) {
		jsonw_obj(&w, NULL);
		jsonw_str(&w, "sync", list[i].sync);
		jsonw_str(&w, "kind", list[i].kind->name);
		jsonw_str(&w, "op", op_class_name(list[i].class));
		jsonw_int(&w, "count", list[i].count);
		jsonw_int(&w, "held", list[i].held);
		jsonw_end(&w);
	}
	jsonw_end(&w);
	if (left >= 0)
		jsonw_int(&w, "seconds", left);
	else
		jsonw_null(&w, "seconds");
	if (!json_ops(l, most, &w, e))
		return false;
	jsonw_end(&w);
	puts(buf_cstr(&out));
	return true;
}

bool
plan_print(struct cli *c, const struct conf_target *t, bool all, const struct plan_file *file,
	struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct paper p = { .f = stdout, .all = all, .colour = cli_colour(stdout) };
	struct ledger *l = NULL;
	bool ok;

	if (!ledger_open(sync_target_path(c->conf, t->name, a), &c->env.store, true, &l, e))
		return false;
	ok = c->json ? print_json(l, t, file, c->most, e) : plan_text(&p, l, t->name, e);
	ledger_close(&l);
	return ok;
}
