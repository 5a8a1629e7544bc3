/* The importers as a table, and the way of a document through one: parse, make a draft, print, check. */
#include "import.h"

#include <fcntl.h>
#include <libxml/parser.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conf/conf.h"
#include "rules/rules.h"

static const struct importer {
	const char *name, *of;
	bool (*is)(const xmlNode *root);
	void (*make)(struct import *im, const xmlNode *root);
} importers[] = {
	{ "lsc", "lsc.xml of LDAP Synchronization Connector", lsc_is, lsc_import },
	{ "gcds", "XML of Google Cloud Directory Sync", gcds_is, gcds_import },
};

const char *
import_formats(struct arena *a)
{
	CLEAN_BUF struct buf b = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(importers); i++)
		buf_addf(&b, "%s%s (%s)", i ? ", " : "", importers[i].name, importers[i].of);
	return arena_strdup(a, buf_cstr(&b));
}

/* --- parsing --- */

/* In our words: those of the library may quote what stands near, and that may be a password. */
static const struct {
	int code;
	const char *text;
} faults[] = {
	{ XML_ERR_DOCUMENT_EMPTY, "there is no XML in it" },
	{ XML_ERR_DOCUMENT_END, "the document ends too early, or goes on after its end" },
	{ XML_ERR_TAG_NAME_MISMATCH, "an element is ended by the tag of another" },
	{ XML_ERR_TAG_NOT_FINISHED, "an element begins that never ends" },
	{ XML_ERR_GT_REQUIRED, "a tag has no '>'" },
	{ XML_ERR_LT_IN_ATTRIBUTE, "'<' in an attribute must be written &lt;" },
	{ XML_ERR_NAME_REQUIRED, "'<' or '&' must be written &lt; or &amp;" },
	{ XML_ERR_ENTITYREF_SEMICOL_MISSING, "'&' must be written &amp;" },
	{ XML_ERR_UNDECLARED_ENTITY, "an entity that XML does not define; '&' is written &amp;" },
	{ XML_ERR_CDATA_NOT_FINISHED, "a CDATA section begins that never ends" },
	{ XML_ERR_COMMENT_NOT_FINISHED, "a comment begins that never ends" },
	{ XML_ERR_INVALID_CHAR, "a character that XML does not allow" },
	{ XML_ERR_INVALID_ENCODING, "bytes that are not of the document's encoding" },
	{ XML_ERR_UNSUPPORTED_ENCODING, "an encoding that is not known" },
	{ XML_ERR_NAME_TOO_LONG, "a name that is too long" },
};

/* The first thing that was wrong; what follows from it says less. */
struct fault {
	xmlParserCtxtPtr parser;
	const char *text;
	int line;
};

static void
fault_set(struct fault *f, const char *text, int line)
{
	if (f->text)
		return;
	f->text = text;
	f->line = line > 0 ? line : f->parser->input ? f->parser->input->line : 1;
}

static void
fault_seen(void *ctx, xmlErrorPtr error)
{
	const char *text = "not well-formed XML";
	xmlParserCtxtPtr x = ctx;

	if (error->level < XML_ERR_ERROR)
		return;
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		if (faults[i].code == error->code)
			text = faults[i].text;
	fault_set(x->_private, text, error->line);
}

/* Of decoders, which know no parser: by themselves they print the bytes, and the parser takes it for the end. */
static void
fault_of_decoder(void *ctx, xmlErrorPtr error)
{
	if (error->level >= XML_ERR_ERROR)
		fault_set(ctx, "bytes that are not of the document's encoding", 0);
}

/* A DTD is where entities come from, and no configuration needs one: parsing stops before it is read. */
static void
dtd_seen(void *ctx, const xmlChar *name, const xmlChar *id, const xmlChar *system)
{
	xmlParserCtxtPtr x = ctx;

	(void)name;
	(void)id;
	(void)system;
	fault_set(x->_private, "a DOCTYPE stands here, which is not read: take it out", 0);
	xmlStopParser(x);
}

static xmlDoc *
xml_parse(struct str xml, const char *file, struct err *e)
{
	const int options =
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_BIG_LINES;
	xmlParserCtxtPtr x = xmlNewParserCtxt();
	struct fault fault = { .parser = x };
	xmlDoc *doc;

	if (!x) {
		err_set(e, ERR_CONFIG, "bad-xml", "%s: no memory to read it", file);
		return NULL;
	}
	xmlSetStructuredErrorFunc(&fault, fault_of_decoder);
	x->_private = &fault;
	x->sax->internalSubset = dtd_seen;
	x->sax->serror = fault_seen;
	doc = xmlCtxtReadMemory(x, xml.p ? xml.p : "", (int)xml.n, NULL, NULL, options);
	if (fault.text || !doc || !x->wellFormed) {
		err_set(e, ERR_CONFIG, "bad-xml", "%s:%d: %s", file, fault.line ? fault.line : 1,
			fault.text ? fault.text : "not well-formed XML");
		xmlFreeDoc(doc);
		doc = NULL;
	}
	xmlFreeParserCtxt(x);
	xmlSetStructuredErrorFunc(NULL, NULL);
	return doc;
}

/* What all that follows relies on. */
static bool
tree_check(const xmlNode *n, int depth, int *count, const char *file, struct err *e)
{
	if (++*count > IMPORT_ELEMENTS_MAX)
		return err_set(e, ERR_CONFIG, "too-large",
			"%s:%ld: more than %d elements; is this one configuration?", file,
			xmlGetLineNo(n), IMPORT_ELEMENTS_MAX);
	if (depth > IMPORT_DEPTH_MAX)
		return err_set(e, ERR_CONFIG, "bad-xml",
			"%s:%ld: more than %d elements in each other", file, xmlGetLineNo(n),
			IMPORT_DEPTH_MAX);
	if (strlen((const char *)n->name) > IMPORT_NAME_MAX)
		return err_set(e, ERR_CONFIG, "bad-xml",
			"%s:%ld: the name of an element is longer than %d", file, xmlGetLineNo(n),
			IMPORT_NAME_MAX);
	for (const xmlNode *c = import_child(n, NULL); c; c = import_next(c, NULL))
		if (!tree_check(c, depth + 1, count, file, e))
			return false;
	return true;
}

/* --- the whole way --- */

/* What was made must be a configuration. If it is not, that is our mistake, and nobody shall find it later. */
static bool
draft_check(struct str text, const char *file, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_FD int fd = memfd_create("lockstep.conf", MFD_CLOEXEC);
	char path[64];
	struct names names = { .arena = a };
	struct conf *c = NULL;
	bool ok;

	if (fd < 0 || write(fd, text.p, text.n) != (ssize_t)text.n)
		return err_errno(e, ERR_CONFIG, "no memory for the configuration");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ok = conf_load(path, &c, e);
	for (size_t i = 0; ok && i < c->sync_count; i++)
		ok = rules_attributes(&c->syncs[i], &names, e);
	conf_free(&c);
	if (!ok)
		err_wrap(e, "what was made of %s is no configuration, please report it", file);
	return ok;
}

static const struct importer *
importer_of(const xmlNode *root)
{
	for (size_t i = 0; i < ARRAY_LEN(importers); i++)
		if (importers[i].is(root))
			return &importers[i];
	return NULL;
}

static bool
import_make(struct import *im, const xmlNode *root, struct buf *out, struct err *e)
{
	const struct importer *by = importer_of(root);

	if (!by)
		return err_set(e, ERR_CONFIG, "unknown-format",
			"%s:%ld: not a configuration that can be imported; these can: %s", im->file,
			xmlGetLineNo(root), import_formats(im->arena));
	im->format = by->name;
	im->draft = arena_alloc(im->arena, sizeof(*im->draft));
	draft_option(im, im->draft, "state", "/var/lib/lockstep", NULL,
		"Lockstep's own data; any folder");
	by->make(im, root);
	import_complete(im);
	if (im->full)
		return err_set(e, ERR_CONFIG, "too-large",
			"%s: more than %d connections and tasks, or %d things to say of it; is "
			"this "
			"one configuration?",
			im->file, IMPORT_SECTIONS_MAX, IMPORT_NOTES_MAX);
	draft_print(im, out);
	return draft_check(buf_str(out), im->file, e);
}

bool
import_read(struct str xml, const char *file, struct arena *a, struct import *im_r, struct buf *out,
	struct err *e)
{
	xmlDoc *doc;
	const xmlNode *root;
	int count = 0;
	bool ok;

	*im_r = (struct import){ .arena = a, .file = arena_strdup(a, file) };
	if (xml.n > IMPORT_SIZE_MAX)
		return err_set(e, ERR_CONFIG, "too-large", "%s is larger than %zu bytes", file,
			IMPORT_SIZE_MAX);
	doc = xml_parse(xml, file, e);
	if (!doc)
		return false;
	root = xmlDocGetRootElement(doc);
	ok = tree_check(root, 1, &count, file, e) && import_make(im_r, root, out, e);
	xmlFreeDoc(doc);
	return ok;
}
