#include <stdio.h>
#include "mirror_p.h"
#include "store/state.h"

/* Each counts what should not be there. */
static const struct {
	const char *sql, *finding;
} rules[] = {
	{ "SELECT count(*) <> 1 FROM head", "the head is missing" },
	{ "SELECT (SELECT entries FROM head) <> (SELECT count(*) FROM entry WHERE presence IN (1, "
	  "2))",
		"the number of entries in the head is wrong" },
	{ "SELECT (SELECT absent FROM head) <> (SELECT count(*) FROM absent)",
		"the number of absent entries in the head is wrong" },
	{ "SELECT count(*) FROM entry WHERE presence NOT IN (0, 1, 2, 3)",
		"entries of unknown presence" },
	{ "SELECT count(*) FROM entry WHERE presence IN (1, 2) AND (id IS NULL OR rdn IS NULL OR "
	  "rdn_key IS NULL OR attrs IS NULL)",
		"present entries without id, place or attributes" },
	{ "SELECT count(*) FROM entry e WHERE parent <> 0 AND NOT EXISTS (SELECT 1 FROM entry p "
	  "WHERE p.n = e.parent)",
		"entries whose parent does not exist" },
	{ "WITH RECURSIVE down(n) AS (SELECT n FROM entry WHERE parent = 0"
	  " UNION SELECT entry.n FROM down JOIN entry ON entry.parent = down.n)"
	  " SELECT (SELECT count(*) FROM entry) - (SELECT count(*) FROM down)",
		"entries that stand in a circle of parents" },
	{ "SELECT count(*) FROM entry WHERE rev > (SELECT rev FROM head) + (presence = 0) OR "
	  "moved_rev > (SELECT rev FROM head)",
		"entries of a revision to come" },
	{ "SELECT count(*) FROM link WHERE rev > (SELECT rev FROM head)",
		"links of a revision to come" },
	{ "SELECT count(*) FROM link WHERE NOT EXISTS (SELECT 1 FROM entry WHERE n = owner)"
	  " OR NOT EXISTS (SELECT 1 FROM entry WHERE n = other) OR NOT EXISTS (SELECT 1 FROM name "
	  "WHERE a = attr)",
		"links whose ends or attribute do not exist" },
	{ "SELECT count(*) FROM entry e WHERE (presence = 2) <> EXISTS (SELECT 1 FROM absent a "
	  "WHERE a.n = e.n)",
		"entries absent without a time, or the other way round" },
	{ "SELECT count(*) FROM bad WHERE now <> 0 OR NOT EXISTS (SELECT 1 FROM entry e WHERE e.n "
	  "= bad.n)",
		"notes of nothing" },
	{ "SELECT (SELECT count(*) FROM missing) + (SELECT count(*) FROM staged_place) + (SELECT "
	  "count(*) FROM staged_link)"
	  " + (SELECT count(*) FROM before)",
		"remains of a read" },
};

struct report {
	state_say say;
	void *ctx;
	int64_t count;
};

static void
report(struct report *r, const char *finding, int64_t n, const char *what)
{
	char text[sizeof(struct err) + 128];

	r->count++;
	snprintf(text, sizeof(text), "%s: %lld%s%s", finding, (long long)n, what ? " " : "",
		what ? what : "");
	if (r->say)
		r->say(r->ctx, text);
}

static bool
check_attrs(struct mirror *m, struct report *rep, struct err *e)
{
	CLEAN_ROWS struct db_rows r =
		db_query(m->db, e, "SELECT n, attrs FROM entry WHERE attrs IS NOT NULL");

	while (db_next(&r)) {
		struct err why = { 0 };
		struct attrs as;

		arena_reset(m->scratch);
		if (!attrs_unpack(db_str(&r, 1), m->scratch, &as, &why))
			report(rep, "attributes that cannot be read: entry", db_int(&r, 0),
				why.text);
	}
	return !r.failed;
}

/* The table's statements are run once each: they are not worth a place among the prepared ones. */
static bool
check_rules(struct mirror *m, struct report *rep, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		int64_t bad = 0;

		if (!db_value_v(m->db, e, &bad, rules[i].sql, NULL, 0))
			return false;
		if (bad)
			report(rep, rules[i].finding, bad, NULL);
	}
	return true;
}

bool
mirror_check(struct mirror *m, state_say say, void *ctx, int64_t *findings_r, struct err *e)
{
	struct report rep = { say, ctx, 0 };
	bool ok = db_integrity(m->db, say, ctx, &rep.count, e);

	/* over a damaged file the rest would only add noise */
	if (ok && rep.count == 0)
		ok = check_rules(m, &rep, e) && check_attrs(m, &rep, e);
	*findings_r = rep.count;
	return ok;
}

bool
mirror_backup(struct mirror *m, const char *to, struct err *e)
{
	return db_backup(m->db, to, e);
}
