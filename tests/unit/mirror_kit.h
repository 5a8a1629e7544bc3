/* A mirror in a folder of its own, short ways to say messages, and a dump of all it shows. */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "folder.h"
#include "store/mirror.h"
#include "store/state.h"

struct kit {
	char dir[64], path[96];
	struct mirror *m;
	struct arena *a;
	struct err e;
	struct mirror_stats st;
	int64_t now;
	const char *server, *invocation, *bind;
	bool whole;
	int commits;
};

static inline void
kit_committed(void *ctx, const char *what)
{
	assert_string_equal(what, "mirror");
	((struct kit *)ctx)->commits++;
}

static inline void
kit_open(struct kit *k)
{
	struct store_env env = { .sync_off = true, .committed = kit_committed, .ctx = k };

	OK(k, mirror_open(k->path, &env, false, &k->m, &k->e));
}

static inline struct kit *
kit_new(void)
{
	struct kit *k = xcalloc(1, sizeof(*k));

	folder_make(k->dir);
	snprintf(k->path, sizeof(k->path), "%s/m.db", k->dir);
	k->a = arena_new();
	k->now = 1000000;
	k->server = "dc1";
	k->invocation = "inv1";
	k->bind = "svc";
	kit_open(k);
	return k;
}

static inline void
kit_free(struct kit *k)
{
	mirror_close(&k->m);
	folder_remove(k->dir);
	arena_free(k->a);
	free(k);
}

static inline void
kit_begin(struct kit *k, bool full)
{
	struct mirror_origin o = { .context = "ctx",
		.server = k->server,
		.invocation = k->invocation,
		.bind = k->bind,
		.request = "req",
		.now = k->now,
		.whole = k->whole,
		.delta_safe = true };

	arena_reset(k->a);
	OK(k, mirror_begin(k->m, full, &o, &k->e));
}

static inline void
kit_commit(struct kit *k)
{
	OK(k, mirror_commit(k->m, "cursor", 3600, &k->st, &k->e));
}

/* "name=value name=value" */
static inline struct attrs
kit_attrs(struct kit *k, const char *text)
{
	struct attrs as = attrs_new(k->a);
	char *copy = arena_strdup(k->a, text), *save = NULL;

	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		char *eq = strchr(w, '=');

		*eq = '\0';
		if (eq[1])
			attrs_add(&as, w, str_c(eq + 1));
		else
			attrs_set(&as, w, NULL, 0);
	}
	return as;
}

static inline bool
kit_try_full(struct kit *k, const char *id, const char *dn, const char *parent, const char *sid,
	const char *attrs)
{
	struct attrs as = kit_attrs(k, attrs);
	struct mirror_entry en = {
		.id = id, .dn = dn, .parent = parent, .sid = sid, .full = true, .attrs = &as
	};

	return mirror_entry(k->m, &en, &k->e);
}

static inline void
kit_full(struct kit *k, const char *id, const char *dn, const char *attrs)
{
	OK(k, kit_try_full(k, id, dn, NULL, NULL, attrs));
}

static inline void
kit_part(struct kit *k, const char *id, const char *dn, const char *attrs)
{
	struct attrs as = kit_attrs(k, attrs);
	struct mirror_entry en = { .id = id, .dn = dn, .attrs = &as };

	OK(k, mirror_entry(k->m, &en, &k->e));
}

enum by { BY_ID, BY_DN, BY_SID };
/* one end */
static inline void
kit_link(struct kit *k, const char *id, const char *attribute, enum mirror_links mode, enum by by,
	const char *end)
{
	struct mirror_end en = { by == BY_ID ? end : NULL, by == BY_DN ? end : NULL,
		by == BY_SID ? end : NULL };

	OK(k, mirror_links(k->m, id, NULL, attribute, mode, &en, end != NULL, false, &k->e));
}

static inline int
kit_line_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Who the other end is: the id where there is an entry, else the best name. */
static inline const char *
kit_who(struct kit *k, int64_t n)
{
	struct entry en;

	OK(k, mirror_get(k->m, n, k->a, &en, &k->e));
	return en.id ? en.id : mirror_dn(k->m, n, k->a);
}

static inline void
kit_dump_links(struct kit *k, int64_t n, struct buf *line)
{
	static const char *const names[] = { "member", "primaryGroup", "manager" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		int64_t *ns;
		size_t count = mirror_links_of(k->m, n, names[i], false, 0, k->a, &ns), used = 0;
		const char **who = arena_alloc(k->a, (count + 1) * sizeof(*who));

		for (size_t j = 0; j < count; j++)
			who[used++] = kit_who(k, ns[j]);
		qsort(who, used, sizeof(*who), kit_line_order);
		for (size_t j = 0; j < used; j++)
			buf_addf(line, " %s->%s", names[i], who[j]);
	}
}

/* All present entries with place, attributes and links, in the order of ids: no n, no rev. */
static inline char *
kit_dump(struct kit *k, struct arena *out)
{
	int64_t ns[64], after = 0, total = 0;
	CLEAN_BUF struct buf all = { 0 };
	char **lines = NULL;
	size_t got, count = 0;

	OK(k, mirror_hold(k->m, &k->e));
	while ((got = mirror_changed_entries(k->m, 0, after, ns, 64))) {
		for (size_t i = 0; i < got; i++) {
			struct entry en;
			CLEAN_BUF struct buf line = { 0 };

			arena_reset(k->a);
			OK(k, mirror_get(k->m, ns[i], k->a, &en, &k->e));
			if (!entry_present(&en))
				continue;
			total++;
			buf_addf(&line, "%s [%s] %s ", en.id, mirror_dn(k->m, ns[i], k->a),
				en.presence == PRESENCE_ABSENT ? "ABSENT" : "");
			for (size_t j = 0; j < en.attrs.count; j++)
				for (size_t v = 0; v < en.attrs.list[j].count; v++)
					buf_addf(&line, "%s=%.*s ", en.attrs.list[j].name,
						(int)en.attrs.list[j].values[v].n,
						en.attrs.list[j].values[v].p);
			kit_dump_links(k, ns[i], &line);
			lines = xrealloc(lines, (count + 1) * sizeof(*lines));
			lines[count++] = xstrdup(buf_cstr(&line));
		}
		after = ns[got - 1];
	}
	mirror_release(k->m);
	qsort(lines, count, sizeof(*lines), kit_line_order);
	for (size_t i = 0; i < count; i++) {
		buf_addf(&all, "%s\n", lines[i]);
		free(lines[i]);
	}
	free(lines);
	return arena_strdup(out, buf_cstr(&all));
}

static inline void
kit_say(void *ctx, const char *text)
{
	(void)ctx;
	print_error("finding: %s\n", text);
}

static inline void
kit_check(struct kit *k)
{
	int64_t findings = -1;

	OK(k, mirror_check(k->m, kit_say, NULL, &findings, &k->e));
	assert_int_equal(findings, 0);
}
