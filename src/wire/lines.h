/*
 * A stream of bytes cut into lines of at most WIRE_LINE_MAX bytes (without the LF). What was handed
 * out stays in place until the next call of lines_next or lines_room.
 */
#pragma once
#include "wire/conn.h"

#define LINES_BLOCK (64 * 1024)

struct lines {
	struct buf buf;
	size_t start; /* first byte not yet handed out */
	size_t seen;  /* no LF in [start, seen) */
};

/* 1: a line; 0: none complete yet; -1: longer than the limit (e: ERR_SIDE, "line-too-long"). */
int lines_next(struct lines *l, struct str *line_r, struct err *e);
/* Room for a block at the end; lines_filled says how much of it was used. */
char *lines_room(struct lines *l, size_t n);
void lines_filled(struct lines *l, size_t n);
bool lines_partial(const struct lines *l); /* something is there that no LF has ended */
/* What both ends check before a line goes out: its length, and that no LF is in it. */
bool line_allowed(struct str line, struct err *e);
