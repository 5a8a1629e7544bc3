/* lockstep explain WHO */
#include "cli_p.h"

#include <string.h>

static void
line(const char *label, const char *text)
{
	if (!text)
		return;
	printf("  %-12s ", label);
	cli_text(stdout, text);
	putchar('\n');
}

static void
print_values(const struct explain *ex)
{
	if (ex->value_count)
		puts("\nValues (wanted, and the rule that gives it):");
	for (size_t i = 0; i < ex->value_count; i++) {
		const struct explain_value *v = &ex->values[i];

		if (!v->wanted && !v->sent && !v->error)
			continue;
		printf("  %-24s ", v->name);
		cli_text(stdout, v->wanted ? v->wanted : "-");
		if (v->expr) {
			fputs("   <- ", stdout);
			cli_text(stdout, v->expr);
			printf(" (%s)", v->rule);
		}
		putchar('\n');
		if (v->error) {
			printf("  %-24s held back: ", "");
			cli_text(stdout, v->error);
			putchar('\n');
		}
		if (ex->has_object && (v->sent != v->wanted) &&
			(!v->sent || !v->wanted || strcmp(v->sent, v->wanted) != 0)) {
			printf("  %-24s last sent: ", "");
			cli_text(stdout, v->sent ? v->sent : "-");
			putchar('\n');
		}
	}
}

static void
print_scope(const struct explain *ex)
{
	printf("\nScope of sync %s: %s\n", ex->sync, ex->verdict.in ? "IN" : "OUT");
	line("because", ex->verdict.why);
	for (size_t i = 0; i < ex->verdict.step_count; i++) {
		const struct scope_step *s = &ex->verdict.steps[i];

		printf("  %s %-10s ", s->pass ? "yes" : "NO ", s->what);
		cli_text(stdout, s->text);
		if (s->line)
			printf(" (line %d)", s->line);
		putchar('\n');
	}
	for (size_t i = 0; i < ex->group_path_count; i++)
		line("by group", ex->group_paths[i]);
	line("problem", ex->problem);
	line("held back", ex->bad_note);
}

static void
print_object(const struct explain *ex)
{
	char when[24];

	printf("\nAt target %s: ", ex->target);
	if (!ex->has_object) {
		puts("nothing of ours");
	} else {
		printf("%s, id %s, %s\n", object_state_name(ex->object.state),
			ex->object.key ? ex->object.key : "-",
			ex->object.active ? "active" : "not active");
	}
	if (ex->pinned)
		printf("  PINNED: left as it was before run %lld, which was undone (`lockstep "
		       "unpin`)\n",
			(long long)ex->pinned);
	if (ex->has_attempt) {
		printf("  FAILS since %s (%d attempts, next at ", cli_time(ex->attempt.since, when),
			ex->attempt.count);
		printf("%s): ", cli_time(ex->attempt.next_at, when));
		cli_text(stdout, ex->attempt.text);
		putchar('\n');
	}
	puts(ex->op_count ? "  would be sent now:" : "  nothing would be sent now");
	for (size_t i = 0; i < ex->op_count; i++) {
		printf("    %s\n", op_class_name(ex->ops[i].class));
		attrs_print_changes(stdout, &ex->object.sent, &ex->ops[i].attrs, "      ", 200);
	}
	if (ex->change_count)
		puts("\nSent so far:");
	for (size_t i = 0; i < ex->change_count; i++) {
		const struct change *ch = &ex->changes[i];

		printf("  %s  run %lld  %s", cli_time(ch->at, when), (long long)ch->run,
			op_class_name(ch->class));
		cli_change(ch);
	}
}

static void
print_text(const struct explain *ex)
{
	static const char *const presence[] = { "only referred to", "in the directory",
		"missing in the last full read, not confirmed: counts as present", "deleted" };

	line("entry", ex->dn);
	line("id", ex->entry.id);
	line("source", ex->source);
	line("state", presence[ex->entry.presence]);
	print_scope(ex);
	print_values(ex);
	print_object(ex);
	putchar('\n');
}

static void
json_values(const struct explain *ex, struct jsonw *w)
{
	jsonw_arr(w, "values");
	for (size_t i = 0; i < ex->value_count; i++) {
		const struct explain_value *v = &ex->values[i];

		jsonw_obj(w, NULL);
		jsonw_str(w, "name", v->name);
		jsonw_str(w, "wanted", v->wanted);
		jsonw_str(w, "sent", v->sent);
		jsonw_str(w, "expression", v->expr);
		jsonw_str(w, "rule", v->rule);
		if (v->error)
			jsonw_str(w, "error", v->error);
		jsonw_end(w);
	}
	jsonw_end(w);
}

static void
json_history(const struct explain *ex, struct jsonw *w)
{
	jsonw_arr(w, "sent");
	for (size_t i = 0; i < ex->change_count; i++) {
		const struct change *ch = &ex->changes[i];

		jsonw_obj(w, NULL);
		jsonw_int(w, "run", ch->run);
		jsonw_int(w, "at", ch->at);
		jsonw_str(w, "op", op_class_name(ch->class));
		if (ch->other_name)
			jsonw_str(w, "other", ch->other_name);
		if (ch->code)
			jsonw_str(w, "code", ch->code);
		attrs_write(&ch->before, w, "before");
		attrs_write(&ch->after, w, "after");
		jsonw_end(w);
	}
	jsonw_end(w);
	jsonw_arr(w, "now");
	for (size_t i = 0; i < ex->op_count; i++) {
		jsonw_obj(w, NULL);
		jsonw_str(w, "op", op_class_name(ex->ops[i].class));
		if (ex->ops[i].attrs.count)
			attrs_write(&ex->ops[i].attrs, w, "attributes");
		jsonw_end(w);
	}
	jsonw_end(w);
}

static void
json_one(const struct explain *ex, struct jsonw *w)
{
	jsonw_obj(w, NULL);
	jsonw_str(w, "source", ex->source);
	jsonw_str(w, "sync", ex->sync);
	jsonw_str(w, "target", ex->target);
	jsonw_str(w, "dn", ex->dn);
	jsonw_str(w, "id", ex->entry.id);
	jsonw_bool(w, "in_scope", ex->verdict.in);
	jsonw_str(w, "because", ex->verdict.why);
	jsonw_arr(w, "scope");
	for (size_t i = 0; i < ex->verdict.step_count; i++) {
		const struct scope_step *s = &ex->verdict.steps[i];

		jsonw_obj(w, NULL);
		jsonw_str(w, "rule", s->what);
		jsonw_str(w, "text", s->text);
		jsonw_int(w, "line", s->line);
		jsonw_bool(w, "pass", s->pass);
		jsonw_end(w);
	}
	jsonw_end(w);
	jsonw_arr(w, "group_paths");
	for (size_t i = 0; i < ex->group_path_count; i++)
		jsonw_str(w, NULL, ex->group_paths[i]);
	jsonw_end(w);
	if (ex->problem)
		jsonw_str(w, "problem", ex->problem);
	if (ex->has_object) {
		jsonw_str(w, "state", object_state_name(ex->object.state));
		jsonw_str(w, "key", ex->object.key);
		jsonw_bool(w, "active", ex->object.active);
	}
	if (ex->pinned)
		jsonw_int(w, "pinned", ex->pinned);
	if (ex->has_attempt) {
		jsonw_str(w, "failing_code", ex->attempt.code);
		jsonw_str(w, "failing", ex->attempt.text);
	}
	json_values(ex, w);
	json_history(ex, w);
	jsonw_end(w);
}

int
cmd_explain(struct cli *c, int argc, char **argv)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf out = { 0 };
	struct jsonw w = jsonw(&out);
	struct explain *list;
	struct err e = { 0 };
	size_t count, found = 0;

	if (argc != 2)
		return cli_usage(command_named("explain"),
			"explain takes one mail address, DN, account name or id");
	if (!sync_explain(c->conf, &c->env, argv[1], a, &list, &count, &e))
		return cli_error(c, &e, 2);
	jsonw_obj(&w, NULL);
	jsonw_arr(&w, "results");
	for (size_t i = 0; i < count; i++) {
		if (!list[i].found)
			continue;
		found++;
		json_one(&list[i], &w);
		if (!c->json)
			print_text(&list[i]);
	}
	jsonw_end(&w);
	jsonw_end(&w);
	if (!found) {
		err_set(&e, ERR_OBJECT, "no-entry",
			"nobody in the mirror has the mail address, DN, account name or id \"%s\"",
			argv[1]);
		return cli_error(c, &e, 1);
	}
	if (c->json)
		puts(buf_cstr(&out));
	return 0;
}
