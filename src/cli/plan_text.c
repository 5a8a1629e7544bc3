/* A plan for people: totals, then what is surprising first, each object with old and new values. */
#include "cli_p.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum tint { TINT_NONE, TINT_AWAY, TINT_ODD, TINT_MORE, TINT_HELD, TINT_HEAD };

/* The order of surprise: removals before what becomes something else before additions. */
static const struct section {
	enum op_class class;
	bool renames; /* of updates: those of the name to sign in with */
	enum tint tint;
} sections[] = { { CLASS_DELETE, false, TINT_AWAY }, { CLASS_DISABLE, false, TINT_AWAY },
	{ CLASS_SEEN_DISABLE, false, TINT_AWAY }, { CLASS_RECREATE, false, TINT_ODD },
	{ CLASS_ADOPT, false, TINT_ODD }, { CLASS_UPDATE, true, TINT_ODD },
	{ CLASS_MEMBER_REMOVAL, false, TINT_AWAY }, { CLASS_FOLLOWING, false, TINT_AWAY },
	{ CLASS_UPDATE, false, TINT_NONE }, { CLASS_ENABLE, false, TINT_MORE },
	{ CLASS_CREATE, false, TINT_MORE }, { CLASS_MEMBER_ADD, false, TINT_MORE } };

#define SHOWN 20

bool
cli_colour(FILE *f)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return !(no && *no) && term && strcmp(term, "dumb") != 0 && isatty(fileno(f));
}

static void
tint(const struct paper *p, enum tint t)
{
	static const char *const codes[] = { [TINT_NONE] = "\033[0m",
		[TINT_AWAY] = "\033[31m",
		[TINT_ODD] = "\033[33m",
		[TINT_MORE] = "\033[32m",
		[TINT_HELD] = "\033[1;35m",
		[TINT_HEAD] = "\033[1m" };

	if (p->colour)
		fputs(codes[t], p->f);
}

static void
print_values(FILE *f, const struct attr *a, size_t most)
{
	if (!a || !a->count)
		fputs("(none)", f);
	for (size_t i = 0; a && i < a->count; i++) {
		CLEAN_BUF struct buf text = { 0 };

		/* A run that was stopped leaves values of which nobody knows what became of them. */
		if (a->values[i].n == 1 && !a->values[i].p[0])
			buf_adds(&text, "(not known)");
		else
			text_escape(a->values[i].p, a->values[i].n, most, &text);
		fprintf(f, "%s\"%s\"", i ? ", " : "", buf_cstr(&text));
	}
}

void
attrs_print_changes(FILE *f, const struct attrs *before, const struct attrs *after,
	const char *indent, size_t most)
{
	for (size_t i = 0; i < after->count; i++) {
		const struct attr *a = &after->list[i], *b = attrs_get(before, a->name);

		fprintf(f, "%s%s: ", indent, a->name);
		if (b) {
			print_values(f, b, most);
			fputs(" -> ", f);
		}
		print_values(f, a, most);
		fputc('\n', f);
	}
}

static void
print_reference(const struct paper *p, const struct object *ob, const struct op *op,
	const struct object *other)
{
	const struct kind_ref *ref = &ob->kind->refs[op->attribute];

	fprintf(p->f, ": %s%s", ref->multi ? "" : ref->attribute,
		ref->multi   ? ""
		: op->remove ? " no longer "
			     : " ");
	cli_text(p->f, other->name ? other->name : other->anchor);
}

static bool
print_op(const struct paper *p, struct ledger *l, const struct section *s, const struct op *op,
	struct arena *a, struct err *e)
{
	struct object ob, other;

	if (!ledger_object(l, op->o, a, &ob, e) ||
		(op->other && !ledger_object(l, op->other, a, &other, e)))
		return false;
	fputs("  ", p->f);
	if (op->held) {
		tint(p, TINT_HELD);
		fputs("HELD ", p->f);
		tint(p, TINT_NONE);
	}
	tint(p, s->tint);
	fprintf(p->f, "%-8s", s->renames ? "rename" : op_class_name(op->class));
	tint(p, TINT_NONE);
	fprintf(p->f, " %s ", ob.kind->name);
	cli_text(p->f, ob.name ? ob.name : ob.anchor);
	if (op->other)
		print_reference(p, &ob, op, &other);
	if (op->held)
		fprintf(p->f, " (%s)", op_hold_name(op->held));
	fputc('\n', p->f);
	if (op->class != CLASS_CREATE || p->whole)
		attrs_print_changes(p->f, &ob.sent, &op->attrs, "           ", p->all ? 0 : 200);
	return true;
}

static bool
is_in(struct ledger *l, const struct section *s, const struct op *op, struct arena *a)
{
	struct object ob;
	struct err e;

	if (op->class != s->class)
		return false;
	if (op->class != CLASS_UPDATE)
		return true;
	if (op->attribute >= 0 || !ledger_object(l, op->o, a, &ob, &e))
		return !s->renames;
	return s->renames == (attrs_get(&op->attrs, ob.kind->name_attribute) != NULL);
}

static bool
print_section(const struct paper *p, struct ledger *l, const struct section *s, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct op ops[64];
	int64_t after = 0, count = 0;
	size_t got;

	while ((got = ledger_ops_all(l, after, a, ops, ARRAY_LEN(ops)))) {
		for (size_t i = 0; i < got; i++)
			if (is_in(l, s, &ops[i], a) && (count++ < SHOWN || p->all) &&
				!print_op(p, l, s, &ops[i], a, e))
				return false;
		after = ops[got - 1].id;
		arena_reset(a);
	}
	if (count > SHOWN && !p->all)
		fprintf(p->f, "  ... and %lld more (--all shows them)\n",
			(long long)(count - SHOWN));
	return true;
}

static void
print_time(const struct paper *p, struct ledger *l)
{
	CLEAN_BUF struct buf text = { 0 };
	int64_t left = sync_time_left(l);

	if (left < 10)
		return; /* not known, or not worth a word */
	duration_format(left, &text);
	fprintf(p->f, "  takes about %s, as fast as the target is\n", buf_cstr(&text));
}

bool
plan_text(const struct paper *p, struct ledger *l, const char *target, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct op_count *list;
	size_t count = ledger_op_counts(l, a, &list);

	tint(p, TINT_HEAD);
	fprintf(p->f, "Plan for %s:", target);
	tint(p, TINT_NONE);
	fputs(count ? "\n" : " nothing to do.\n", p->f);
	if (!count)
		return true;
	for (size_t i = 0; i < count; i++) {
		fprintf(p->f, "  %-6s %6lld %s", list[i].kind->name, (long long)list[i].count,
			op_class_name(list[i].class));
		if (list[i].held) {
			tint(p, TINT_HELD);
			fprintf(p->f, ", of which %lld held back", (long long)list[i].held);
			tint(p, TINT_NONE);
		}
		fputc('\n', p->f);
	}
	print_time(p, l);
	fputc('\n', p->f);
	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		if (!print_section(p, l, &sections[i], e))
			return false;
	return true;
}
