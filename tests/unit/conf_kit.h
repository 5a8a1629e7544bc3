/* Configurations out of text. */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/str.h"
#include "conf/conf.h"

static char folder[64];

#define FIRST                                                                                      \
	"state = 'data'\n"                                                                         \
	"source 'corp' {\n  type = 'ldif'\n  file = 'people.ldif'\n}\n"                            \
	"target 'hosted' {\n  type = 'scim'\n  url = 'http://127.0.0.1:1/scim/v2'\n}\n"

#define LINK "from = 'corp' to = 'hosted' "

#define SYNC(more) "sync 'mail' { " LINK more " }\n"

static inline void
put(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	assert_true(file_write_atomic(path, 0600, str_c(text), NULL));
}

static inline int
folder_make(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/lockstep-conf-XXXXXX");
	return mkdtemp(folder) ? 0 : 1;
}

static inline int
folder_remove(void **state)
{
	static const char *const files[] = { "lockstep.conf", "two.conf", "bad.conf", "loop.conf" };

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		char path[128];

		snprintf(path, sizeof path, "%s/%s", folder, files[i]);
		unlink(path);
	}
	return rmdir(folder);
}

static inline struct conf *
load(const char *text, struct err *e)
{
	char path[128];
	struct conf *c = NULL;

	put("lockstep.conf", text);
	snprintf(path, sizeof path, "%s/lockstep.conf", folder);
	err_clear(e);
	bool ok = conf_load(path, &c, e);
	assert_int_equal(ok, c != NULL);
	if (!ok)
		assert_int_equal(e->kind, ERR_CONFIG);
	return c;
}

/* The text is refused at that line of that file, with these words in the message. */
static inline void
refused_in(const char *file, const char *text, int line, const char *words)
{
	struct err e;
	struct conf *c = load(text, &e);
	char place[160];

	if (c)
		fail_msg("accepted: %s", text);
	snprintf(place, sizeof place, "%s/%s:%d: ", folder, file, line);
	if (strncmp(e.text, place, strlen(place)) != 0 || !strstr(e.text, words))
		fail_msg("'%s'\nis not '%s ... %s'", e.text, place, words);
	assert_string_equal(e.code, "bad-config");
}

static inline void
refused(const char *text, int line, const char *words)
{
	refused_in("lockstep.conf", text, line, words);
}
