/* Private to edit.c and edit_text.c. */
#pragma once
#include "conf/edit.h"
#include "scan.h"

#define EDIT_DEPTH 5 /* names in a path: sync/mail/user/map/userName */

struct edit {
	const char *path;
	struct str text; /* as it is, with comments */
	struct scan scan;
	struct arena *arena;
	/* the change in hand */
	const struct conf_change *change;
	const char *names[EDIT_DEPTH]; /* titles apart */
	const char *titles[EDIT_DEPTH];
	const struct conf_section *sections[EDIT_DEPTH]; /* the table of each but the option */
	size_t depth;
	size_t items[EDIT_DEPTH]; /* as far as they are there */
	size_t there;
	bool plain; /* a list is written anew instead of being changed word by word */
};

/* What stands in place of text->p[from..to). */
struct patch {
	size_t from, to;
	struct buf put;
};
struct patches {
	struct patch list[512];
	size_t count;
	bool full;
};
struct buf *patch_add(struct patches *ps, size_t from, size_t to); /* in the order of the text */
void patches_free(struct patches *ps);
void patches_apply(const struct patches *ps, struct str text, struct buf *out);

void text_set(struct edit *x, struct patches *ps);    /* another value */
void text_insert(struct edit *x, struct patches *ps); /* an option, with the sections it lacks */
void text_remove(struct edit *x, struct patches *ps);
