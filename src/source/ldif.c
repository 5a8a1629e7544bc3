/*
 * lockstep-source-ldif(8): a directory out of files (RFC 2849). A full read is the last content file
 * and all files after it, applied in order; a delta is the files after the cursor's. Both go through
 * the same code, record by record: the mirror does the applying, so no state is kept here.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "ldif_files.h"
#include "ldif_schema.h"
#include "ldif_send.h"
#include "ldif_watch.h"
#include "model/dn.h"

static const struct option options[] = {
	{ "file", OPT_PATH, true, NULL,
		"An LDIF file, or a folder of them: content, then changes, in order of names." },
	{ "base", OPT_LIST, false, NULL,
		"Naming contexts; default: the domain of the first entry." },
	{ "id", OPT_STRING, false, NULL,
		"Attribute of identity; default: objectGUID, else entryUUID, else nsUniqueId." },
	{ "now", OPT_STRING, false, NULL,
		"The time the files are as of (RFC 3339); default: the clock." },
};

struct source {
	struct serve *s;
	const char *path;
	const char *const *ids;
	const char *ids_given[2];
};

static const char *const default_ids[] = { "objectGUID", "entryUUID", "nsUniqueId", NULL };

/* --- hello --- */

static bool
source_time(const struct source *so, int64_t *now_r, struct err *e)
{
	const char *now = serve_option(so->s, "now");

	*now_r = clock_system.now(clock_system.ctx);
	if (now && !time_parse_rfc3339(now, now_r))
		return err_set(e, ERR_CONFIG, "bad-option",
			"option \"now\" is not a time like 2026-11-21T17:00:00Z");
	return true;
}

/* The naming context: what the last DC= parts of a DN say, else its last part. */
static const char *
context_of(const struct dn *dn, struct arena *a)
{
	size_t from = dn->count;
	struct dn tail;

	while (from > 0 && strncmp(dn->key[from - 1], "dc=", 3) == 0)
		from--;
	if (from == dn->count && from > 0)
		from--;
	tail = (struct dn){ dn->count - from, dn->rdn + from, dn->key + from };
	return dn_key(&tail, a);
}

static bool
first_context(const struct source *so, struct arena *a, const char **context_r, struct err *e)
{
	const struct ldif_record *r;
	struct ldif_files files;
	struct ldif *l;
	struct dn dn = { 0 };
	int got;

	if (!ldif_files_list(so->path, a, &files, e))
		return false;
	CLEAN_FD int fd = ldif_file_open(&files.list[files.content], e);
	if (fd < 0)
		return false;
	l = ldif_open(fd, files.list[files.content].name);
	got = ldif_next(l, &r, e);
	if (got == 0)
		err_set(e, ERR_CONFIG, "empty-file", "%s holds no entry",
			files.list[files.content].path);
	if (got == 1 && (!r->dn || !dn_parse(r->dn, a, &dn, NULL)))
		got = err_set(e, ERR_SIDE, "bad-ldif", "%s: the first record has no readable DN",
			files.list[files.content].path);
	if (got == 1)
		*context_r = context_of(&dn, a);
	ldif_close(&l);
	return got == 1;
}

static bool
context_name(const struct source *so, struct arena *a, const char **context_r, struct err *e)
{
	const char *base = serve_option(so->s, "base");
	struct dn dn;

	if (!base)
		return first_context(so, a, context_r, e);
	if (!dn_parse(base, a, &dn, e)) {
		if (e)
			err_set(e, ERR_CONFIG, "bad-option", "option \"base\": %s", e->text);
		return false;
	}
	*context_r = dn_key(&dn, a);
	return true;
}

static void
write_attribute(struct jsonw *w, const char *name)
{
	const struct ldif_attribute *at = ldif_attribute_find(name, strlen(name));

	jsonw_obj(w, name);
	jsonw_str(w, "syntax", at ? at->syntax : "string");
	jsonw_bool(w, "multi", at ? at->multi : true);
	jsonw_end(w);
}

static void
write_schema(const struct source *so, struct jsonw *w)
{
	const char *const *asked = serve_attributes(so->s);
	const struct ldif_attribute *all;
	size_t count;

	jsonw_obj(w, "schema");
	for (const char *const *p = asked; *p; p++)
		write_attribute(w, *p);
	all = ldif_attributes(&count);
	for (size_t i = 0; !*asked && i < count; i++)
		write_attribute(w, all[i].name);
	jsonw_end(w);
}

static bool
attribute_names(const char *const *names, struct err *e)
{
	for (; *names; names++)
		if (!**names || strspn(*names, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXY"
					       "Z0123456789-.;_=") != strlen(*names))
			return err_set(e, ERR_CONFIG, "bad-attribute",
				"\"%.100s\" is no attribute's name", *names);
	return true;
}

static bool
greet(struct source *so, struct err *e)
{
	static const char *const capabilities[] = { "whole", "deltas-complete", "sees-deletes",
		"watch" };
	CLEAN_ARENA struct arena *a = arena_new();
	const char *context;
	char time[24];
	struct jsonw *w;
	int64_t now;

	if (!serve_hello(so->s, e))
		return false;
	so->path = serve_option(so->s, "file");
	so->ids_given[0] = serve_option(so->s, "id");
	so->ids = so->ids_given[0] ? so->ids_given : default_ids;
	if (!source_time(so, &now, e) || !attribute_names(serve_attributes(so->s), e) ||
		!context_name(so, a, &context, e))
		return false;
	time_format(now, time);
	w = serve_line(so->s, "hello");
	jsonw_str(w, "context", context);
	jsonw_str(w, "server", so->path);
	jsonw_str(w, "invocation", so->path);
	jsonw_str(w, "bind", "");
	jsonw_str(w, "now", time);
	jsonw_arr(w, "capabilities");
	for (size_t i = 0; i < ARRAY_LEN(capabilities); i++)
		jsonw_str(w, NULL, capabilities[i]);
	jsonw_end(w);
	write_schema(so, w);
	return serve_send(so->s, e) && serve_flush(so->s, e);
}

/* --- read --- */

static const char *const *
names_of(const struct json *list, struct arena *a)
{
	const char **names = arena_alloc(a, (json_count(list) + 1) * sizeof(*names));
	size_t n = 0;

	json_for_each(it, list)
		if (json_string(it))
			names[n++] = arena_strdup(a, json_string(it));
	return names;
}

static bool
read_file(struct ldif_send *x, const struct ldif_file *f, bool content, struct err *e)
{
	CLEAN_FD int fd = ldif_file_open(f, e);
	const struct ldif_record *r;
	struct ldif *l;
	bool ok = true;
	int got = 1;

	if (fd < 0)
		return false;
	l = ldif_open(fd, f->name);
	x->file = f->name;
	while (ok && (got = ldif_next(l, &r, e)) == 1) {
		if (!content && r->change == LDIF_CONTENT && r->dn && !r->why)
			ok = err_set(e, ERR_SIDE, "bad-ldif",
				"%s:%zu: an entry without changetype in a file of changes", f->name,
				r->line);
		else
			ok = ldif_send_record(x, r, e);
	}
	ldif_close(&l);
	if (!ok || got < 0)
		return false;
	if (!ldif_file_same(f, fd))
		return err_set(
			e, ERR_RETRY, "file-changed", "%s was written while it was read", f->path);
	return true;
}

/* Where a cursor says that the files go on: the index after its last one. false: not from there. */
static bool
cursor_find(const struct ldif_files *f, const char *cursor, size_t *next_r, struct err *e)
{
	static const char prefix[] = "ldif1:";
	const char *last;
	char digest[65];

	if (strncmp(cursor, prefix, 6) == 0 && strlen(cursor) > 71 && cursor[70] == ':') {
		last = cursor + 71;
		for (size_t i = f->content; i < f->count; i++) {
			if (strcmp(f->list[i].name, last) != 0)
				continue;
			if (!ldif_files_digest(f, i, digest, e))
				return false;
			if (strncmp(cursor + 6, digest, 64) != 0)
				break;
			*next_r = i + 1;
			return true;
		}
	}
	return err_set(e, ERR_RETRY, "cursor-invalid",
		"the files read so far are not those that are there now; a full read is needed");
}

static bool
read_files(struct ldif_send *x, const struct ldif_files *f, const char *cursor, struct err *e)
{
	size_t at = f->content;

	if (cursor && !cursor_find(f, cursor, &at, e))
		return false;
	for (; at < f->count; at++)
		if (!read_file(x, &f->list[at], at == f->content, e))
			return false;
	if (cursor)
		return true;
	/* No directory is empty: rather than everybody having left, the export went wrong. */
	if (x->entries == 0)
		return err_set(e, ERR_SIDE, "empty-file",
			"%s holds no entry of the classes asked for", f->list[f->content].path);
	if (x->entries == x->nameless)
		return err_set(e, ERR_CONFIG, "no-identity",
			"no entry in %s has an attribute of identity (%s%s); export it, or name "
			"another one "
			"with option \"id\"",
			f->list[f->content].path, x->ids[0], x->ids[1] ? ", ..." : "");
	return true;
}

static bool
serve_read(const struct source *so, const struct json *request, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_ARENA struct arena *record = arena_new();
	const char *cursor = json_get_string(request, "cursor");
	struct ldif_send x = {
		.s = so->s,
		.arena = record,
		.classes = names_of(json_get(request, "classes"), a),
		.attributes = names_of(json_get(request, "attributes"), a),
		.ids = so->ids,
	};
	struct ldif_files files;
	struct err why = { 0 };
	char digest[65];
	bool ok;

	x.known = map_new();
	x.known_arena = a;
	ok = attribute_names(x.attributes, &why) && ldif_files_list(so->path, a, &files, &why) &&
	     read_files(&x, &files, cursor, &why) &&
	     ldif_files_digest(&files, files.count - 1, digest, &why);
	map_free(x.known, NULL);
	if (!ok)
		return serve_end(so->s, NULL, false, why.text, &why, e);
	return serve_end(so->s,
		arena_printf(a, "ldif1:%s:%s", digest, files.list[files.count - 1].name), true,
		NULL, NULL, e);
}

/* --- check, setup --- */

struct examined {
	int64_t records, bad, nameless;
	char first_bad[256], first_nameless[256];
};

static bool
has_identity(const struct source *so, const struct ldif_record *r)
{
	for (size_t i = 0; i < r->count; i++)
		for (const char *const *p = so->ids; *p; p++)
			if (ascii_ieq(r->lines[i].name, *p))
				return true;
	return false;
}

/* To its end: an export that was cut is found here, not in the night. */
static bool
examine(const struct source *so, const struct ldif_file *f, bool content, struct examined *x,
	struct err *e)
{
	CLEAN_FD int fd = ldif_file_open(f, e);
	const struct ldif_record *r;
	struct ldif *l;
	int got;

	if (fd < 0)
		return false;
	l = ldif_open(fd, f->name);
	while ((got = ldif_next(l, &r, e)) == 1) {
		x->records++;
		if (r->why && !x->bad++)
			snprintf(x->first_bad, sizeof(x->first_bad), "%s: %s", f->name, r->why);
		if (content && !r->why && !has_identity(so, r) && !x->nameless++)
			snprintf(x->first_nameless, sizeof(x->first_nameless), "%s", r->dn);
	}
	ldif_close(&l);
	return got == 0;
}

static void
check_content(const struct source *so, const struct ldif_files *files, struct arena *a)
{
	struct examined x = { 0 };
	struct err why = { 0 };

	for (size_t i = files->content; i < files->count; i++)
		if (!examine(so, &files->list[i], i == files->content, &x, &why)) {
			serve_finding(so->s, "fail", "content", why.text,
				"Write the file anew under another name, and rename it when it is "
				"whole.");
			return;
		}
	if (!x.records)
		serve_finding(so->s, "fail", "content", "no entry", "Write the file anew.");
	else if (x.bad)
		serve_finding(so->s, "warn", "content",
			arena_printf(a,
				"%" PRId64 " of %" PRId64 " records cannot be used, the first: %s",
				x.bad, x.records, x.first_bad),
			"They are left as they are at the target; write the file anew.");
	else
		serve_finding(so->s, "ok", "content",
			arena_printf(a, "%" PRId64 " records", x.records), NULL);
	if (x.nameless)
		serve_finding(so->s, "warn", "identity",
			arena_printf(a,
				"%" PRId64
				" entries have none of the attributes of identity, the first: %s",
				x.nameless, x.first_nameless),
			"Export objectGUID (entryUUID, nsUniqueId), or name another one with "
			"option id.");
	else if (x.records)
		serve_finding(so->s, "ok", "identity", "every entry has an identity", NULL);
}

static bool
serve_check(const struct source *so, const struct json *request, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct ldif_files f;
	struct err why = { 0 };

	(void)request;
	if (!ldif_files_list(so->path, a, &f, &why)) {
		serve_finding(so->s, "fail", "file", why.text,
			"Make the file or folder readable to the agent.");
	} else {
		serve_finding(so->s, "ok", "file",
			arena_printf(a, "%s: content in %s, %zu files after it", so->path,
				f.list[f.content].name, f.count - f.content - 1),
			NULL);
		check_content(so, &f, a);
	}
	return serve_end(so->s, NULL, true, NULL, NULL, e);
}

static bool
serve_setup(const struct source *so, const struct json *request, struct err *e)
{
	static const char text[] =
		"# OpenLDAP, 389 Directory Server (every attribute, operational ones too):\n"
		"ldapsearch -x -LLL -o ldif-wrap=no -E pr=1000/noprompt -H ldaps://HOST -D BIND -W "
		"-b BASE "
		"'(objectClass=*)' '*' '+' > new.tmp && mv new.tmp /PATH/directory.ldif\n"
		"# Active Directory, on a domain controller (then copy the file, and rename it "
		"last):\n"
		"ldifde -f directory.ldif -d BASE\n"
		"# A group of which only a range of members was exported is named at each read.\n";
	struct jsonw *w = serve_line(so->s, "text");

	(void)request;
	jsonw_str(w, "text", text);
	return serve_send(so->s, e) && serve_end(so->s, NULL, true, NULL, NULL, e);
}

static bool
serve_watch(const struct source *so, const struct json *request, struct err *e)
{
	(void)request;
	return ldif_watch(so->s, so->path, e);
}

static bool
answer(const struct source *so, const struct json *request, struct err *e)
{
	static const struct {
		const char *type;
		bool (*serve)(const struct source *so, const struct json *request, struct err *e);
	} requests[] = { { "read", serve_read }, { "check", serve_check }, { "setup", serve_setup },
		{ "watch", serve_watch } };
	const char *type = json_get_string(request, "type");

	for (size_t i = 0; i < ARRAY_LEN(requests); i++)
		if (strcmp(type, requests[i].type) == 0)
			return requests[i].serve(so, request, e);
	return err_set(e, ERR_SIDE, "bad-message",
		"a source of type ldif has no answer to \"%.60s\"", type);
}

int
main(int argc, char **argv)
{
	struct source so = { .s = serve_new("ldif", "source", options, ARRAY_LEN(options)) };
	const struct json *request;
	struct err e = { 0 };
	int code;

	log_init("lockstep-source-ldif", true, LOG_INFO);
	if (serve_arguments(so.s, argc, argv, &code)) {
		bool ok = greet(&so, &e);

		while (ok && serve_next(so.s, -1, &request, &e) == 1)
			ok = answer(&so, request, &e);
		if (e.kind != ERR_NONE) {
			log_err(LOG_ERROR, "stopped", &e);
			serve_error(so.s, &e);
			code = 1;
		}
	}
	serve_free(so.s);
	return code;
}
