/* Inside of db.h, for db.c and db_open.c. */
#pragma once
#include "store/db.h"

struct sqlite3;

struct db_cached {
	const char *sql;
	struct sqlite3_stmt *st;
	bool taken; /* given out and not yet given back */
};

struct db {
	struct sqlite3 *sq;
	char *path;
	const struct db_kind *kind;
	struct store_env env;
	struct db_cached *cache; /* cap is a power of two */
	size_t used, cap;
	struct err kept; /* of a call that had no place for its error */
};

/* Fills e (or d->kept when e is NULL) from an SQLite result; returns false. */
bool db_fail(struct db *d, int rc, const char *doing, struct err *e);
