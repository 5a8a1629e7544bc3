/*
 * Inside of the mirror: what its files share.
 *   mirror.c        opening, begin, commit, abort, the dictionary of link attributes
 *   mirror_row.c    rows and stubs: from id and SID to n
 *   mirror_place.c  places: from DN to n
 *   mirror_read.c   messages about entries
 *   mirror_bad.c    what a source holds back
 *   mirror_link.c   messages about links
 *   mirror_settle.c what a sealed read decides at its end
 *   mirror_look.c   looking, mirror_walk.c changes and subtrees, mirror_list.c everything
 */
#pragma once
#include "store/db.h"
#include "store/mirror.h"

/*
 * One bit per row: what a read has met. This is the only memory that grows with the directory, 25 KB
 * per 200,000 rows, and it spares a write per unchanged entry and link of a full read.
 */
struct bits {
	uint64_t *word;
	size_t words;
	int64_t count;
};
void bits_set(struct bits *b, int64_t n);
void bits_clear(struct bits *b, int64_t n);
bool bits_has(const struct bits *b, int64_t n);
void bits_reset(struct bits *b);
/* the first set bit at or after n, or -1 */
int64_t bits_next(const struct bits *b, int64_t n);

#define MEMO_SLOTS 1024
struct memo { /* the text of a parent's DN, or a SID -> n, found by hash, one per slot */
	struct buf text;
	int64_t n;
	uint64_t age; /* of another age than m->memo_age: forgotten */
};

#define GROUP_SLOTS 4096
struct group_memo { /* x is (not) in group, nested */
	int64_t x, group;
	bool in;
};

#define LINK_NAMES_MAX 1000 /* link attributes in one mirror; schemas have a few hundred */
#define OPEN_SETS_MAX  1000 /* sets of links begun with `more` and not yet ended */
#define ID_MAX         1024
enum { NAME_MEMBER = 1, NAME_PRIMARY_GROUP = 2 };

struct open_set {
	int64_t subject;
	int name;
};

struct mirror {
	struct db *db;
	struct arena *info_arena;
	struct mirror_info info;
	char **names; /* names[a - 1] is link attribute a */
	size_t name_count;
	struct arena *scratch; /* of the message or the question in hand */

	/* the open read */
	bool reading, full;
	bool settling; /* at the end of a full read: places are final, depth by depth */
	bool fresh;    /* no rows before this read: every place found is of this read */
	struct arena *read_arena;
	struct mirror_origin origin;
	int64_t rev;     /* rev of what this read changes */
	int64_t entries; /* present, as of now */
	struct mirror_stats stats;
	struct bits seen;                /* entries met */
	struct bits placed;              /* full read: entries whose place is of this read */
	struct bits whole;               /* entries that came full: their links are replaced */
	struct bits linked;              /* entries whose links the read has named */
	struct bits asserted;            /* link rows that the read named */
	bool sid_stubs_asked, sid_stubs; /* are there stubs known by SID? asked once a read */
	bool staged_places, staged_links, any_before, any_missing;
	bool bad_known, bad_now; /* notes from earlier, from this read */
	struct open_set *sets;
	size_t set_count, set_cap;
	struct buf pack, old;
	struct buf last_id; /* the entry of the last message, present; last_n 0 = none */
	int64_t last_n;

	struct memo memo[MEMO_SLOTS];
	uint64_t memo_age;
	struct group_memo groups[GROUP_SLOTS];
};

/* --- mirror.c --- */
int name_find(const struct mirror *m, const char *name); /* 0 = unknown */
bool name_intern(struct mirror *m, const char *name, int *a_r, struct err *e);

/* --- mirror_row.c --- */
struct row {
	int64_t n, parent, rev, moved_rev; /* n = 0: no such row */
	enum presence presence;
	bool placed; /* has a place: not a stub known by id or SID alone */
	const char *rdn, *sid;
	struct str attrs; /* in m->old, until the next row is loaded */
};
static inline bool
row_present(const struct row *r)
{
	return r->n && (r->presence == PRESENCE_HERE || r->presence == PRESENCE_ABSENT);
}
/* How ids are stored: a canonical UUID as its 16 bytes, anything else as text. `room` outlives the value. */
struct db_val id_value(const char *id, unsigned char room[16]);
char *id_text(const struct db_rows *r, int col, struct arena *a); /* NULL when NULL */
#define ENTRY_COLUMNS "n, id, rdn, parent, presence, rev, attrs"
bool entry_of_row(const struct mirror *m, const struct db_rows *r, struct arena *a,
	struct entry *en_r, struct err *e);

bool row_find(struct mirror *m, const char *id, int64_t *n_r, struct err *e); /* 0 = none */
/* Texts in m->scratch; r_r->n = 0 when there is none. */
bool row_load(struct mirror *m, int64_t n, struct row *r_r, struct err *e);
bool row_load_id(struct mirror *m, const char *id, struct row *r_r, struct err *e);
bool row_has_children(struct mirror *m, int64_t n, bool *has_r, struct err *e);
/* The row with this SID, the best by presence, or of stubs without id alone; 0 = none. */
bool sid_find(struct mirror *m, const char *sid, bool stubs_only, int64_t *n_r, struct err *e);
/* The row of an end named by id or SID; a stub is made where there is none. */
bool stub_by_id(struct mirror *m, const struct mirror_end *end, int64_t *n_r, struct err *e);
bool stub_by_sid(struct mirror *m, const char *sid, int64_t *n_r, struct err *e);
bool stub_insert(struct mirror *m, const char *id, int64_t parent, const char *rdn, const char *key,
	const char *sid, int64_t *n_r, struct err *e);
/* Everything that refers to the stub refers to `to` from now on; the stub's row is over. */
bool stub_merge(struct mirror *m, int64_t stub, int64_t to, struct err *e);

/* --- mirror_place.c --- */
#define PLACE_NONE (-1)
enum place_how {
	PLACE_LOOK, /* what is there; never makes anything */
	PLACE_MAKE, /* a stub where there is nothing */
	PLACE_SURE, /* full read: only what this read has placed; else PLACE_NONE, to be settled at commit */
};
/* Splits a DN's text at its first unescaped comma; parent "" at the top. */
bool place_split(
	struct mirror *m, const char *dn, const char **rdn_r, const char **parent_r, struct err *e);
bool place_key(struct mirror *m, const char *rdn, const char **key_r, struct err *e);
size_t place_depth(const char *dn);
/* n of the entry at a DN, or PLACE_NONE. place_parent is the same with a memo of the texts asked last; 0 = the top, for "". */
bool place_find(struct mirror *m, const char *dn, enum place_how how, int64_t *n_r, struct err *e);
bool place_parent(
	struct mirror *m, const char *dn, enum place_how how, int64_t *n_r, struct err *e);
/* The stub without id at this place, 0 = none. */
bool place_stub(struct mirror *m, int64_t parent, const char *key, int64_t *n_r, struct err *e);
/* Puts a row at a place and notes the change (r->rev); takes in the stub that is there. key NULL: made at need. */
bool place_note(
	struct mirror *m, struct row *r, struct err *e); /* it comes, goes or moves: into r */
bool place_set(struct mirror *m, struct row *r, int64_t parent, const char *rdn, const char *key,
	struct err *e);
void memo_clear(struct mirror *m);
int64_t memo_get(struct mirror *m, struct str text); /* 0 = not known */
void memo_put(struct mirror *m, struct str text, int64_t n);

/* --- mirror_read.c --- */
bool row_leave(struct mirror *m, struct row *r, bool state, struct err *e); /* to PRESENCE_GONE */
bool row_seen(struct mirror *m, struct row *r, struct err *e);        /* ABSENT becomes HERE */
void row_pack(struct mirror *m, const struct attrs *as);              /* into m->pack */
bool row_write_attrs(struct mirror *m, struct row *r, struct err *e); /* m->pack */
bool read_subject(struct mirror *m, const char *id, const char *dn, struct row *r_r, struct err *e);
void read_last(struct mirror *m, const char *id, int64_t n);
bool read_missing(struct mirror *m, const char *id, const char *dn, struct err *e);

/* --- mirror_bad.c --- */
/* Attributes that an earlier message of this read held back stay as they are. */
bool bad_keep(struct mirror *m, struct row *r, struct attrs *new, struct err *e);
/* A full entry that drops an attribute may be followed by the word that it was held back. */
bool bad_save_before(struct mirror *m, struct row *r, const struct attrs *new, struct err *e);
/* Notes of earlier reads about what is now well. */
bool bad_over(struct mirror *m, int64_t n, const struct mirror_entry *en, struct err *e);

/* --- mirror_link.c --- */
bool link_functions(struct mirror *m, struct err *e);
bool link_put(struct mirror *m, int64_t subject, int name, int64_t end, bool mark, struct err *e);
bool links_leave(struct mirror *m, int64_t n, bool state,
	struct err *e); /* n is gone: its links, both ways; state: not what the read asserts */
bool links_join(struct mirror *m, int64_t stub, int64_t to, struct err *e);
bool links_replace(
	struct mirror *m, int64_t subject, struct err *e); /* drops what the read did not assert */
bool links_replace_all(struct mirror *m, struct err *e);

/* --- mirror_settle.c --- */
bool settle_full(struct mirror *m, int64_t missing_after, struct err *e);
bool settle_delta(struct mirror *m, struct err *e);
bool settle_clean(struct mirror *m, struct err *e);
