/*
 * Changes to the text of a configuration file in place: comments and layout stay, only what is asked
 * for becomes different (verified before it is handed out). For the console's settings; what cannot
 * be done so is refused, never done half.
 */
#pragma once
#include "conf/conf.h"

struct conf_change {
	/* Names from the top, sections that have a name of their own with it: "sync/mail/scope/base",
	 * "source/corp/server", "console/port", "state". Sections on the way are made where they lack. */
	const char *path;
	const char *const *values;
	size_t count;
	bool remove; /* the option, or the whole section; one that is not there is fine */
};

/*
 * text: what stands in the file `path` (as the caller read it; includes are followed from there).
 * Refused: code "not-here", option or section stand in an included file, which is named; "bad-config",
 * the result would not load. *out holds the new text; the same as before when nothing is to change.
 */
bool conf_edit(const char *path, struct str text, const struct conf_change *changes, size_t count,
	struct buf *out, struct err *e);
