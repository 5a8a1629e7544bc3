/*
 * lockstep-source-ldap: directories that speak content synchronization (RFC 4533), OpenLDAP first of all. This
 * header is shared by the files of this program alone.
 *
 * Only whole entries are sent, so an entry is what the server says it is; absence is told by the server (a named
 * deletion) or settled by a full read, never concluded here: where a server can only name what is still present, the
 * cursor counts as too old.
 */
#pragma once
#include "dir.h"

struct tree_attr {        /* an attribute that the engine asked for */
	const char *name; /* as asked */
	enum dir_syntax syntax;
	bool multi;
	bool sent;      /* the server has it; others are known by name only */
	bool uid;       /* its values are DNs with bits behind them (uniqueMember) */
	const char *as; /* what its links are called */
};

struct tree {
	struct dir d; /* first: tree_of */
	/* from the rootDSE and near by; texts live in d.arena */
	const char *nc; /* naming context that is read */
	const char *subschema;
	bool has_sync;

	struct tree_attr *attrs;
	size_t attr_count;
	char *filter;         /* by class (SEMANTICS 4.1) */
	const char **request; /* attributes to ask the server for, NULL-ended */
};
static inline struct tree *
tree_of(struct dir *d)
{
	return (struct tree *)d;
}

/* --- ldap_tree.c: where we are --- */
bool tree_options_read(struct dir *d, struct err *e);
/* Connects, binds and looks where we are. */
bool tree_use(struct dir *d, const char *url, struct err *e);
/* Is connected, to the first server that answers. */
bool tree_open(struct tree *t, struct err *e);
/* Reads the rootDSE, finds the naming context and its id. ERR_CONFIG "bad-base", "no-sync", "is-ad", ... */
bool tree_arrive(struct tree *t, struct err *e);

/* --- ldap_schema.c --- */
/* Looks up what was asked for. ERR_CONFIG "unknown-attribute" with the nearest name. */
bool tree_schema_read(
	struct tree *t, const char *const *classes, const char *const *attributes, struct err *e);

/* --- ldap_entry.c: an entry becomes lines, whole --- */
bool tree_entry_send(struct tree *t, LDAPMessage *entry, const char *id, struct err *e);

/* --- ldap_read.c --- */
/* Answers `read`; false: nothing more can be said (the engine is gone). */
bool tree_read(struct dir *d, const char *cursor, struct err *e);

/* --- ldap_watch.c --- */
bool tree_watch(struct dir *d, struct err *e);

/* --- ldap_check.c --- */
bool tree_check(struct dir *d, const char *const *bases, size_t count, struct err *e);
bool tree_setup(struct dir *d, const char *const *bases, size_t count, struct err *e);
