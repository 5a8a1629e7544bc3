/*
 * The mirror: our durable copy of one source's entries (SEMANTICS 2.2), one SQLite file, WAL. Can be
 * rebuilt from the directory. Entries in scope or not, containers too; a link is a row
 * (owner, attribute, other end); no full DN is stored, so a renamed container is one row. Deleted
 * entries and removed links stay as rows (presence GONE, link present = 0) with the revision of their
 * end, so that each target finds out in its own time.
 *
 * A read is one transaction: mirror_begin ... mirror_commit moves entries and cursor together (I4);
 * mirror_abort, or death, leaves everything as it was. Writing needs the state's lock (held by the run).
 * Revisions: each read that changes something has rev = last + 1.
 */
#pragma once
#include <stdint.h>
#include "model/entry.h"
#include "store/env.h"

struct mirror;
bool mirror_open(const char *path, const struct store_env *env, bool read_only, struct mirror **m_r,
	struct err *e);
void mirror_close(struct mirror **m);

/* Who answered: recorded with the cursor. Another naming context is another directory: refused unless the
 * mirror is empty (code "other-directory"). */
struct mirror_origin {
	const char *context; /* naming context id */
	const char *server, *invocation, *bind;
	const char *request; /* digest of classes + attributes; other = full read needed (4.1) */
	int64_t now;         /* the directory's clock */
	bool whole;          /* absence in a sealed full read confirms at once (I1) */
	bool delta_safe;     /* deltas say everything that a full read would (I7) */
};
struct mirror_info {
	int64_t rev;        /* last committed revision; 0 = never read */
	const char *cursor; /* NULL = a full read is due */
	const char *context, *server, *invocation, *bind, *request;
	const char *incarnation;  /* random, made with the file: n are valid within one only */
	int64_t read_at, full_at; /* directory clock of the last sealed read, and full read */
	int64_t entries, absent;  /* present entries (absent included), unconfirmed absences */
	bool delta_safe;          /* of the last read */
};
/* Strings live until the next read is committed or the mirror closed; read only, until another process's commit is met. */
bool mirror_info(struct mirror *m, struct mirror_info *i_r, struct err *e);

/*
 * The functions of looking below have no `struct err`: an error of the file is kept, and makes the next
 * mirror_begin, mirror_commit or mirror_ok fail. Whoever acts on what is *not* found asks mirror_ok before.
 */
bool mirror_ok(struct mirror *m, struct err *e);

/* A delta is refused (code "full-needed") when there is no cursor or the request is another one. */
bool mirror_begin(struct mirror *m, bool full, const struct mirror_origin *o, struct err *e);
/*
 * Messages of the read. An entry is named by id, or by dn when id is NULL. In a full read DNs that name
 * other ends (parent by dn, link ends by dn) are resolved at commit, when every entry has its place; in a
 * delta at once, in order. A full entry replaces all attributes and all links of that entry (links come in
 * mirror_links). A part for an entry the mirror does not have is remembered as missing (mirror_missing).
 * ERR_OBJECT: this entry only (named): say mirror_bad of it, so that it counts as present and keeps its
 * links, and go on; anything else: abort the read.
 */
struct mirror_entry {
	const char *id, *dn, *parent, *sid;
	bool full;
	const struct attrs *attrs;
};
bool mirror_entry(struct mirror *m, const struct mirror_entry *en, struct err *e);
struct mirror_end {
	const char *id, *dn, *sid;
};
enum mirror_links { MIRROR_SET, MIRROR_ADD, MIRROR_REMOVE };
/* `more`: further ends of the same set follow. Attribute "primaryGroup" is stored turned round: owner = the group. */
bool mirror_links(struct mirror *m, const char *id, const char *dn, const char *attribute,
	enum mirror_links mode, const struct mirror_end *ends, size_t count, bool more,
	struct err *e);
bool mirror_values(struct mirror *m, const char *id, const char *dn, const char *attribute,
	const struct attr *add, const struct attr *remove, struct err *e);
bool mirror_rename(
	struct mirror *m, const char *id, const char *dn, const char *new_dn, struct err *e);
bool mirror_gone(struct mirror *m, const char *id, const char *dn, struct err *e);
bool mirror_bad(struct mirror *m, const char *id, const char *dn, const char *attribute,
	const char *why, struct err *e); /* keeps; counts as present */
/* Ids of parts without a whole (to fetch); in the arena; count 0 when none. */
size_t mirror_missing(struct mirror *m, struct arena *a, const char ***ids_r);

struct mirror_stats {
	int64_t read, added, changed, gone, absent, links_added, links_removed, bad;
	bool any; /* rev moved */
};
/* Ends a sealed read. Full: absences are settled by I1: whole source at once; else first absence is marked
 * (time, controller), and confirmed by another sealed full read at least missing_after seconds later by the same
 * bind identity on the same controller (invocation); a different controller or bind starts the wait anew. */
bool mirror_commit(struct mirror *m, const char *cursor, int64_t missing_after,
	struct mirror_stats *s_r, struct err *e);
void mirror_abort(struct mirror *m);

/*
 * Between hold and release all looking sees one committed state, and costs less (no locking per question):
 * for a page of work, not for hours, since the file's log cannot be emptied meanwhile. No read is begun while held.
 */
bool mirror_hold(struct mirror *m, struct err *e);
void mirror_release(struct mirror *m);

/* Looking. 0 = not there. n of stubs and gone entries are found as well unless said. */
int64_t mirror_find_id(struct mirror *m, const char *id);
int64_t mirror_find_dn(struct mirror *m, const char *dn); /* present entries, by walking down */
int64_t mirror_find_value(struct mirror *m, const char *attribute,
	struct str value); /* first present entry; folded compare; a scan: for explain only */
bool mirror_get(struct mirror *m, int64_t n, struct arena *a, struct entry *en_r,
	struct err *e); /* code "no-entry" */
int64_t mirror_parent(struct mirror *m, int64_t n);
char *mirror_dn(struct mirror *m, int64_t n, struct arena *a); /* "" never NULL */
/* Bad notes of an entry, joined; NULL = none. */
char *mirror_bad_note(struct mirror *m, int64_t n, struct arena *a);

/* Links. reverse = false: other ends of n's attribute; true: owners whose attribute points to n.
 * "memberOf" is understood: owners by member or primaryGroup. since_rev > 0 adds links removed after that revision. */
size_t mirror_links_of(struct mirror *m, int64_t n, const char *attribute, bool reverse,
	int64_t since_rev, struct arena *a, int64_t **ns_r);
bool mirror_link_present(struct mirror *m, int64_t owner, const char *attribute,
	int64_t other); /* "member" counts primaryGroup too */
/* n is in group, nested, by member or primary group; never of itself. Memo per revision for groups. */
bool mirror_in_group(struct mirror *m, int64_t n, int64_t group);

/* Every present entry, one after the other, each alive until the next; `each` ends it with false, and may look. */
bool mirror_each(struct mirror *m, bool (*each)(void *ctx, const struct entry *en), void *ctx,
	struct err *e);

/* Changes since a revision, in pages: after = last n seen (0 at first); fills up to max; count 0 = end. */
size_t mirror_changed_entries(
	struct mirror *m, int64_t since_rev, int64_t after, int64_t *ns, size_t max);
struct mirror_link {
	int64_t owner, other;
	const char *attribute;
	bool present;
}; /* attribute: "member" for primaryGroup too; static or interned text */
struct mirror_link_pos {
	int64_t owner, other;
	int attribute;
}; /* opaque position, zero at first */
size_t mirror_changed_links(struct mirror *m, int64_t since_rev, struct mirror_link_pos *pos,
	struct mirror_link *ls, size_t max);
/* Entries whose ancestors moved or changed presence since the revision: all below each such container, in pages by callback. */
bool mirror_moved_below(struct mirror *m, int64_t since_rev, bool (*each)(void *ctx, int64_t n),
	void *ctx, struct err *e);
/* n itself came, went, moved or was renamed after the revision. */
bool mirror_place_changed(struct mirror *m, int64_t n, int64_t since_rev);
/* All below n (n not included). */
bool mirror_below(
	struct mirror *m, int64_t n, bool (*each)(void *ctx, int64_t n), void *ctx, struct err *e);
