/* The target file: opening, facts, projection positions, objects. */
#include "ledger_p.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of version 2. */
#define LISTED_REFS                                                                                \
	"CREATE TABLE listed_ref(o INTEGER, attribute INTEGER, key TEXT, kind INTEGER, PRIMARY "   \
	"KEY(o, attribute, key)) WITHOUT ROWID;"                                                   \
	"CREATE TABLE ref_again(o INTEGER, attribute INTEGER, other INTEGER, shown INTEGER, "      \
	"PRIMARY KEY(o, attribute, other)) WITHOUT ROWID;"

/* New in version 2, as the tables of LISTED_REFS. */
#define KNOWN_OBJECTS                                                                              \
	"CREATE TABLE tried(o INTEGER PRIMARY KEY);"                                               \
	"CREATE TABLE protection(o INTEGER PRIMARY KEY, name TEXT, grp TEXT);"

static const char schema[] =
	"CREATE TABLE fact(name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;"
	"CREATE TABLE projected(source TEXT PRIMARY KEY, rev INTEGER, digest TEXT, mirror TEXT) "
	"WITHOUT ROWID;"
	"CREATE TABLE object(o INTEGER PRIMARY KEY, anchor TEXT NOT NULL UNIQUE, kind INTEGER, "
	"state INTEGER,"
	" key TEXT, name TEXT, sync TEXT, source TEXT, n INTEGER, version TEXT, wanted INTEGER, "
	"active INTEGER,"
	" left_at INTEGER, sent BLOB, seen BLOB);"
	"CREATE TABLE tally(sync TEXT, kind INTEGER, owned INTEGER, active INTEGER, PRIMARY "
	"KEY(sync, kind))"
	" WITHOUT ROWID;"
	"CREATE INDEX object_entry ON object(n);"
	"CREATE INDEX object_key ON object(key) WHERE key IS NOT NULL;"
	"CREATE TABLE ref(o INTEGER, attribute INTEGER, other INTEGER, shown INTEGER NOT NULL "
	"DEFAULT 0,"
	" PRIMARY KEY(o, attribute, other)) WITHOUT ROWID;"
	"CREATE INDEX ref_other ON ref(other);"
	"CREATE TABLE dirty(source TEXT, n INTEGER, why INTEGER, planned INTEGER, wait INTEGER,"
	" PRIMARY KEY(source, n)) WITHOUT ROWID;"
	"CREATE TABLE dirty_link(source TEXT, owner INTEGER, attribute INTEGER, other INTEGER, "
	"planned INTEGER,"
	" wait INTEGER, PRIMARY KEY(source, owner, attribute, other)) WITHOUT ROWID;"
	"CREATE TABLE op(id INTEGER PRIMARY KEY, o INTEGER, class INTEGER, rank INTEGER, state "
	"INTEGER,"
	" held INTEGER, approved INTEGER, attribute INTEGER, remove INTEGER, other INTEGER, key "
	"TEXT, attrs BLOB,"
	" settle_at INTEGER);"
	"CREATE INDEX op_object ON op(o, attribute, other);"
	"CREATE INDEX op_todo ON op(rank, id) WHERE state = 0 AND held = 0 AND attribute < 0;"
	"CREATE INDEX op_refs ON op(o, attribute, id) WHERE state = 0 AND held = 0 AND attribute "
	">= 0;"
	"CREATE INDEX op_open ON op(id) WHERE state > 0;"
	"CREATE TABLE attempt(o INTEGER PRIMARY KEY, count INTEGER, next_at INTEGER, since "
	"INTEGER, code TEXT,"
	" text TEXT, op TEXT);"
	"CREATE TABLE problem(n INTEGER, source TEXT, id TEXT, code TEXT, text TEXT, since INTEGER,"
	" PRIMARY KEY(n, source)) WITHOUT ROWID;"
	"CREATE TABLE wake(source TEXT, n INTEGER, at INTEGER, PRIMARY KEY(source, n)) WITHOUT "
	"ROWID;"
	"CREATE INDEX wake_at ON wake(at);"
	"CREATE TABLE approval(o INTEGER, class INTEGER, attribute INTEGER, other INTEGER, run "
	"INTEGER,"
	" key TEXT, PRIMARY KEY(o, class, attribute, other)) WITHOUT ROWID;"
	"CREATE TABLE hold(run INTEGER, o INTEGER, class INTEGER, attribute INTEGER, other INTEGER,"
	" key TEXT, PRIMARY KEY(run, o, class, attribute, other)) WITHOUT ROWID;"
	"CREATE TABLE match(o INTEGER, key TEXT, external TEXT, name TEXT, hard INTEGER,"
	" PRIMARY KEY(o, key)) WITHOUT ROWID;"
	"CREATE TABLE parked(o INTEGER PRIMARY KEY, before BLOB);"
	"CREATE TABLE listed(o INTEGER PRIMARY KEY, suspect INTEGER);" LISTED_REFS
	"CREATE TABLE drift(o INTEGER, what INTEGER, was BLOB, now BLOB, PRIMARY KEY(o, what)) "
	"WITHOUT ROWID;"
	"CREATE TABLE stranger(id INTEGER PRIMARY KEY, kind INTEGER, key TEXT, external TEXT, "
	"name TEXT,"
	" active INTEGER, proof INTEGER, source TEXT, n INTEGER, approved INTEGER, UNIQUE(kind, "
	"key));"
	"CREATE INDEX stranger_approved ON stranger(id) WHERE approved = 1;"
	"CREATE TABLE run(run INTEGER PRIMARY KEY AUTOINCREMENT, started INTEGER, ended INTEGER, "
	"kind TEXT,"
	" counts TEXT, exit INTEGER, text TEXT, held INTEGER, released INTEGER, held_why TEXT);"
	"CREATE TABLE change(id INTEGER PRIMARY KEY, run INTEGER, o INTEGER, at INTEGER, class "
	"INTEGER,"
	" attribute INTEGER, other INTEGER, before BLOB, after BLOB, code TEXT, text TEXT, "
	"approved INTEGER, remove INTEGER, was INTEGER);"
	"CREATE INDEX change_object ON change(o, attribute, other);"
	"CREATE INDEX change_run ON change(run);"
	"CREATE INDEX change_class ON change(class, at);"
	"CREATE TABLE pin(o INTEGER PRIMARY KEY, run INTEGER, at INTEGER, form INTEGER, wants TEXT,"
	" scoped INTEGER, attrs BLOB);"
	"CREATE INDEX pin_run ON pin(run);"
	"CREATE TABLE pin_ref(o INTEGER, attribute INTEGER, other INTEGER, run INTEGER, at INTEGER,"
	" present INTEGER, wants INTEGER, PRIMARY KEY(o, attribute, other)) WITHOUT ROWID;"
	"CREATE INDEX pin_ref_other ON pin_ref(other);"
	"CREATE TABLE ref_lost(run INTEGER, o INTEGER, attribute INTEGER, other INTEGER,"
	" PRIMARY KEY(run, o, attribute, other)) WITHOUT ROWID;"
	"CREATE TABLE plan(plan INTEGER PRIMARY KEY, digest TEXT UNIQUE, run INTEGER, made "
	"INTEGER);"
	"CREATE TABLE plan_op(plan INTEGER, anchor TEXT, kind INTEGER, class INTEGER, attribute "
	"INTEGER,"
	" remove INTEGER, other TEXT, held INTEGER, attrs BLOB, before BLOB, op INTEGER);"
	"CREATE INDEX plan_object ON plan_op(plan, anchor);"
	"CREATE INDEX plan_met ON plan_op(op) WHERE op IS NOT NULL;" KNOWN_OBJECTS
	"CREATE TABLE plan_run(plan INTEGER, run INTEGER, PRIMARY KEY(plan, run)) WITHOUT ROWID;";

static const char *const steps[] = {
	NULL,
	"ALTER TABLE ref ADD COLUMN shown INTEGER NOT NULL DEFAULT 0;" LISTED_REFS KNOWN_OBJECTS,
	/* a run's text was one or the other */
	"ALTER TABLE run ADD COLUMN held_why TEXT;"
	"UPDATE run SET held_why = text, text = NULL WHERE exit = 4;",
};

static const struct db_kind ledger_kind_of_file = { .name = "ledger",
	.id = 0x4c534c47,
	.version = 3,
	.sql = schema,
	.steps = steps,
	.cache_mb = 12 };

bool
ledger_open(const char *path, const struct store_env *env, bool read_only, struct ledger **l_r,
	struct err *e)
{
	struct ledger *l = xcalloc(1, sizeof(*l));

	if (!db_open(&ledger_kind_of_file, path, env, read_only, &l->db, e) ||
		!db_value(l->db, e, &l->attempts, "SELECT count(*) FROM attempt") ||
		!db_value(l->db, e, &l->wakes, "SELECT count(*) FROM wake") ||
		!db_value(l->db, e, &l->matches, "SELECT count(*) FROM match") ||
		!db_value(l->db, e, &l->tried, "SELECT count(*) FROM tried") ||
		!db_value(l->db, e, &l->protections, "SELECT count(*) FROM protection") ||
		!db_value(l->db, e, &l->parked, "SELECT count(*) FROM parked") ||
		!db_value(l->db, e, &l->pins,
			"SELECT (SELECT count(*) FROM pin) + (SELECT count(*) FROM pin_ref)") ||
		!db_value(l->db, e, &l->again, "SELECT count(*) FROM ref_again") ||
		!db_value(l->db, e, &l->problems, "SELECT count(*) FROM problem")) {
		ledger_close(&l);
		return false;
	}
	*l_r = l;
	return true;
}

void
ledger_close(struct ledger **l)
{
	if (!*l)
		return;
	db_close(&(*l)->db);
	tally_clear(*l);
	free((*l)->tallies);
	buf_free(&(*l)->pack);
	free(*l);
	*l = NULL;
}

bool
ledger_check(struct ledger *l, void (*say)(void *ctx, const char *text), void *ctx,
	int64_t *findings_r, struct err *e)
{
	return db_integrity(l->db, say, ctx, findings_r, e) &&
	       tally_check(l, say, ctx, findings_r, e);
}

bool
ledger_backup(struct ledger *l, const char *to, struct err *e)
{
	return db_backup(l->db, to, e);
}

bool
ledger_begin(struct ledger *l, struct err *e)
{
	return db_begin(l->db, e);
}

bool
ledger_commit(struct ledger *l, struct err *e)
{
	if (!tally_flush(l, e) || !db_commit(l->db, e))
		return false;
	tally_clear(l);
	return true;
}

void
ledger_rollback(struct ledger *l)
{
	tally_clear(l);
	db_rollback(l->db); /* the upper bounds stay so */
}

struct str
ledger_pack(const struct attrs *as, struct buf *scratch)
{
	buf_reset(scratch);
	if (!as->count)
		return (struct str){ NULL, 0 };
	attrs_pack_spelled(as, scratch);
	return buf_str(scratch);
}

struct attrs
ledger_unpack(struct str packed, struct arena *a)
{
	struct attrs as = attrs_new(a);

	/* What cannot be read counts as not known: the next plan sends it again. */
	if (packed.p && !attrs_unpack(packed, a, &as, NULL))
		as = attrs_new(a);
	return as;
}

const struct kind *
ledger_kind(int64_t id)
{
	return &kinds[id >= 0 && id < KIND_COUNT ? id : 0];
}

char *
ledger_get(struct ledger *l, const char *name, struct arena *a)
{
	CLEAN_ROWS struct db_rows r =
		db_query(l->db, NULL, "SELECT value FROM fact WHERE name = ?", name);

	return db_next(&r) ? db_text_dup(&r, 0, a) : NULL;
}

bool
ledger_set(struct ledger *l, const char *name, const char *value, struct err *e)
{
	return db_run(l->db, e, "INSERT OR REPLACE INTO fact VALUES(?, ?)", name, value);
}

int64_t
ledger_number(struct ledger *l, const char *name)
{
	CLEAN_ARENA struct arena *a = arena_new();
	const char *text = ledger_get(l, name, a);

	return text ? strtoll(text, NULL, 10) : 0;
}

bool
ledger_number_set(struct ledger *l, const char *name, int64_t value, struct err *e)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	return value == ledger_number(l, name) || ledger_set(l, name, text, e);
}

bool
ledger_projected(struct ledger *l, const char *source, struct projected *p_r, struct err *e)
{
	CLEAN_ROWS struct db_rows r = db_query(
		l->db, e, "SELECT rev, digest, mirror FROM projected WHERE source = ?", source);

	*p_r = (struct projected){ 0 };
	if (db_next(&r)) {
		p_r->rev = db_int(&r, 0);
		snprintf(p_r->digest, sizeof(p_r->digest), "%s", db_text(&r, 1));
		snprintf(p_r->mirror, sizeof(p_r->mirror), "%s", db_text(&r, 2));
	}
	return !r.failed;
}

bool
ledger_projected_set(struct ledger *l, const char *source, const struct projected *p, struct err *e)
{
	return db_run(l->db, e, "INSERT OR REPLACE INTO projected VALUES(?, ?, ?, ?)", source,
		p->rev, (const char *)p->digest, (const char *)p->mirror);
}

/* --- objects --- */

const struct str shadow_unknown = { "", 1 };
const struct str shadow_again = { "\0", 2 };

bool
shadow_is_unknown(const struct attr *a)
{
	return attr_has(a, shadow_unknown) || attr_has(a, shadow_again);
}

bool
shadow_is_list(const char *name)
{
	const struct vocab *v = vocab_find(name);

	return v && v->multi && v->type != VOCAB_REF;
}

void
shadow_forget(struct attrs *sent, const char *name, const struct attr *tried)
{
	attrs_add(sent, name, shadow_unknown);
	for (size_t i = 0; tried && shadow_is_list(name) && i < tried->count; i++)
		attrs_add(sent, name, tried->values[i]);
}

const char *
object_state_name(enum object_state s)
{
	static const char *const names[] = { "new", "linked", "left", "missing", "deleted",
		"foreign" };

	return names[s];
}

int64_t
ledger_find(struct ledger *l, const char *anchor)
{
	return db_number(l->db, "SELECT o FROM object WHERE anchor = ?", anchor);
}

int64_t
ledger_find_entry(struct ledger *l, const char *source, int64_t n)
{
	return db_number(l->db, "SELECT o FROM object WHERE n = ? AND source = ?", n, source);
}

bool
ledger_object(struct ledger *l, int64_t o, struct arena *a, struct object *ob_r, struct err *e)
{
	CLEAN_ROWS struct db_rows r = db_query(l->db, e,
		"SELECT anchor, kind, state, key, name, sync, source, n, version, wanted, active, "
		"left_at,"
		" sent, seen FROM object WHERE o = ?",
		o);

	if (!db_next(&r))
		return r.failed ? false
				: err_set(e, ERR_SIDE, "state-damaged",
					  "object %lld is not in the target file", (long long)o);
	*ob_r = (struct object){
		.o = o,
		.anchor = db_text_dup(&r, 0, a),
		.kind = ledger_kind(db_int(&r, 1)),
		.state = (enum object_state)db_int(&r, 2),
		.key = db_text_dup(&r, 3, a),
		.name = db_text_dup(&r, 4, a),
		.sync = db_text_dup(&r, 5, a),
		.source = db_text_dup(&r, 6, a),
		.n = db_int(&r, 7),
		.version = db_text_dup(&r, 8, a),
		.wanted = db_int(&r, 9),
		.active = db_int(&r, 10),
		.left_at = db_int(&r, 11),
		.sent = ledger_unpack(db_str(&r, 12), a),
		.seen = ledger_unpack(db_str(&r, 13), a),
	};
	return true;
}

bool
ledger_brief(struct ledger *l, int64_t o, struct object_brief *b_r)
{
	CLEAN_ROWS struct db_rows r = db_query(
		l->db, NULL, "SELECT state, kind, wanted, key, n FROM object WHERE o = ?", o);
	const char *key;

	if (!db_next(&r))
		return false;
	b_r->state = (enum object_state)db_int(&r, 0);
	b_r->kind = ledger_kind(db_int(&r, 1));
	b_r->wanted = db_int(&r, 2);
	b_r->n = db_int(&r, 4);
	key = db_text(&r, 3);
	if (key && strlen(key) >= sizeof(b_r->key))
		return false;
	snprintf(b_r->key, sizeof(b_r->key), "%s", key ? key : "");
	return true;
}

bool
ledger_object_add(struct ledger *l, const struct object *ob, int64_t *o_r, struct err *e)
{
	if (!db_run(l->db, e,
		    "INSERT INTO object(anchor, kind, state, key, name, sync, source, n, wanted, "
		    "active, left_at)"
		    " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
		    ob->anchor, (int64_t)(ob->kind - kinds), ob->state, ob->key, ob->name, ob->sync,
		    ob->source, ob->n, ob->wanted, ob->active))
		return false;
	*o_r = db_last_id(l->db);
	return true;
}

bool
ledger_object_save(struct ledger *l, const struct object *ob, struct err *e)
{
	CLEAN_BUF struct buf seen = { 0 };

	return tally_note(l, ob, e) &&
	       db_run(l->db, e,
		       "UPDATE object SET kind = ?, state = ?, key = ?, name = ?, sync = ?, source "
		       "= ?, n "
		       "= ?,"
		       " version = ?, wanted = ?, active = ?, left_at = ?, sent = ?, seen = ? "
		       "WHERE o = ?",
		       (int64_t)(ob->kind - kinds), ob->state, ob->key, ob->name, ob->sync,
		       ob->source, ob->n, ob->version, ob->wanted, ob->active, ob->left_at,
		       ledger_pack(&ob->sent, &l->pack), ledger_pack(&ob->seen, &seen), ob->o);
}

bool
ledger_object_drop(struct ledger *l, int64_t o, struct err *e)
{
	return db_run(l->db, e, "DELETE FROM object WHERE o = ? AND state = 0", o) &&
	       db_run(l->db, e, "DELETE FROM op WHERE o = ? AND state = 0", o) &&
	       db_run(l->db, e, "DELETE FROM protection WHERE o = ?", o) &&
	       ledger_matches_set(l, o, NULL, 0, e) && ledger_attempt_clear(l, o, e);
}

bool
ledger_renumber(struct ledger *l, const char *source,
	int64_t (*find)(void *ctx, const char *anchor), void *ctx, struct err *e)
{
	CLEAN_ROWS struct db_rows r =
		db_query(l->db, e, "SELECT o, anchor, n FROM object WHERE source = ?", source);

	/* Lists that speak of the old numbers are made anew by the caller, who looks at everything. */
	if (!db_run(l->db, e, "DELETE FROM dirty WHERE source = ?", source) ||
		!db_run(l->db, e, "DELETE FROM dirty_link WHERE source = ?", source) ||
		!db_run(l->db, e, "DELETE FROM wake WHERE source = ?", source) ||
		!db_run(l->db, e, "DELETE FROM problem WHERE source = ?", source))
		return false;
	while (db_next(&r)) {
		int64_t o = db_int(&r, 0), was = db_int(&r, 2), n = find(ctx, db_text(&r, 1));

		if (!n)
			n = was < 0 ? was : ledger_n_lost(o);
		if (!db_run(l->db, e, "UPDATE object SET n = ? WHERE o = ?", n, o))
			return false;
	}
	return !r.failed;
}

size_t
ledger_objects(
	struct ledger *l, const char *source, int64_t after, int64_t *os, int64_t *ns, size_t max)
{
	CLEAN_ROWS struct db_rows r = db_query(l->db, NULL,
		"SELECT o, n FROM object WHERE o > ? AND source = ? AND state <> ? ORDER BY o "
		"LIMIT ?",
		after, source, OBJECT_FOREIGN, max);
	size_t got = 0;

	while (db_next(&r)) {
		os[got] = db_int(&r, 0);
		ns[got++] = db_int(&r, 1);
	}
	return got;
}
