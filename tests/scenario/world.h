/*
 * The world of a scenario: a directory with its history, a target with its objects, a clock, and what
 * shall go wrong. It lives in one file mapped MAP_SHARED at a fixed address, so that it survives the
 * death of the process under test, is the same for connectors that are processes, and is put back by
 * copying its used part (world_save, world_restore). Memory in it is handed out by a bump allocator and
 * never freed.
 *
 * Source and target speak lockstep-connector(7) through world_source and world_target, which are conn_handler
 * functions (wire/conn.h); lockstep-test-source and lockstep-test-target call them line by line.
 */
#pragma once
#include "base/clock.h"
#include "base/str.h"
#include "model/kind.h"
#include "wire/conn.h"

#define WORLD_ATTRS 24

struct w_attr { /* of an entry, or of an object at the target */
	struct w_attr *next;
	const char *name;
	size_t count;
	const char **values;
	int64_t changed; /* number of the change; entries only */
};

struct w_link {
	struct w_link *next;
	const char *attribute;
	struct w_entry *to;
	bool present;
	int64_t changed;
};

struct w_entry {
	struct w_entry *next, *parent;
	const char *handle; /* what the scenario calls it, for ever */
	const char *id, *sid;
	const char *rdn;
	const char *class;
	struct w_attr *attrs;
	struct w_link *links;
	int64_t created, changed, restored, deleted; /* change numbers; 0 = never */
	int64_t changed_at;                          /* when, in seconds */
	bool gone;
	bool denied;     /* an ACE hides it and what is below */
	const char *bad; /* attribute that the source cannot read, "" = the entry; NULL = none */
};

struct w_record { /* a change as a file of changes tells it: the line of the protocol */
	struct w_record *next;
	int64_t change;
	const char *line;
};

struct t_ref {
	struct t_ref *next;
	const char *attribute;
	const char *key;
};

struct t_object {
	struct t_object *next;
	int kind; /* index into kinds */
	const char *key, *external;
	uint64_t key_hash, external_hash, name_hash;
	struct w_attr *attrs;
	struct t_ref *refs;
	int64_t version;
	bool gone;
};

/* An object that the target refuses: by externalId. */
struct t_refusal {
	struct t_refusal *next;
	const char *external, *op; /* op NULL = every one that writes */
	const char *kind, *code;
};

/* A change that happens by itself when the target has been called so often. */
struct w_later {
	struct w_later *next;
	int64_t at_call;
	const char *row; /* as in a scenario's `change` */
	bool done;
};

enum read_fault {
	READ_FINE,
	READ_UNSEALED,
	READ_CUT,
	READ_COUNTS,
	READ_CURSOR,
	READ_ERROR,
	READ_GARBAGE,
	READ_HALF
};

struct land { /* not `world`: rules have a struct of that name */
	char magic[16];
	struct land *self;
	size_t size, used;
	int64_t now_ms;

	/* directory */
	struct w_entry *entries, *entries_last, *root;
	struct w_record *log, *log_last;
	int64_t change; /* number of the last one */
	int64_t next_id;
	bool file_like, no_tombstones, full_tombstones, no_fetch, no_source, reverse;
	int64_t links_line; /* ends in one links line */
	char invocation[32], bind[32];
	int64_t skew;               /* the directory's clock against ours, s */
	enum read_fault read_fault; /* of the next read */
	int64_t read_after;         /* ... after so many lines */
	int64_t reads, fetches;
	const char *asked; /* attributes of the read under way, JSON */

	/* target */
	struct t_object *objects;
	struct t_refusal *refusals;
	int64_t next_key, window, members_max, settle, call_ms;
	bool normalize, silent_seen, no_target, bad_token, versions;
	bool no_list;
	int64_t list_cut;       /* a listing ends unsealed after so many objects; 0 = does not */
	const char *list_lacks; /* an attribute that listings do not show */
	int64_t calls, writes, finds; /* operations received; those that may change something */
	int64_t creates, deletes, disables;
	int64_t doubles;        /* times two objects bore one externalId: must stay 0 */
	int64_t members_over;   /* refs operations with more than members_max ends: must stay 0 */
	int64_t in_flight_over; /* more unanswered than the window: must stay 0 */
	struct w_later *later;
	const char *late;  /* a request on its way */
	int64_t late_at;   /* ms */
	int64_t inject_id; /* answer the operation of this id with an error, without doing it */
	char inject_kind[16], inject_code[32];
	int64_t inject_wait;
	char trouble[256]; /* the first breach of the protocol by the engine */
};

/* A world in a new file of `size` bytes (sparse); or that of an existing file. NULL, with e, on failure. */
struct land *world_make(const char *path, size_t size, struct err *e);
struct land *world_open(const char *path, struct err *e);
void world_close(struct land **w);
struct buf;
void world_save(const struct land *w, struct buf *out);
void world_restore(struct land *w, const struct buf *saved);

void *world_alloc(struct land *w, size_t n); /* zeroed */
const char *world_text(struct land *w, const char *s);
const struct clock *world_clock(
	struct land *w, struct clock *c); /* fills c; sleeping turns the clock */
int64_t world_now(const struct land *w);
void world_trouble(struct land *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The directory. Each function is one change with the next number. */
struct w_entry *dir_find(struct land *w, const char *handle); /* gone ones too */
struct w_entry *dir_add(
	struct land *w, const char *class, const char *handle, struct w_entry *parent);
void dir_set(struct land *w, struct w_entry *en, const char *name, const char *const *values,
	size_t count);
const struct w_attr *dir_get(const struct w_entry *en, const char *name);
void dir_rename(struct land *w, struct w_entry *en, const char *cn);
void dir_move(struct land *w, struct w_entry *en, struct w_entry *to);
void dir_delete(struct land *w, struct w_entry *en);
void dir_restore(struct land *w, struct w_entry *en);
void dir_link(struct land *w, struct w_entry *en, const char *attribute, struct w_entry *to,
	bool present);
bool dir_linked(const struct w_entry *en, const char *attribute, const struct w_entry *to);
void dir_dn(const struct w_entry *en, struct buf *out);
bool dir_visible(const struct w_entry *en); /* there, and no ACE hides it or what is above */

/* w_attr lists, shared by both sides. */
struct w_attr *w_attr_find(struct w_attr *list, const char *name);
void w_attr_put(struct land *w, struct w_attr **list, const char *name, const char *const *values,
	size_t count, int64_t change);

/* The target. */
struct t_object *target_find_key(struct land *w, const char *key);
struct t_object *target_find_external(struct land *w, const char *external);
struct t_object *target_find_name(struct land *w, int kind, const char *name);
struct t_object *target_add(struct land *w, int kind, const char *external);
void target_put(struct land *w, struct t_object *ob, const char *name, const char *const *values,
	size_t count);
void target_own(
	struct land *w, struct t_object *ob, const char *external); /* gives it an externalId */
void target_vanish(struct land *w, struct t_object *ob);            /* and all references to it */
/* The request arrives a second before the settle time is over, when nobody listens to the answer any more. */
void target_later(struct land *w, struct str line);
const char *object_name(struct t_object *ob); /* "" without one */
/* Objects as text, one line each, sorted, without keys: equal states give equal text. */
void target_dump(struct land *w, struct buf *out);

/* conn_handler; ctx is the struct land. */
bool world_source(void *ctx, struct str line, struct buf *out);
bool world_target(void *ctx, struct str line, struct buf *out);

/*
 * Rows of a scenario ("set anna title=Chief"): false, with e, when one makes no sense. Words end at
 * white space, "double quotes" keep it. Rows of a section are done in two passes, so that members and
 * managers may be named before they are there.
 */
#define ROW_WORDS 64
struct row {
	struct arena *arena;
	size_t count;
	const char *words[ROW_WORDS];
};
bool row_split(const char *text, struct arena *a, struct row *row_r, struct err *e);
const char *row_value(
	const struct row *r, const char *name); /* of the word name=value; NULL = none */
enum row_pass { ROW_ENTRIES = 1, ROW_LINKS = 2 };
bool change_rows(struct land *w, const char *const *rows, size_t count, struct err *e);
bool change_row(struct land *w, const char *row, struct err *e); /* one alone */
/* Rows below `target`: refuse, accept, vanish, foreign, edit. */
bool target_row(struct land *w, const char *row, struct err *e);
