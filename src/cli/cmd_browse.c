/* lockstep browse, lockstep search: what the mirror has, for whoever chooses groups and bases or looks for somebody. */
#include "cli_p.h"

#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#define BROWSE_MOST 2000
#define SEARCH_MOST 50

struct row {
	int64_t n, parent;
	const char *source, *kind, *id, *name, *dn, *mail, *text;
	int64_t users, groups; /* directly in it; with what is below after roll_up */
	int64_t members;
	int rank; /* of a search: less is nearer */
};

struct browsing {
	struct cli *c;
	struct arena *a;
	struct mirror *mirror;
	const char *source;
	const char *under; /* DN; NULL = everywhere */
	int64_t under_n;
	struct buf match;  /* folded; empty: everything */
	bool groups, dn;   /* dn: what is looked for looks like one */
	struct map *holds; /* n of a container -> struct row */
	struct row *rows;
	size_t count, cap;
	int64_t found; /* all that fit, kept or not */
};

static const char *
first_value(const struct entry *en, const char *name, struct arena *a)
{
	const struct attr *at = attrs_get(&en->attrs, name);

	return at && at->count ? arena_strndup(a, at->values[0].p, at->values[0].n) : NULL;
}

static struct row *
row_add(struct browsing *b, const struct row *r)
{
	if (b->count == b->cap) {
		b->cap = b->cap ? b->cap * 2 : 64;
		b->rows = xrealloc(b->rows, b->cap * sizeof(*b->rows));
	}
	b->rows[b->count] = *r;
	return &b->rows[b->count++];
}

static bool
is_below(const struct browsing *b, int64_t n)
{
	if (!b->under_n)
		return true;
	for (int depth = 0; n && depth < 256; depth++, n = mirror_parent(b->mirror, n))
		if (n == b->under_n)
			return true;
	return false;
}

/* 0: is what is looked for; 1: begins with it; 2: holds it; -1: no. */
static int
fits(const struct browsing *b, struct str value)
{
	CLEAN_BUF struct buf folded = { 0 };

	if (!b->match.n)
		return 2;
	utf8_fold(value.p, value.n, &folded);
	if (str_eq(buf_str(&folded), buf_str(&b->match)))
		return 0;
	if (str_starts(buf_str(&folded), buf_cstr(&b->match)))
		return 1;
	return folded.n && memmem(folded.p, folded.n, b->match.p, b->match.n) ? 2 : -1;
}

static void
rank_with(const struct browsing *b, struct str value, int *rank)
{
	int r = fits(b, value);

	if (r >= 0 && (*rank < 0 || r < *rank))
		*rank = r;
}

/* How near an entry is to what is looked for, by anything that names it. */
static int
rank_of(const struct browsing *b, const struct entry *en, const char *dn)
{
	static const char *const names[] = { "mail", "sAMAccountName", "userPrincipalName",
		"displayName", "cn", "proxyAddresses", "uid", "givenName", "sn", "employeeID" };
	const char *leaf = strchr(en->rdn, '=');
	int rank = -1;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct attr *at = attrs_get(&en->attrs, names[i]);

		for (size_t k = 0; at && k < at->count; k++) {
			struct str v = at->values[k];

			if (str_starts(v, "smtp:") || str_starts(v, "SMTP:"))
				v = (struct str){ v.p + 5, v.n - 5 };
			rank_with(b, v, &rank);
		}
	}
	rank_with(b, str_c(leaf ? leaf + 1 : en->rdn), &rank);
	if (en->id)
		rank_with(b, str_c(en->id), &rank);
	if (b->dn)
		rank_with(b, str_c(dn), &rank);
	return rank;
}

static const char *
name_of(const struct entry *en, struct arena *a)
{
	static const char *const names[] = { "displayName", "cn", "ou" };
	const char *leaf = strchr(en->rdn, '=');
	char *text, *to;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (first_value(en, names[i], a))
			return first_value(en, names[i], a);
	/* As people write it: without the escapes of a DN. */
	to = text = arena_strdup(a, leaf ? leaf + 1 : en->rdn);
	for (const char *p = text; *p; p++)
		if (*p != '\\' || p[1] == '\\')
			*to++ = *p;
	*to = 0;
	return text;
}

static struct row
row_of(const struct browsing *b, const struct entry *en)
{
	const struct kind *k = entry_kind(en);

	return (struct row){
		.n = en->n,
		.parent = en->parent,
		.source = b->source,
		.kind = k ? k->name : "other",
		.id = en->id ? arena_strdup(b->a, en->id) : NULL,
		.name = name_of(en, b->a),
		.dn = mirror_dn(b->mirror, en->n, b->a),
		.mail = first_value(en, "mail", b->a),
		.text = first_value(en, "description", b->a),
	};
}

/* --- groups --- */

static bool
each_group(void *ctx, const struct entry *en)
{
	struct browsing *b = ctx;
	const struct kind *k = entry_kind(en);
	CLEAN_ARENA struct arena *a = arena_new();
	int64_t *ns;

	if (!k || k != &kinds[KIND_GROUP] || !is_below(b, en->n) || rank_of(b, en, "") < 0)
		return true;
	b->found++;
	if (b->count == BROWSE_MOST)
		return true;
	struct row *r = row_add(b, &(struct row){ 0 });
	*r = row_of(b, en);
	r->members = (int64_t)mirror_links_of(b->mirror, en->n, "member", false, 0, a, &ns);
	return true;
}

/* --- containers: whatever has something in it --- */

static struct row *
container(struct browsing *b, int64_t n)
{
	struct row *r = map_get(b->holds, (struct str){ (const char *)&n, sizeof(n) });

	if (!r) {
		r = arena_alloc(b->a, sizeof(*r));
		r->n = n;
		map_set(b->holds, (struct str){ (const char *)&n, sizeof(n) }, r);
	}
	return r;
}

static bool
each_held(void *ctx, const struct entry *en)
{
	struct browsing *b = ctx;
	const struct kind *k = entry_kind(en);

	if (k == &kinds[KIND_USER])
		container(b, en->parent)->users++;
	else if (k == &kinds[KIND_GROUP])
		container(b, en->parent)->groups++;
	else if (attrs_get(&en->attrs, "ou") || ascii_ieq(en->rdn, "CN=Users") ||
		 strncasecmp(en->rdn, "OU=", 3) == 0)
		container(b, en->n); /* an empty one can be chosen as well */
	return true;
}

static void
up_the_tree(struct browsing *b, struct row *r)
{
	int64_t n = mirror_parent(b->mirror, r->n);

	for (int depth = 0; n && depth < 256; depth++, n = mirror_parent(b->mirror, n)) {
		struct row *up = container(b, n);

		up->members += r->users;
	}
}

static bool
containers(struct browsing *b, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct str key;
	size_t it = 0, direct = 0;
	void *v;

	b->holds = map_new();
	if (!mirror_each(b->mirror, each_held, b, e))
		return false;
	struct row **list = arena_alloc(a, (map_count(b->holds) + 1) * sizeof(*list));
	while (map_each(b->holds, &it, &key, &v))
		list[direct++] = v;
	for (size_t i = 0; i < direct; i++)
		up_the_tree(b, list[i]);
	it = 0;
	while (map_each(b->holds, &it, &key, &v)) {
		struct row *r = v;
		struct entry en;

		if (!r->n || !is_below(b, r->n) || !mirror_get(b->mirror, r->n, b->a, &en, NULL))
			continue;
		struct row whole = row_of(b, &en);
		if (!*whole.dn || fits(b, str_c(whole.dn)) < 0)
			continue;
		b->found++;
		if (b->count == BROWSE_MOST)
			continue;
		whole.users = r->users;
		whole.groups = r->groups;
		whole.members = r->users + r->members; /* users in it and below */
		whole.kind = "container";
		row_add(b, &whole);
	}
	return true;
}

/* --- search --- */

static bool
each_found(void *ctx, const struct entry *en)
{
	struct browsing *b = ctx;
	CLEAN_ARENA struct arena *a = arena_new();
	int rank = rank_of(b, en, b->dn ? mirror_dn(b->mirror, en->n, a) : "");

	if (rank < 0)
		return true;
	if (!entry_kind(en))
		rank += 10; /* computers, containers: after people and groups */
	b->found++;
	if (b->count < SEARCH_MOST) {
		struct row r = row_of(b, en);

		r.rank = rank;
		row_add(b, &r);
		return true;
	}
	for (size_t i = b->count; i-- > 0;)
		if (b->rows[i].rank > rank) {
			b->rows[i] = row_of(b, en);
			b->rows[i].rank = rank;
			return true;
		}
	return true;
}

/* --- output --- */

static int
by_rank(const void *pa, const void *pb)
{
	const struct row *a = pa, *b = pb;
	int d = a->rank - b->rank;

	if (!d)
		d = strcmp(a->name, b->name);
	return d ? d : strcmp(a->dn, b->dn);
}

/* Parents before what is in them: by the DN read from its end. */
static int
by_place(const void *pa, const void *pb)
{
	const struct row *a = pa, *b = pb;
	size_t i = strlen(a->dn), j = strlen(b->dn);

	while (i && j && a->dn[i - 1] == b->dn[j - 1]) {
		i--;
		j--;
	}
	if (!i || !j)
		return (i > 0) - (j > 0);
	/* The first difference from the end lies inside of an RDN: compare these from their start. */
	while (i && a->dn[i - 1] != ',')
		i--;
	while (j && b->dn[j - 1] != ',')
		j--;
	int d = strcasecmp(a->dn + i, b->dn + j);
	return d ? d : strcmp(a->dn, b->dn);
}

static void
row_json(const struct row *r, bool search, struct jsonw *w)
{
	bool is_container = strcmp(r->kind, "container") == 0;

	jsonw_obj(w, NULL);
	jsonw_str(w, "source", r->source);
	jsonw_str(w, "kind", r->kind);
	jsonw_str(w, "name", r->name);
	jsonw_str(w, "dn", r->dn);
	if (r->id)
		jsonw_str(w, "id", r->id);
	if (r->mail)
		jsonw_str(w, "mail", r->mail);
	if (r->text)
		jsonw_str(w, "description", r->text);
	if (is_container) {
		jsonw_int(w, "users", r->users);
		jsonw_int(w, "groups", r->groups);
		jsonw_int(w, "users_below", r->members);
	} else if (!search) {
		jsonw_int(w, "members", r->members);
	}
	jsonw_end(w);
}

static void
row_text(const struct row *r)
{
	if (strcmp(r->kind, "container") == 0)
		printf("%6lld users  %5lld groups  ", (long long)r->members, (long long)r->groups);
	else
		printf("%-6s ", r->kind);
	cli_text(stdout, strcmp(r->kind, "container") == 0 ? r->dn : r->name);
	if (r->mail) {
		fputs(" <", stdout);
		cli_text(stdout, r->mail);
		putchar('>');
	}
	if (strcmp(r->kind, "container") != 0) {
		fputs("  ", stdout);
		cli_text(stdout, r->dn);
	}
	putchar('\n');
}

static int
answer(struct browsing *b, const char *name, bool search)
{
	CLEAN_BUF struct buf out = { 0 };
	struct jsonw w = jsonw(&out);

	if (b->count)
		qsort(b->rows, b->count, sizeof(*b->rows),
			search || b->groups ? by_rank : by_place);
	jsonw_obj(&w, NULL);
	jsonw_arr(&w, name);
	for (size_t i = 0; i < b->count; i++) {
		row_json(&b->rows[i], search, &w);
		if (!b->c->json)
			row_text(&b->rows[i]);
	}
	jsonw_end(&w);
	jsonw_int(&w, "total", b->found);
	jsonw_end(&w);
	if (b->c->json)
		puts(buf_cstr(&out));
	else if (b->found > (int64_t)b->count)
		printf("... and %lld more\n", (long long)(b->found - (int64_t)b->count));
	return 0;
}

enum what { LIST_CONTAINERS, LIST_GROUPS, SEARCH };

static bool
look_in(struct browsing *b, const struct conf_source *s, enum what what, bool *read, struct err *e)
{
	bool ok = mirror_open(
		sync_source_path(b->c->conf, s->name, b->a), &b->c->env.store, true, &b->mirror, e);

	if (!ok && strcmp(e->code, "no-state") == 0) {
		err_clear(e);
		return true;
	}
	if (!ok)
		return false;
	*read = true;
	b->source = s->name;
	b->under_n = b->under ? mirror_find_dn(b->mirror, b->under) : 0;
	if (b->under && !b->under_n)
		ok = true; /* of another source */
	else if (what == LIST_CONTAINERS)
		ok = containers(b, e);
	else
		ok = mirror_each(b->mirror, what == SEARCH ? each_found : each_group, b, e);
	ok = ok && mirror_ok(b->mirror, e);
	map_free(b->holds, NULL);
	b->holds = NULL;
	mirror_close(&b->mirror);
	return ok;
}

static int
look(struct browsing *b, enum what what)
{
	static const char *const names[] = { "containers", "groups", "results" };
	struct err e = { 0 };
	bool read = false, ok = true;
	int code;

	for (size_t i = 0; ok && i < b->c->conf->source_count; i++)
		ok = look_in(b, &b->c->conf->sources[i], what, &read, &e);
	if (ok && !read)
		ok = err_set(&e, ERR_CONFIG, "never-read",
			"nothing has been read yet: run `lockstep plan` first");
	code = ok ? answer(b, names[what], what == SEARCH) : cli_error(b->c, &e, 2);
	free(b->rows);
	buf_free(&b->match);
	return code;
}

int
cmd_browse(struct cli *c, int argc, char **argv)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct browsing b = { .c = c, .a = a };
	bool good =
		argc >= 2 && (strcmp(argv[1], "containers") == 0 || strcmp(argv[1], "groups") == 0);

	for (int i = 2; good && i < argc; i++) {
		if (strcmp(argv[i], "--under") == 0 && i + 1 < argc)
			b.under = argv[++i];
		else if (strcmp(argv[i], "--match") == 0 && i + 1 < argc && !b.match.n) {
			i++;
			utf8_fold(argv[i], strlen(argv[i]), &b.match);
		} else {
			good = false;
		}
	}
	if (!good) {
		buf_free(&b.match);
		return cli_usage(command_named("browse"),
			"browse takes containers or groups, then --under DN and --match TEXT");
	}
	b.groups = strcmp(argv[1], "groups") == 0;
	b.dn = b.groups;
	return look(&b, b.groups ? LIST_GROUPS : LIST_CONTAINERS);
}

int
cmd_search(struct cli *c, int argc, char **argv)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct browsing b = { .c = c, .a = a };

	if (argc != 2 || !*argv[1])
		return cli_usage(command_named("search"), "search takes one text");
	b.dn = strchr(argv[1], '=') != NULL;
	utf8_fold(argv[1], strlen(argv[1]), &b.match);
	return look(&b, SEARCH);
}
