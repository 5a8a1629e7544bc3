/* What a run has to say, as the documented JSON object. */
#include "sync/sync.h"

#include <stdlib.h>

void
sync_notes_json(const struct sync_notes *notes, struct jsonw *w)
{
	jsonw_arr(w, "notes");
	for (size_t i = 0; i < notes->count; i++) {
		jsonw_obj(w, NULL);
		jsonw_str(w, "what", notes->list[i].what);
		jsonw_str(w, "object", notes->list[i].object);
		jsonw_str(w, "text", notes->list[i].text);
		jsonw_end(w);
	}
	jsonw_end(w);
}

static void
lag_json(const struct sync_result *r, struct jsonw *w)
{
	if (r->as_of)
		jsonw_int(w, "as_of", r->as_of);
	else
		jsonw_null(w, "as_of");
	jsonw_obj(w, "lag");
	jsonw_int(w, "count", r->lag.count);
	jsonw_int(w, "median_ms", r->lag.median_ms);
	jsonw_int(w, "p99_ms", r->lag.p99_ms);
	jsonw_int(w, "max_ms", r->lag.max_ms);
	jsonw_end(w);
	if (!r->canary.who)
		return;
	jsonw_obj(w, "canary");
	jsonw_str(w, "sync", r->canary.sync);
	jsonw_str(w, "who", r->canary.who);
	if (r->canary.changed_at)
		jsonw_int(w, "changed_at", r->canary.changed_at);
	jsonw_int(w, "confirmed_at", r->canary.confirmed_at);
	if (r->canary.changed_at)
		jsonw_int(w, "ms", (r->canary.confirmed_at - r->canary.changed_at) * 1000);
	jsonw_end(w);
}

static void
costs_json(const struct sync_result *r, struct jsonw *w)
{
	jsonw_arr(w, "targets");
	for (size_t i = 0; i < r->cost_count; i++) {
		jsonw_obj(w, NULL);
		jsonw_str(w, "target", r->costs[i].target);
		jsonw_int(w, "operations", r->costs[i].operations);
		wire_cost_json(&r->costs[i].cost, w);
		jsonw_end(w);
	}
	jsonw_end(w);
}

void
sync_result_clean(struct sync_result *r)
{
	free(r->costs);
	r->costs = NULL;
	r->cost_count = 0;
}

void
sync_result_json(const struct sync_result *r, const struct sync_notes *notes, struct buf *out)
{
	const struct {
		const char *name;
		int64_t value;
	} counts[] = { { "read", r->read }, { "created", r->created }, { "adopted", r->adopted },
		{ "updated", r->updated }, { "enabled", r->enabled }, { "disabled", r->disabled },
		{ "deleted", r->deleted }, { "recreated", r->recreated },
		{ "members_added", r->members_added }, { "members_removed", r->members_removed },
		{ "unchanged", r->unchanged }, { "failed", r->failed }, { "held", r->held },
		{ "drifted", r->drifted }, { "missing", r->missing }, { "orphans", r->orphans },
		{ "waiting", r->waiting } };
	struct jsonw w = jsonw(out);

	jsonw_obj(&w, NULL);
	jsonw_int(&w, "run", r->run);
	jsonw_str(&w, "kind", r->kind);
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		jsonw_int(&w, counts[i].name, counts[i].value);
	jsonw_num(&w, "seconds", r->seconds);
	lag_json(r, &w);
	costs_json(r, &w);
	if (r->next_wake)
		jsonw_int(&w, "next_wake", r->next_wake);
	else
		jsonw_null(&w, "next_wake");
	jsonw_int(&w, "exit", r->exit);
	if (notes)
		sync_notes_json(notes, &w);
	if (r->error.kind != ERR_NONE) {
		jsonw_obj(&w, "error");
		jsonw_str(&w, "kind", err_kind_name(r->error.kind));
		jsonw_str(&w, "code", r->error.code);
		jsonw_str(&w, "message", r->error.text);
		jsonw_end(&w);
	}
	jsonw_end(&w);
}
