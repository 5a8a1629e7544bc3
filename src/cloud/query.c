#include <stdlib.h>
#include <string.h>
#include "plan.h"
#include "query.h"
#include "sorter.h"

#define SLICE      200 /* rows looked at before others have their turn, and milliseconds */
#define SLICE_MS   10
#define JOB_MAX_MS 30000

struct job {
	const struct scim_filter *filter[SCIM_TYPES];
	struct projection shape[SCIM_TYPES];
	bool common[SCIM_TYPES]; /* the filter asks for id or meta */
	unsigned types;
	bool by_cursor, first_page, by_index_plan, exact, ended;
	bool sorted, gathering; /* gathering: reading all that match into the sorter */
	struct scim_path by[SCIM_TYPES];
	struct sorter sorter;
	struct place after; /* sorted, by_cursor: the place of the cursor */
	struct rids rids;   /* by_index_plan: those to look at */
	size_t next_rid;
	int64_t from, to; /* else: the range of rids left to read */
	int64_t skip;     /* matches before the page */
	int64_t start, count;
	int64_t matched, shown;
	struct place last_shown;
	bool more; /* by_cursor: there is one behind the page */
	bool full; /* the page takes no more */
	int64_t deadline;
	struct str bound; /* what a cursor is bound to */
	struct out out;
	struct jsonw w;
	struct arena *scratch;
	/* during one row */
	struct call *k;
	struct err *e;
	bool failed;
	int64_t seen, slice_end;
	int64_t row_rid;
};

static bool
slice_over(const struct job *j)
{
	return j->k->c->clock->mono_ms(j->k->c->clock->ctx) > j->slice_end;
}

static bool
asks_common(const struct scim_attr *attr)
{
	return attr->key == SCIM_KEY_ID || str_eqc(str_c(attr->name), "meta");
}

static bool
parse_filters(struct job *j, struct call *k, const struct query *q, struct err *e)
{
	bool exact;

	j->by_index_plan = j->exact = q->filter != NULL;
	for (unsigned t = 0; t < SCIM_TYPES; t++) {
		if (!(j->types & 1u << t))
			continue;
		if (!projection_parse(
			    k->a, &scim_types[t], q->attributes, q->excluded, &j->shape[t], e))
			return false;
		if (!q->filter)
			continue;
		if (!scim_filter_parse(&scim_types[t], str_c(q->filter), k->a, &j->filter[t], e))
			return false;
		j->common[t] = scim_filter_any(j->filter[t], asks_common);
		if (plan_possible(j->filter[t], &exact))
			j->exact &= exact;
		else
			j->by_index_plan = false;
	}
	j->exact &= j->by_index_plan;
	return true;
}

static bool
parse_sort(struct job *j, struct call *k, const struct query *q, struct err *e)
{
	bool known = false;

	if (q->sort_order && !ascii_ieq(q->sort_order, "ascending") &&
		!ascii_ieq(q->sort_order, "descending"))
		return err_set(
			e, ERR_OBJECT, "invalidValue", "sortOrder must be ascending or descending");
	if (!q->sort_by)
		return true;
	for (unsigned t = 0; t < SCIM_TYPES; t++) {
		if (!(j->types & 1u << t))
			continue;
		if (!scim_sort_parse(&scim_types[t], q->sort_by, k->a, &j->by[t], e))
			return false;
		known |= j->by[t].attr != NULL;
		j->common[t] |= j->by[t].attr && asks_common(j->by[t].attr);
	}
	if (!known)
		return err_set(e, ERR_OBJECT, "invalidValue",
			"sortBy \"%.200s\": no such attribute", q->sort_by);
	j->sorted = j->gathering = j->count > 0;
	j->sorter.descending = q->sort_order && ascii_ieq(q->sort_order, "descending");
	return true;
}

static const char *
or_nothing(const char *s)
{
	return s ? s : "";
}

static bool
start_cursor(struct job *j, struct call *k, const struct query *q, struct err *e)
{
	j->by_cursor = true;
	if (j->count == 0) /* RFC 9865 2; no nextCursor would say that there is nothing */
		return err_set(
			e, ERR_OBJECT, "invalidCount", "count must be positive with a cursor");
	j->bound = str_c(arena_printf(k->a, "%u\n%s\n%s\n%s\n%s\n%d", j->types,
		or_nothing(q->filter), or_nothing(q->attributes), or_nothing(q->excluded),
		or_nothing(q->sort_by), j->sorter.descending));
	j->sorter.most = (size_t)j->count + 1; /* one more tells that there is more */
	j->first_page = !*q->cursor;
	if (j->first_page)
		return true;
	if (!cursor_read(k->c, k->tenant, j->bound, q->cursor, &j->after, e))
		return false;
	if (!j->sorted)
		j->from = j->after.rid + 1;
	return true;
}

/* By index all up to the end of the page are kept. */
static bool
start_sorted(struct job *j, struct err *e)
{
	if (j->start > CLOUD_SORT_MAX || j->start + j->count > CLOUD_SORT_MAX + 1)
		return err_set(e, ERR_OBJECT, "tooMany",
			"a sorted list can be read by index up to place %d; use a cursor",
			CLOUD_SORT_MAX);
	j->skip = j->start - 1;
	j->sorter.most = (size_t)(j->skip + j->count);
	return true;
}

/* startIndex without filter: the place is found without rendering what is before it. */
static bool
start_index(struct job *j, struct call *k, struct err *e)
{
	struct cloud *c = k->c;
	int64_t rid;

	j->skip = j->start - 1;
	if (j->by_index_plan || j->filter[SCIM_USER] || j->filter[SCIM_GROUP])
		return true;
	if (!c->db->count(c->store, j->from, j->to, &j->matched, e))
		return false;
	if (j->skip >= j->matched) {
		j->ended = true;
		return true;
	}
	if (!c->db->nth(c->store, j->from, j->to, j->skip, &rid, e))
		return false;
	j->from = rid;
	j->skip = 0;
	return true;
}

bool
job_new(struct call *k, unsigned types, const struct query *q, struct job **j_r, struct err *e)
{
	struct job *j = arena_alloc(k->a, sizeof(*j));
	unsigned low = types & 1u << SCIM_USER ? SCIM_USER : SCIM_GROUP;
	unsigned high = types & 1u << SCIM_GROUP ? SCIM_GROUP : SCIM_USER;

	*j_r = j;
	j->types = types;
	j->scratch = arena_new();
	j->from = store_first(k->tenant, low);
	j->to = store_first(k->tenant, high + 1) - 1;
	j->start = q->start < 1 ? 1 : q->start;
	j->count = !q->count_given ? CLOUD_PAGE_DEFAULT : q->count < 0 ? 0 : q->count;
	j->count = j->count > CLOUD_PAGE_MAX ? CLOUD_PAGE_MAX : j->count;
	j->deadline = k->c->clock->mono_ms(k->c->clock->ctx) + JOB_MAX_MS;
	if (!parse_filters(j, k, q, e) || !parse_sort(j, k, q, e))
		return false;
	for (unsigned t = 0; j->by_index_plan && t < SCIM_TYPES; t++) {
		if (types & 1u << t && !plan_collect(k, t, j->filter[t], &j->rids, e))
			return false;
	}
	if (q->cursor       ? !start_cursor(j, k, q, e)
		: j->sorted ? !start_sorted(j, e)
			    : !start_index(j, k, e))
		return false;
	while (j->next_rid < j->rids.n && j->rids.list[j->next_rid] < j->from)
		j->next_rid++;
	j->w = jsonw(&j->out.text);
	jsonw_obj(&j->w, NULL);
	jsonw_arr(&j->w, "schemas");
	jsonw_str(&j->w, NULL, SCIM_MSG "ListResponse");
	jsonw_end(&j->w);
	jsonw_arr(&j->w, "Resources");
	return true;
}

static bool
ask_rows(void *ctx, const struct scim_filter *node)
{
	struct job *j = ctx;
	bool holds = false;

	if (!j->failed && !members_match(j->k, j->row_rid, node, &holds, j->e))
		j->failed = true;
	return holds;
}

static void
add_common(struct json *tree, const struct call *k, const struct store_row *row)
{
	struct json *meta = json_new_object();
	char text[40];

	id_format(row->id, text);
	json_set_string(tree, "id", text);
	json_set_string(meta, "resourceType", scim_types[store_type(row->rid)].name);
	time_format(row->created, text);
	json_set_string(meta, "created", text);
	time_format(row->modified, text);
	json_set_string(meta, "lastModified", text);
	render_version(row, text);
	json_set_string(meta, "version", text);
	json_set_string(meta, "location", render_location(k, row));
	json_set(tree, "meta", meta);
}

/* The row as a resource, as far as filter and sort ask for it. */
static bool
read_tree(struct job *j, const struct store_row *row, struct json **tree_r)
{
	if (!json_parse(row->body, 0, tree_r, j->e)) {
		j->failed = true;
		return false;
	}
	if (j->common[store_type(row->rid)])
		add_common(*tree_r, j->k, row);
	return true;
}

static bool
holds(struct job *j, const struct store_row *row, const struct json *tree)
{
	struct scim_match m = { ask_rows, j };
	bool yes;

	j->row_rid = row->rid;
	yes = scim_filter_match(j->filter[store_type(row->rid)], tree, &m);
	return yes && !j->failed;
}

/* A match of a sorted list. */
static void
gather(struct job *j, const struct store_row *row, const struct json *tree)
{
	CLEAN_BUF struct buf key = { 0 };
	struct place p = { .rid = row->rid };

	scim_sort_key(&j->by[store_type(row->rid)], tree, &key);
	p.n = (unsigned short)key.n;
	memcpy(p.key, key.p, key.n);
	j->matched++;
	if (!j->by_cursor || j->first_page || sorter_compare(&j->sorter, &p, &j->after) > 0)
		sorter_offer(&j->sorter, &p);
}

static bool
append_row(struct job *j, const struct store_row *row)
{
	if (j->shown)
		buf_addc(&j->out.text, ',');
	if (!render_row(j->k, &j->shape[store_type(row->rid)], row, &j->out, j->e)) {
		j->failed = true;
		return false;
	}
	j->shown++;
	if (j->out.text.n > CLOUD_PAGE_BYTES)
		j->full = true;
	return true;
}

/* A match: shown when it is on the page. False ends the walk. */
static bool
show(struct job *j, const struct store_row *row)
{
	bool unfiltered = !j->filter[SCIM_USER] && !j->filter[SCIM_GROUP];

	if (!unfiltered || j->by_cursor)
		j->matched++;
	if (j->full || j->shown >= j->count) {
		j->full = true;
		j->more = true;
		/* by index the rest still counts for totalResults, unless that is known */
		return !(j->by_cursor || unfiltered || j->exact);
	}
	if (j->skip > 0) {
		j->skip--;
		return true;
	}
	j->last_shown = (struct place){ .rid = row->rid };
	return append_row(j, row);
}

static bool
look(void *ctx, const struct store_row *row)
{
	struct job *j = ctx;
	CLEAN_JSON struct json *tree = NULL;
	bool ask = j->filter[store_type(row->rid)] && !j->exact;

	j->seen++;
	j->from = row->rid + 1;
	if ((ask || j->gathering) && !read_tree(j, row, &tree))
		return false;
	if (ask && !holds(j, row, tree))
		return !j->failed && !slice_over(j);
	if (j->gathering) {
		gather(j, row, tree);
	} else if (!show(j, row)) {
		j->ended = true;
		return false;
	}
	return !slice_over(j);
}

static bool
step_rids(struct job *j, struct call *k, struct err *e)
{
	struct store_row row;
	size_t n = 0;

	if (j->exact && !j->sorted && !j->by_cursor && (j->full || j->shown >= j->count)) {
		j->ended = true;
		return true;
	}
	while (!j->ended && !j->failed && j->next_rid < j->rids.n && n++ < SLICE &&
		!slice_over(j)) {
		if (j->exact && !j->sorted &&
			j->skip > 0) { /* known matches before the page need no reading */
			j->skip--;
			j->next_rid++;
			continue;
		}
		if (!k->c->db->get(k->c->store, j->rids.list[j->next_rid++], j->scratch, &row, e))
			return false;
		if (row.rid)
			look(j, &row);
	}
	if (j->next_rid == j->rids.n)
		j->ended = true;
	return !j->failed;
}

/* All rows, in the order of their making. */
static bool
step_scan(struct job *j, struct call *k, struct err *e)
{
	bool over;

	if (!k->c->db->scan(k->c->store, j->from, j->to, SLICE, look, j, e) || j->failed)
		return false;
	over = slice_over(j);
	if (j->seen < SLICE && !over)
		j->ended = true;
	return true;
}

/* The page of a sorted list. */
static bool
step_page(struct job *j, struct call *k, struct err *e)
{
	const struct sorter *s = &j->sorter;
	struct store_row row;

	for (; (size_t)j->skip < s->n && !slice_over(j); j->skip++) {
		if (j->full || j->shown >= j->count) {
			j->more = true;
			break;
		}
		if (!k->c->db->get(k->c->store, s->list[j->skip].rid, j->scratch, &row, e))
			return false;
		j->last_shown = s->list[j->skip];
		if (row.rid && !append_row(j, &row))
			return false;
	}
	if ((size_t)j->skip >=
		s->n) { /* what went since it was gathered leaves the page short, not the list */
		j->more = j->by_cursor && s->n == s->most;
		j->ended = true;
	}
	j->ended |= j->more;
	return true;
}

static bool
step(struct job *j, struct call *k, struct err *e)
{
	if (j->sorted && !j->gathering)
		return step_page(j, k, e);
	if (j->by_index_plan ? !step_rids(j, k, e) : !step_scan(j, k, e))
		return false;
	if (j->ended && j->gathering) {
		sorter_finish(&j->sorter);
		j->gathering = j->ended = false;
	}
	return true;
}

static void
finish(struct job *j, struct call *k)
{
	CLEAN_BUF struct buf cursor = { 0 };

	jsonw_end(&j->w);
	if (!j->by_cursor)
		jsonw_int(&j->w, "totalResults",
			j->exact && !j->sorted ? (int64_t)j->rids.n : j->matched);
	else if (j->sorted ||
		 (j->first_page && !j->more)) /* else unknown, and RFC 9865 lets it out */
		jsonw_int(&j->w, "totalResults", j->matched);
	jsonw_int(&j->w, "itemsPerPage", j->shown);
	if (!j->by_cursor)
		jsonw_int(&j->w, "startIndex", j->start);
	if (j->by_cursor && j->more) {
		cursor_make(k->c, k->tenant, j->bound, &j->last_shown, &cursor);
		jsonw_str(&j->w, "nextCursor", buf_cstr(&cursor));
	}
	jsonw_end(&j->w);
}

bool
job_step(struct job *j, struct call *k, bool *done_r, struct err *e)
{
	struct call in = *k;

	in.a = j->scratch;
	j->k = &in;
	j->e = e;
	j->seen = 0;
	j->slice_end = k->c->clock->mono_ms(k->c->clock->ctx) + SLICE_MS;
	*done_r = false;
	if (!j->ended && !step(j, &in, e))
		return false;
	arena_reset(j->scratch);
	if (j->ended) {
		finish(j, k);
		*done_r = true;
	} else if (k->c->clock->mono_ms(k->c->clock->ctx) > j->deadline) {
		return err_set(e, ERR_OBJECT, "tooMany",
			"the filter takes too long; use an equality on id, userName, displayName "
			"of "
			"groups, externalId or an address");
	}
	return true;
}

struct out *
job_out(struct job *j)
{
	return &j->out;
}

void
job_free(struct job *j)
{
	if (!j)
		return;
	free(j->rids.list);
	sorter_free(&j->sorter);
	arena_free(j->scratch);
	out_free(&j->out);
}
