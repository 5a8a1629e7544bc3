/*
 * Places: (parent, rdn_key), and from a DN to one. Two entries may for a while claim one place: a swap
 * arrives entry by entry, and an entry whose absence is not confirmed keeps its last place. So nothing
 * here is UNIQUE; the best claim wins.
 */
#include <string.h>
#include "base/map.h"
#include "mirror_p.h"
#include "model/dn.h"

/* The usual case by eye: the text up to the first comma that is not escaped. */
static const char *
first_comma(const char *dn)
{
	for (; *dn; dn++) {
		if (*dn == '\\' && dn[1])
			dn++;
		else if (*dn == ',' || *dn == ';' || *dn == '"')
			break;
	}
	return dn;
}

bool
place_split(
	struct mirror *m, const char *dn, const char **rdn_r, const char **parent_r, struct err *e)
{
	struct dn parsed;

	while (*dn == ' ')
		dn++;
	const char *end = first_comma(dn);

	if (*end == '\0' || *end == ',') {
		*rdn_r = arena_strndup(m->scratch, dn, (size_t)(end - dn));
		for (end += *end == ','; *end == ' '; end++)
			;
		*parent_r = end;
	} else { /* the quoted form of LDAPv2 */
		if (!dn_parse(dn, m->scratch, &parsed, e))
			return false;
		*rdn_r = parsed.count ? parsed.rdn[0] : "";
		*parent_r = parsed.count ? dn_text(&parsed, 1, m->scratch) : "";
	}
	if (**rdn_r == '\0' || strlen(dn) > DN_LENGTH_MAX)
		return err_set(e, ERR_OBJECT, "bad-dn",
			"\"%.200s\" is empty, or longer than %d bytes", dn, DN_LENGTH_MAX);
	return true;
}

bool
place_key(struct mirror *m, const char *rdn, const char **key_r, struct err *e)
{
	struct dn parsed;

	if (!dn_parse(rdn, m->scratch, &parsed, e))
		return false;
	if (parsed.count != 1)
		return err_set(e, ERR_OBJECT, "bad-dn", "\"%.200s\" is no relative name", rdn);
	*key_r = parsed.key[0];
	return true;
}

size_t
place_depth(const char *dn)
{
	size_t depth = *dn != '\0';

	while (*(dn = first_comma(dn))) {
		depth += *dn != '"';
		dn++;
	}
	return depth;
}

static struct memo *
memo_slot(struct mirror *m, struct str text)
{
	return &m->memo[hash_bytes(text.p, text.n) % MEMO_SLOTS];
}

int64_t
memo_get(struct mirror *m, struct str text)
{
	const struct memo *slot = memo_slot(m, text);

	return slot->n && slot->age == m->memo_age && str_eq(buf_str(&slot->text), text) ? slot->n
											 : 0;
}

void
memo_put(struct mirror *m, struct str text, int64_t n)
{
	struct memo *slot = memo_slot(m, text);

	buf_reset(&slot->text);
	buf_add(&slot->text, text.p, text.n);
	slot->n = n;
	slot->age = m->memo_age;
}

void
memo_clear(struct mirror *m)
{
	m->memo_age++;
	m->last_n = 0;
}

/*
 * How good a row's claim to its place is; 0 = none, and *unsure_r when it may yet turn out to be the
 * one. In a full read into a mirror with entries, a row's place is old until the read names it.
 */
static int
claim(const struct mirror *m, int64_t n, enum presence presence, bool has_id, enum place_how how,
	bool *unsure_r)
{
	static const int rank[] = {
		[PRESENCE_STUB] = 1, [PRESENCE_HERE] = 3, [PRESENCE_ABSENT] = 2
	};

	if (presence == PRESENCE_GONE)
		return 0;
	if (!m->reading || !m->full || m->fresh || (presence == PRESENCE_STUB && !has_id))
		return rank[presence];
	if (bits_has(&m->placed, n))
		return 4;
	if (how == PLACE_SURE) {
		*unsure_r = true;
		return 0;
	}
	return bits_has(&m->whole, n)
		       ? 0
		       : rank[presence]; /* whole but not placed: it left this place */
}

static bool
child_pick(struct mirror *m, int64_t parent, const char *key, enum place_how how, int64_t *n_r,
	struct err *e)
{
	int best = 0;
	bool unsure = false;
	CLEAN_ROWS struct db_rows r = db_query(m->db, e,
		"SELECT n, presence, id IS NOT NULL FROM entry WHERE parent = ? AND rdn_key = ?",
		parent, key);

	*n_r = PLACE_NONE;
	while (db_next(&r)) {
		int c = claim(m, db_int(&r, 0), (enum presence)db_int(&r, 1), db_int(&r, 2), how,
			&unsure);

		if (c > best) {
			best = c;
			*n_r = db_int(&r, 0);
		}
	}
	if (how == PLACE_SURE && !m->fresh && best < 4 && (unsure || best == 0))
		*n_r = PLACE_NONE;
	return !r.failed;
}

static bool
child_take(struct mirror *m, int64_t parent, const char *rdn, const char *key, enum place_how how,
	int64_t *n_r, struct err *e)
{
	if (!child_pick(m, parent, key, how, n_r, e))
		return false;
	/* in the first read of all nothing can be elsewhere: what is not there yet is still to come */
	if (*n_r == PLACE_NONE && (how == PLACE_MAKE || (how == PLACE_SURE && m->fresh)))
		return stub_insert(m, NULL, parent, rdn, key, NULL, n_r, e);
	return true;
}

/* Entries of one container come together, so the texts of the last parents' DNs are kept with their n. */
bool
place_parent(struct mirror *m, const char *dn, enum place_how how, int64_t *n_r, struct err *e)
{
	struct str text = str_c(dn);
	struct dn parsed;
	int64_t at = 0;

	*n_r = 0;
	if (text.n == 0)
		return true;
	*n_r = memo_get(m, text);
	if (*n_r)
		return true;
	if (!dn_parse(dn, m->scratch, &parsed, e))
		return false;
	for (size_t i = parsed.count; i-- > 0 && at != PLACE_NONE;)
		if (!child_take(m, at, parsed.rdn[i], parsed.key[i], how, &at, e))
			return false;
	*n_r = at;
	/* in a full read a look may meet an old place: only what is sure is kept */
	if (at != PLACE_NONE && (how == PLACE_SURE || !m->reading || !m->full || m->settling))
		memo_put(m, text, at);
	return true;
}

bool
place_find(struct mirror *m, const char *dn, enum place_how how, int64_t *n_r, struct err *e)
{
	const char *rdn, *parent, *key = NULL;
	int64_t at = 0;

	*n_r = 0;
	if (*dn == '\0')
		return true;
	if (!place_split(m, dn, &rdn, &parent, e) || !place_key(m, rdn, &key, e) ||
		!place_parent(m, parent, how, &at, e))
		return false;
	*n_r = PLACE_NONE;
	return at == PLACE_NONE || child_take(m, at, rdn, key, how, n_r, e);
}

bool
place_stub(struct mirror *m, int64_t parent, const char *key, int64_t *n_r, struct err *e)
{
	*n_r = 0;
	return db_value(m->db, e, n_r,
		"SELECT n FROM entry INDEXED BY entry_stub WHERE presence = 0 AND id IS NULL AND "
		"parent = ? AND rdn_key = ?",
		parent, key);
}

/* What stands below a container is found again through moved_rev. Nothing below, nothing to find: then it is
 * negative, which keeps it out of the index, and says of the entry alone that it came, went, or moved. */
bool
place_note(struct mirror *m, struct row *r, struct err *e)
{
	bool has = false;

	if (!row_has_children(m, r->n, &has, e))
		return false;
	r->moved_rev = has || r->moved_rev > 0 ? m->rev : -m->rev;
	return true;
}

bool
place_set(struct mirror *m, struct row *r, int64_t parent, const char *rdn, const char *key,
	struct err *e)
{
	int64_t stub = 0;

	if (m->full)
		bits_set(&m->placed, r->n);
	/* who is not present has left its place: another may stand there now */
	if (row_present(r) && r->placed && parent == r->parent && strcmp(rdn, r->rdn) == 0)
		return true;
	if (parent == r->n)
		return err_set(
			e, ERR_OBJECT, "bad-dn", "\"%.200s\" names itself as the entry above", rdn);
	if ((!key && !place_key(m, rdn, &key, e)) || !place_stub(m, parent, key, &stub, e))
		return false;
	if (stub && stub != r->n && !stub_merge(m, stub, r->n, e))
		return false;
	if (!place_note(m, r, e))
		return false;
	if (r->placed && (parent != r->parent || strcmp(rdn, r->rdn) != 0))
		memo_clear(m);
	r->rev = m->rev;
	r->parent = parent;
	r->rdn = rdn;
	r->placed = true;
	m->stats.any = true;
	return db_run(m->db, e,
		"UPDATE entry SET parent = ?, rdn = ?, rdn_key = ?, rev = ?, moved_rev = ? WHERE n "
		"= ?",
		parent, rdn, key, r->rev, r->moved_rev, r->n);
}
