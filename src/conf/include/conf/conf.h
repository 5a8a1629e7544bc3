/*
 * The configuration (SEMANTICS 1): one file, includes allowed, read through libConfuse; described by
 * tables (conf/table.h) from which parser, check, `config show` and the manual page come. Errors are
 * kind ERR_CONFIG, code "bad-config", text "FILE:LINE: ... near '...'; did you mean ...?".
 * A struct conf owns everything in it (arena); conf_free(&c).
 */
#pragma once
#include <stdint.h>
#include "base/err.h"
#include "base/str.h"
#include "base/mem.h"
#include "model/kind.h"

struct conf_value {
	const char *name;
	const char **values;
	size_t count;
	int line;
}; /* connector option */

struct conf_source {
	const char *name, *type, *command; /* command: type "exec" only */
	const char *file;
	int line;
	struct conf_value *options;
	size_t option_count;
	const char *id; /* identity attribute, NULL = by source (3.1); also passed as option "id" */
	int64_t missing_after; /* seconds (I1), default 3600 */
	int64_t full_every;    /* seconds between full reads where deltas miss something (I7) */
};
struct conf_target {
	const char *name, *type, *command;
	const char *file;
	int line;
	struct conf_value *options;
	size_t option_count;
	bool adopt;     /* adopt = "yes": soft matches need no approval (3.2) */
	bool exclusive; /* exclusive = "yes": ours alone, hard matches are silent (3.2) */
};
struct conf_text {
	const char *text;
	const char *file;
	int line;
}; /* file: an include may hold it */
struct conf_texts {
	struct conf_text *list;
	size_t count;
};
struct conf_map {
	const char *name;
	const char *expr;
	const char *file;
	int line;
	bool is_default;
};
struct conf_kind {
	bool enabled; /* user = "no" style switches a kind off; default on */
	enum leave leave;
	int64_t grace; /* seconds; used when leave is LEAVE_GRACE */
	struct conf_map *maps;
	size_t map_count; /* merged: defaults not overridden, then own lines; '' unmaps */
};
struct conf_scope {
	struct conf_texts base, not_base, group, filter, when;
};

/* Guard (8): classes as rows. percent < 0: no relative limit; absolute < 0: none. */
enum guard_class {
	GUARD_CREATE,
	GUARD_ADOPT,
	GUARD_UPDATE,
	GUARD_DISABLE,
	GUARD_DELETE,
	GUARD_MEMBER_REMOVAL,
	GUARD_CLASS_COUNT
};
const char *guard_class_name(enum guard_class c); /* "create", ... "member-removal" */
struct conf_limit {
	double percent;
	int64_t absolute;
	int line;
};
struct conf_guard {
	struct conf_limit limit[GUARD_CLASS_COUNT];
	struct conf_limit seen_disable;     /* disables seen as such in the directory (8.3) */
	struct conf_limit member_per_group; /* of one group's members */
	int64_t floor;                      /* under the percentage, default 5 */
	struct conf_texts protect; /* mail, DN, id or account name of protected accounts (8.4) */
	struct conf_texts protect_group; /* DNs */
};

/* When a sync runs (the service, lockstepd(8)). Durations in seconds. */
struct conf_schedule {
	bool on_change;            /* as soon as the directory says that something changed */
	int64_t every;             /* at least so often */
	const char *full_at;       /* "HH:MM", local time: everything is compared; NULL = never */
	struct conf_texts full_on; /* days "mon" to "sun"; none: every day */
};
struct conf_sync {
	const char *name, *from, *to;
	const char *file;
	int line;
	int64_t fresh;      /* promise: no change waits longer; seconds, 0 = none */
	const char *canary; /* an entry that somebody's own job changes, so that its way is timed */
	int64_t canary_every; /* how often that job changes it; seconds */
	struct conf_schedule schedule;
	struct conf_scope scope;
	struct conf_kind kind[KIND_COUNT];
	struct conf_guard guard;
	bool members_exact; /* members = "exact" (6.3) */
};

/* Sections that stand once: where. First in their structures. */
struct conf_at {
	const char *file;
	int line;
};
/* The page for people (lockstepd(8)), on this machine only. */
struct conf_console {
	struct conf_at at;
	bool enabled;
	int64_t port;
	int64_t session; /* seconds until a sign-in ends */
};
/* Where alerts go beside the journal. Paths as written, see conf_path. */
struct conf_alerts {
	struct conf_at at;
	struct conf_texts mail_to;
	const char *mail_from, *smtp, *smtp_user, *smtp_password_file, *smtp_ca_file;
	const char *webhook, *webhook_token_file, *webhook_ca_file;
	int64_t pause;     /* seconds between two messages, at least */
	const char *daily; /* "HH:MM", local time: a summary; NULL = none */
};
/* What is forgotten of the past. */
struct conf_keep {
	struct conf_at at;
	int64_t history; /* seconds */
	int64_t size;    /* megabytes of one target's history; 0 = no limit */
};
struct conf {
	struct arena *arena;
	const char *path, *state;
	const char *control;  /* socket of the service */
	int64_t stop_timeout; /* seconds */
	struct conf_console console;
	struct conf_alerts alerts;
	struct conf_keep keep;
	struct conf_source *sources;
	size_t source_count;
	struct conf_target *targets;
	size_t target_count;
	struct conf_sync *syncs;
	size_t sync_count;
	int default_map; /* number of the default maps used (1.3) */
};
/* Where a package has them; of another state folder the socket is in it. */
#define CONF_STATE       "/var/lib/lockstep"
#define CONF_CONTROL     "/run/lockstep/control"
#define CONF_DEFAULT_MAP 1
extern const char *const conf_days[]; /* "mon" to "sun", NULL-ended */

bool conf_load(const char *path, struct conf **c_r, struct err *e);
/* The same of a text that shall stand in that file; includes are read from where it stands. */
bool conf_load_text(const char *path, const struct str *text, struct conf **c_r, struct err *e);
void conf_free(struct conf **c);
const struct conf_source *conf_source(const struct conf *c, const char *name);
const struct conf_target *conf_target(const struct conf *c, const char *name);
/* A path of the configuration: relative ones are relative to the folder of the configuration file. */
char *conf_path(const struct conf *c, const char *path, struct arena *a);
/* SHA-256 over all that bears on what is wanted by this sync (scope, kinds, maps): a change of it makes everything dirty (5.1). */
void conf_sync_digest(const struct conf_sync *s, char out[65]);
/* The rules of a sync of which nothing is written. */
const struct conf_sync *conf_sync_default(struct arena *a);
/* The effective configuration as text that parses again, to the same configuration: includes are
 * followed, `state` is absolute or relative to the caller, defaults stand as comments. */
void conf_print(const struct conf *c, struct buf *out);
/* A text as a value in single quotes, whatever is in it. */
void conf_quote(const char *text, struct buf *out);

/* Default maps, numbered (1.3): rows of one kind, ended by name == NULL. */
struct conf_default {
	const char *name;
	const char *expr;
};
const struct conf_default *conf_default_maps(int number, enum kind_id kind);
