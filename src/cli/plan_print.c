/* A plan for people, and as JSON: what is surprising first. */
#include "cli_p.h"

#include <stdlib.h>
#include <string.h>

/* The order of surprise: removals before changes before additions. */
static const enum op_class surprise[] = { CLASS_DELETE, CLASS_DISABLE, CLASS_SEEN_DISABLE,
	CLASS_RECREATE, CLASS_ADOPT, CLASS_MEMBER_REMOVAL, CLASS_FOLLOWING, CLASS_UPDATE,
	CLASS_ENABLE, CLASS_CREATE, CLASS_MEMBER_ADD };

#define SHOWN 20

static void
print_values(FILE *f, const struct attr *a)
{
	if (!a || !a->count)
		fputs("(none)", f);
	for (size_t i = 0; a && i < a->count; i++) {
		CLEAN_BUF struct buf text = { 0 };

		text_escape(a->values[i].p, a->values[i].n, 200, &text);
		fprintf(f, "%s\"%s\"", i ? ", " : "", buf_cstr(&text));
	}
}

void
attrs_print_changes(
	FILE *f, const struct attrs *before, const struct attrs *after, const char *indent)
{
	for (size_t i = 0; i < after->count; i++) {
		const struct attr *a = &after->list[i], *b = attrs_get(before, a->name);

		fprintf(f, "%s%s: ", indent, a->name);
		if (b) {
			print_values(f, b);
			fputs(" -> ", f);
		}
		print_values(f, a);
		fputc('\n', f);
	}
}

static bool
print_op(struct ledger *l, const struct op *op, struct arena *a, struct err *e)
{
	struct object ob, other;

	if (!ledger_object(l, op->o, a, &ob, e) ||
		(op->other && !ledger_object(l, op->other, a, &other, e)))
		return false;
	printf("  %s%-8s ", op->held ? "HELD " : "", op_class_name(op->class));
	printf("%s ", ob.kind->name);
	cli_text(stdout, ob.name ? ob.name : ob.anchor);
	if (op->other) {
		const struct kind_ref *ref = &ob.kind->refs[op->attribute];

		printf(": %s%s", ref->multi ? "" : ref->attribute,
			ref->multi   ? ""
			: op->remove ? " no longer "
				     : " ");
		cli_text(stdout, other.name ? other.name : other.anchor);
	}
	if (op->held)
		printf(" (%s)", op_hold_name(op->held));
	putchar('\n');
	if (op->class != CLASS_CREATE)
		attrs_print_changes(stdout, &ob.sent, &op->attrs, "           ");
	return true;
}

static bool
print_class(struct ledger *l, enum op_class c, bool all, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct op ops[64];
	int64_t after = 0, count = 0;
	size_t got;

	while ((got = ledger_ops_all(l, after, a, ops, ARRAY_LEN(ops)))) {
		for (size_t i = 0; i < got; i++)
			if (ops[i].class == c && (count++ < SHOWN || all) &&
				!print_op(l, &ops[i], a, e))
				return false;
		after = ops[got - 1].id;
		arena_reset(a);
	}
	if (count > SHOWN && !all)
		printf("  ... and %lld more (--all shows them)\n", (long long)(count - SHOWN));
	return true;
}

static bool
print_text(struct ledger *l, const struct conf_target *t, bool all, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct op_count *list;
	size_t count = ledger_op_counts(l, a, &list);

	if (!count) {
		printf("Plan for %s: nothing to do.\n", t->name);
		return true;
	}
	printf("Plan for %s:\n", t->name);
	for (size_t i = 0; i < count; i++) {
		printf("  %-6s %6lld %s", list[i].kind->name, (long long)list[i].count,
			op_class_name(list[i].class));
		if (list[i].held)
			printf(", of which %lld held back", (long long)list[i].held);
		putchar('\n');
	}
	putchar('\n');
	for (size_t i = 0; i < ARRAY_LEN(surprise); i++)
		if (!print_class(l, surprise[i], all, e))
			return false;
	return true;
}

static bool
json_ops(struct ledger *l, struct jsonw *w, struct err *e)
{
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
			jsonw_obj(w, NULL);
			jsonw_str(w, "op", op_class_name(ops[i].class));
			jsonw_str(w, "kind", ob.kind->name);
			jsonw_str(w, "id", ob.anchor);
			jsonw_str(w, "name", ob.name);
			if (ops[i].held)
				jsonw_str(w, "held", op_hold_name(ops[i].held));
			if (ops[i].other)
				jsonw_str(w, "other", other.name);
			if (ops[i].attrs.count)
				attrs_write(&ops[i].attrs, w, "attributes");
			jsonw_end(w);
		}
		after = ops[got - 1].id;
		arena_reset(a);
	}
	jsonw_end(w);
	return true;
}

static bool
print_json(struct ledger *l, const struct conf_target *t, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf out = { 0 };
	struct jsonw w = jsonw(&out);
	struct op_count *list;
	size_t count = ledger_op_counts(l, a, &list);

	jsonw_obj(&w, NULL);
	jsonw_str(&w, "target", t->name);
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
	if (!json_ops(l, &w, e))
		return false;
	jsonw_end(&w);
	puts(buf_cstr(&out));
	return true;
}

bool
plan_print(struct cli *c, const struct conf_target *t, bool all, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct ledger *l = NULL;
	bool ok;

	if (!ledger_open(sync_target_path(c->conf, t->name, a), &c->env.store, true, &l, e))
		return false;
	ok = c->json ? print_json(l, t, e) : print_text(l, t, all, e);
	ledger_close(&l);
	return ok;
}
