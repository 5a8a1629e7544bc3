/* Looking into documents: elements by name, texts, paths. */
#include <string.h>

#include "conf/conf.h"
#include "import.h"

#define NAME_SHOWN 64 /* bytes of a name in a path */

bool
import_is(const xmlNode *n, const char *name)
{
	return n->type == XML_ELEMENT_NODE && strcmp((const char *)n->name, name) == 0;
}

const xmlNode *
import_next(const xmlNode *after, const char *name)
{
	for (const xmlNode *n = after->next; n; n = n->next)
		if (n->type == XML_ELEMENT_NODE && (!name || import_is(n, name)))
			return n;
	return NULL;
}

const xmlNode *
import_child(const xmlNode *n, const char *name)
{
	for (const xmlNode *c = n->children; c; c = c->next)
		if (c->type == XML_ELEMENT_NODE && (!name || import_is(c, name)))
			return c;
	return NULL;
}

/* Of the element itself, not of those in it. b: memory for where it comes in parts. */
static struct str
text_of(const xmlNode *n, struct buf *b)
{
	const xmlNode *c = n->children;

	if (c && !c->next && c->type == XML_TEXT_NODE && c->content)
		return str_trim(str_c((const char *)c->content));
	for (; c; c = c->next)
		if ((c->type == XML_TEXT_NODE || c->type == XML_CDATA_SECTION_NODE) && c->content)
			buf_adds(b, (const char *)c->content);
	return str_trim(buf_str(b));
}

const char *
import_text(struct import *im, const xmlNode *n)
{
	CLEAN_BUF struct buf b = { 0 };
	struct str s = text_of(n, &b);

	return arena_strndup(im->arena, s.p ? s.p : "", s.n);
}

bool
import_says(const xmlNode *n, const char *text)
{
	CLEAN_BUF struct buf b = { 0 };

	return str_ieqc(text_of(n, &b), text);
}

bool
import_child_is(const xmlNode *n, const char *name, const char *text)
{
	CLEAN_BUF struct buf b = { 0 };
	const xmlNode *c = import_child(n, name);

	return str_eqc(c ? text_of(c, &b) : STR(""), text);
}

bool
import_attribute_is(const xmlNode *n, const char *name, const char *text)
{
	xmlChar *value = xmlGetNoNsProp(n, (const xmlChar *)name);
	bool same = strcmp(value ? (const char *)value : "", text) == 0;

	xmlFree(value);
	return same;
}

const char *
import_child_text(struct import *im, const xmlNode *n, const char *name)
{
	const xmlNode *c = import_child(n, name);

	return c ? import_text(im, c) : "";
}

const char *
import_attribute(struct import *im, const xmlNode *n, const char *name)
{
	xmlChar *value = xmlGetNoNsProp(n, (const xmlChar *)name);
	const char *copy = arena_strdup(im->arena, value ? (const char *)value : "");

	xmlFree(value);
	return copy;
}

/* What tells an element from others of its name: a name in it, or the last part of its class. */
static void
name_add(struct import *im, const xmlNode *n, struct buf *out)
{
	const xmlNode *c = import_child(n, "name");
	const char *name = c ? import_text(im, c) : import_attribute(im, n, "class");
	const char *dot = c ? NULL : strrchr(name, '.');

	name = dot ? dot + 1 : name;

	if (!name[0])
		return;
	buf_addc(out, '[');
	text_escape(name, strlen(name), NAME_SHOWN, out);
	buf_addc(out, ']');
}

char *
import_path(struct import *im, const xmlNode *n)
{
	const xmlNode *way[IMPORT_DEPTH_MAX];
	CLEAN_BUF struct buf b = { 0 };
	size_t depth = 0;

	for (; n->parent && n->parent->type == XML_ELEMENT_NODE && depth < IMPORT_DEPTH_MAX;
		n = n->parent)
		way[depth++] = n;
	if (depth == 0)
		buf_adds(&b, (const char *)n->name);
	while (depth-- > 0) {
		buf_adds(&b, way[depth]->type == XML_ATTRIBUTE_NODE ? "@" : "");
		buf_adds(&b, (const char *)way[depth]->name);
		name_add(im, way[depth], &b);
		if (depth)
			buf_addc(&b, '/');
	}
	return arena_strdup(im->arena, buf_cstr(&b));
}

char *
import_title(struct import *im, const char *text)
{
	static const char good[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	char *title = arena_strndup(im->arena, text, strnlen(text, 60));

	for (char *p = title; *p; p++)
		if (!strchr(good, *p) || (p == title && *p == '.'))
			*p = '-';
	return title[0] ? title : arena_strdup(im->arena, "unnamed");
}

void
import_nothing(struct import *im, const xmlNode *n, void *ctx)
{
	(void)im;
	(void)n;
	(void)ctx;
}

void
import_walk(struct import *im, const xmlNode *in, const struct import_rule *rules, void *ctx)
{
	for (const xmlNode *n = import_child(in, NULL); n && !im->full; n = import_next(n, NULL)) {
		const struct import_rule *r = rules;

		while (r->name && !import_is(n, r->name))
			r++;
		if (r->take)
			r->take(im, n, ctx);
		else if (!r->name)
			import_unknown(im, n, NULL);
		else if (r->why)
			import_miss(im, n, r->why, r->todo);
	}
}

static bool
is_printable(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

/* Names of what is kept from sight whatever it reads as. */
static bool
is_secret_name(const char *name)
{
	static const char *const parts[] = { "pass", "pw", "secret", "token", "cred", "key" };

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (strcasestr(name, parts[i]))
			return true;
	return false;
}

static const char unknown_why[] = "not known to Lockstep";
static const char unknown_todo[] = "look it up in the tool it is from; carry over what matters";

void
import_unknown_attributes(struct import *im, const xmlNode *n)
{
	static const char *const known[] = { "class", "id", "name", "reference", "revision" };

	for (const xmlAttr *a = n->properties; a; a = a->next) {
		bool skip = false;

		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			skip |= strcmp((const char *)a->name, known[i]) == 0;
		if (!skip) /* its beginning is that of any node */
			import_miss(im, (const xmlNode *)a, unknown_why, unknown_todo);
	}
}

static void
leaf_unknown(struct import *im, const xmlNode *n, struct draft *scope)
{
	const char *text = import_text(im, n), *option = NULL;
	CLEAN_BUF struct buf todo = { 0 };

	/* Only what reads as one of these whole is shown. */
	if (!is_printable(text) || is_secret_name((const char *)n->name))
		option = NULL;
	else if (text[0] == '(' && import_filter(im, text, NULL))
		option = "filter";
	else if (import_dn(text))
		option = "base";
	if (!option) {
		import_miss(im, n, unknown_why, unknown_todo);
		return;
	}
	buf_addf(&todo, "it reads as %s: if it says who is synchronized, scope { %s = ",
		option[0] == 'f' ? "a filter" : "a DN", option);
	conf_quote(text, &todo);
	buf_adds(&todo, " }");
	import_miss(im, n, unknown_why, arena_strdup(im->arena, buf_cstr(&todo)));
	if (scope)
		draft_suggest(im, scope, option, text, n);
}

/* No deeper than IMPORT_DEPTH_MAX, which was seen to when the document was read. */
void
import_unknown(struct import *im, const xmlNode *n, struct draft *scope)
{
	const xmlNode *c = import_child(n, NULL);

	import_unknown_attributes(im, n);
	if (!c)
		leaf_unknown(im, n, scope);
	for (; c && !im->full; c = import_next(c, NULL))
		import_unknown(im, c, scope);
}
