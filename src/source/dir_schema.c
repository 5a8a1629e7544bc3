/* Attributes and classes, as they are asked for and announced whatever the server's schema is written in. */
#include "dir.h"

#include <string.h>

static const char *const words[] = {
	[DIR_STRING] = "string",
	[DIR_BYTES] = "bytes",
	[DIR_LINK] = "link",
	[DIR_INT] = "int",
	[DIR_BOOL] = "bool",
	[DIR_TIME] = "time",
};

enum dir_syntax
dir_syntax_of(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i], word) == 0)
			return (enum dir_syntax)i;
	return DIR_STRING;
}

void
dir_attribute_write(struct jsonw *w, const char *name, enum dir_syntax syntax, bool multi)
{
	jsonw_obj(w, name);
	jsonw_str(w, "syntax", words[syntax]);
	jsonw_bool(w, "multi", multi);
	jsonw_end(w);
}

char *
dir_class_filter(const char *const *classes, const char *const *containers, struct arena *a)
{
	CLEAN_BUF struct buf filter = { 0 };
	buf_adds(&filter, "(|");
	for (; *classes; classes++)
		if (!text_listed(containers, *classes))
			buf_addf(&filter, "(objectClass=%s)", *classes);
	for (; *containers; containers++)
		buf_addf(&filter, "(objectClass=%s)", *containers);
	buf_adds(&filter, ")");
	return arena_strdup(a, buf_cstr(&filter));
}

bool
dir_unknown_attribute(const char *whose, const char *name, const char *const *all, struct err *e)
{
	const char *near = all ? text_nearest(name, all) : NULL;
	return err_set(e, ERR_CONFIG, "unknown-attribute",
		"the schema of %s has no attribute '%s'%s%s%s", whose, name,
		near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}
