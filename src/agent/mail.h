/*
 * One mail message as text (RFC 5322, 2045, 2047), lines ended by CRLF. Pure. What comes in is data of others: no
 * line break, control character or turn of direction reaches a header, and a long subject ends in "...".
 */
#pragma once
#include "base/err.h"
#include "base/str.h"

struct mail {
	const char *from;
	const char *const *to; /* NULL-ended */
	const char *subject;   /* UTF-8 */
	const char *text;      /* UTF-8, lines ended by LF */
	int64_t date;          /* seconds */
	const char *id;        /* left part of the Message-ID: unique */
};
/* An address that can stand in a header and in SMTP: local@domain, ASCII, nothing that needs quoting. */
bool mail_address_check(const char *address, struct err *e);
/* Code "bad-address". */
bool mail_make(const struct mail *m, struct buf *out, struct err *e);
