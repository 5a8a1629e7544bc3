/*
 * Errors. A fallible function returns bool and fills its last argument, `struct err *`.
 *
 * `kind` is policy - what the caller shall do - not cause; `code` is the stable cause that
 * alerts, tests and administrators see ("address-taken", "bad-config", ...); `text` names the object
 * or file and the remedy. The kinds are those of the connector protocol, lockstep-connector(7).
 * Ownership: plain value, nothing to free. Text longer than the field ends in "...".
 */
#pragma once
#include <stdbool.h>
#include <stdarg.h>

enum err_kind {
	ERR_NONE = 0,
	ERR_OBJECT,  /* this object only: skip it, report it */
	ERR_RETRY,   /* the same again later may work */
	ERR_WAIT,    /* rate limit: not before `wait` seconds */
	ERR_UNKNOWN, /* the outcome is not known: look before doing it again */
	ERR_SIDE,    /* this source or target, this run */
	ERR_CONFIG,  /* a person must act */
};

struct err {
	enum err_kind kind;
	unsigned wait; /* seconds, ERR_WAIT; 0 = not stated */
	char code[32];
	char text[1024];
};

/* Fills e and returns false, so that `return err_set(e, ...)` ends a function. e may be NULL. */
bool err_set(struct err *e, enum err_kind kind, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Puts context before the text ("reading X: ..."); keeps kind and code; returns false. */
bool err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Same as err_set with strerror(errno) appended; code "os". */
bool err_errno(struct err *e, enum err_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void err_clear(struct err *e);
const char *err_kind_name(enum err_kind kind); /* "object", "retry", ... */
bool err_kind_parse(const char *name, enum err_kind *kind_r);
