/*
 * A scenario file (tests/scenario/README): heads stand at the beginning of a line, what belongs to one is
 * indented below it. `#` begins a comment.
 */
#pragma once
#include "base/err.h"
#include "base/mem.h"

enum step_type {
	STEP_CONFIG,
	STEP_SOURCE,
	STEP_TARGET,
	STEP_DIRECTORY,
	STEP_CHANGE,
	STEP_LATER,
	STEP_RUN,
	STEP_TIME,
	STEP_RELEASE,
	STEP_ADOPT,
	STEP_EXPECT,
	STEP_FAULT,
	STEP_REBUILD,
	STEP_LOSE,
	STEP_UNPIN,
	STEP_NOTE,
	STEP_COUNT
};

struct step {
	enum step_type type;
	int line;
	const char *head; /* words after the type, as written */
	const char **rows;
	int *row_lines;
	size_t count;
};

struct script {
	struct arena *arena;
	const char *path, *name; /* name: the file's without .t */
	struct step *steps;
	size_t count;
	bool no_full, no_faults, no_stops, quick, loose;
};

bool script_load(const char *path, struct script **s_r, struct err *e);
void script_free(struct script **s);
