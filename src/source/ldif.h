/*
 * LDIF (RFC 2849) as a stream of records. Memory is that of the largest record, not of the file.
 * A record and all its texts live in the reader's block until the next call; values in base64 are
 * decoded only when asked for (ldif_value).
 */
#pragma once
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#define LDIF_RECORD_MAX (64 * 1024 * 1024)

enum ldif_form {
	LDIF_PLAIN,  /* name: value */
	LDIF_BASE64, /* name:: value */
	LDIF_URL,    /* name:< url: never followed */
	LDIF_DASH,   /* "-": ends one change of a modify record */
	LDIF_BROKEN, /* no colon, or a name that is none; raw is the line */
};

struct ldif_line {
	enum ldif_form form;
	const char *name; /* with options as written: "userCertificate;binary" */
	size_t name_len;
	struct str raw; /* as written, unfolded, without the blanks in front */
	size_t line;    /* in the file, from 1 */
};

enum ldif_change { LDIF_CONTENT, LDIF_ADD, LDIF_DELETE, LDIF_MODIFY, LDIF_MODRDN };

struct ldif_record {
	size_t line;
	enum ldif_change change;
	const char *dn;                /* NULL: not readable */
	const struct ldif_line *lines; /* what follows dn, changetype and controls */
	size_t count;
	const char *why;             /* the record is malformed: "line 7: ..."; NULL = fine */
	const struct ldif_line *all; /* every line, for malformed records */
	size_t all_count;
};

struct ldif;
/* fd stays the caller's; name is for texts (kept as pointer). */
struct ldif *ldif_open(int fd, const char *name);
void ldif_close(struct ldif **l);
/* 1: a record, well-formed or not; 0: end of file; -1: the file cannot be read on (e: ERR_SIDE, code
 * "bad-ldif" or "os", text with file and line): cut in the middle of a line, a record over the limit,
 * a version other than 1. */
int ldif_next(struct ldif *l, const struct ldif_record **r_r, struct err *e);
/* The value's bytes: in the record where they stand plain, else in the arena. false: not usable; why_r
 * says it ("is a URL, which is never followed", ...). A plain value that is no UTF-8 is not usable. */
bool ldif_value(const struct ldif_line *line, struct arena *a, struct str *v_r, const char **why_r);
