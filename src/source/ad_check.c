/* `lockstep check`: what a person should know before the first read, each with its remedy. */
#include "ad.h"

#include <stdlib.h>
#include <string.h>

#define SKEW_WARN 300 /* seconds; Kerberos' limit, too */

/* --- each server --- */

static void
clock_check(struct ad *ad, const char *url)
{
	int64_t skew = ad->now - ad->d.clock->now(ad->d.clock->ctx);
	long long by = llabs((long long)skew);
	if (by > SKEW_WARN)
		dir_finding(&ad->d, "warn", "clock",
			"set both clocks by the same time servers (chrony, w32tm); expiry follows "
			"the directory's clock",
			"%s: its clock is %lld seconds %s ours", url, by,
			skew > 0 ? "ahead of" : "behind");
	else
		dir_finding(
			&ad->d, "ok", "clock", NULL, "%s: within %lld seconds of ours", url, by);
}

/* true: this server can be used. */
static bool
server_check(struct ad *ad, const char *url)
{
	const char *level = ad->d.options.server_count > 1 ? "warn" : "fail";
	struct dir_cert c;
	struct err e;
	if (!dir_cert_look(&ad->d, url, CERT_WAIT, &c, &e)) {
		dir_finding(&ad->d, level, "server", NULL, "%s: %s", url, e.text);
		return false;
	}
	dir_finding(&ad->d, "ok", "server", NULL, "%s: it can be reached", url);
	dir_certificate_check(&ad->d, url, &c);
	if (!ad_connect(ad, url, &e)) {
		if (strcmp(e.code, "certificate") != 0)
			dir_finding(&ad->d, e.kind == ERR_CONFIG ? "fail" : level,
				ad_account_topic(e.code), NULL, "%s", e.text);
		return false;
	}
	dir_finding(&ad->d, "ok", "bind", NULL,
		ad->keytab ? "%s: bound as %s, by Kerberos" : "%s: bound as %s", url, ad->d.bound);
	if (!ad_arrive(ad, &e)) {
		/* where there are several contexts, each has servers of its own */
		if (!ad->forest || strcmp(e.code, "other-domain") != 0)
			dir_finding(&ad->d, "fail", "server", NULL, "%s", e.text);
		return false;
	}
	clock_check(ad, url);
	return true;
}

/* All of them, then back to the first that can be used. */
static bool
servers_check(struct ad *ad)
{
	CLEAN_FREE char *first_context = NULL;
	const char *first = NULL;
	struct err e;
	for (size_t i = 0; i < ad->d.options.server_count && !*ad->d.stop; i++) {
		const char *url = ad->d.options.servers[i];
		serve_progress(ad->d.serve, (int64_t)i, (int64_t)ad->d.options.server_count,
			"trying servers");
		if (!server_check(ad, url))
			continue;
		if (!first) {
			first = url;
			first_context = xstrdup(ad->context);
		} else if (strcmp(first_context, ad->context) != 0) {
			dir_finding(&ad->d, "fail", "server",
				"name the controllers of one domain only",
				"%s is of another domain than %s", url, first);
		}
	}
	if (!first) {
		dir_finding(&ad->d, "fail", "server",
			"mend what is said above; without a server nothing is read",
			"no server can be used");
		return false;
	}
	if (strcmp(ad->d.server, first) == 0 && ad->d.ld)
		return true;
	if (ad_connect(ad, first, &e) && ad_arrive(ad, &e))
		return true;
	dir_finding(&ad->d, "fail", "server", NULL, "%s", e.text);
	return false;
}

/* --- what can be read --- */

/* What a way of following changes loses, said once, beside what is found (I7). */
#define LOST                                                                                       \
	"entries that move or are hidden out of its sight, or come into it, are noticed by a "     \
	"full "                                                                                    \
	"read only (option `full_every` of the source, a day unless said; `lockstep status` says " \
	"when the next is due)"

static void
dirsync_check(struct ad *ad)
{
	static const char remedy[] =
		"grant \"Replicating Directory Changes\" (not \"... All\") on the domain; "
		"`lockstep check --print-setup` prints the commands";
	bool forced = ad->changes == AD_CHANGES_DIRSYNC;
	struct err e;
	int code = 0;
	if (!ad->d.ld) {
		dir_finding(&ad->d, "fail", "dirsync", NULL, "the connection to %s was lost",
			ad->d.server);
		return;
	}
	ad->by_usn = ad->changes == AD_CHANGES_USN;
	if (ad->by_usn) {
		dir_finding(&ad->d, "info", "dirsync", "leave the option `changes` out",
			"changes are followed by uSNChanged (option `changes`); " LOST);
		return;
	}
	if (ad_dirsync_try(ad, &code, &e)) {
		dir_finding(&ad->d, "ok", "dirsync", NULL, "the account may ask for changes of %s",
			ad->nc);
		return;
	}
	ad->by_usn = ad_dirsync_refused(code) && !forced;
	if (ad->by_usn)
		dir_finding(&ad->d, "warn", "dirsync", remedy,
			"the account may not use DirSync on %s: changes are followed by "
			"uSNChanged; " LOST,
			ad->nc);
	else if (ad_dirsync_refused(code))
		dir_finding(&ad->d, "fail", "dirsync", remedy,
			"the account may not use DirSync on %s, so nothing can be read", ad->nc);
	else
		dir_finding(&ad->d, "fail", "dirsync", NULL, "%s", e.text);
}

static void
deleted_check(struct ad *ad)
{
	if (ad->sees_deleted)
		dir_finding(&ad->d, "ok", "deleted-objects", NULL,
			"deletions are seen when they happen");
	else
		dir_finding(&ad->d, "warn", "deleted-objects",
			"let the account list and read CN=Deleted Objects; `lockstep check "
			"--print-setup` prints the commands",
			"the account cannot see deleted objects: a deletion is noticed by full "
			"reads alone (option `full_every` of the source), and confirmed by a "
			"second one (`missing_after`)");
}

static void
schema_check(struct ad *ad)
{
	const char *const *classes = serve_classes(ad->d.serve), *const *attributes =
									 serve_attributes(
										 ad->d.serve);
	struct err e;
	if (!attributes[0])
		return;
	if (!ad_schema_read(ad, classes, attributes, &e)) {
		dir_finding(&ad->d, "fail", "schema", "correct the name in the configuration", "%s",
			e.text);
		return;
	}
	dir_finding(&ad->d, "ok", "schema", NULL, "all %zu attributes that are read are known",
		ad->attr_count);
}

static bool
base_check(struct ad *ad, const char *base)
{
	static const char *const names[] = { "objectClass", NULL };
	CLEAN_ARENA struct arena *a = arena_new();
	struct dir_values v;
	struct err e;
	if (!dir_read_one(&ad->d, base, names, NULL, "reading a base", a, &v, &e)) {
		dir_finding(&ad->d, "fail", "base", NULL, "%s: %s", base, e.text);
		return false;
	}
	if (!v.found || !attrs_get(&v.attrs, "objectClass")) {
		dir_finding(&ad->d, "fail", "base",
			"check its spelling, and that the account may read it",
			"%s does not exist, or the account may not see it", base);
		return false;
	}
	dir_finding(&ad->d, "ok", "base", NULL, "%s is there", base);
	return true;
}

/* Of several contexts, the one that a base lies in looks at it. */
static bool
is_here(struct ad *ad, const char *base)
{
	CLEAN_ARENA struct arena *a = arena_new();
	const char *nc = ad->forest ? ad_context_of(ad, base, a, NULL) : NULL;
	return !nc || ascii_ieq(nc, ad->nc);
}

/* Those of the configuration's bases that are there, each once; the naming context when none is. */
static const char **
bases_check(struct ad *ad, const char *const *bases, size_t count, struct arena *a)
{
	const struct dir_options *o = &ad->d.options;
	const char **good = arena_alloc(a, (o->base_count + count + 2) * sizeof(*good));
	size_t n = 0;
	for (size_t i = 0; i < o->base_count + count; i++) {
		const char *base = i < o->base_count ? o->bases[i] : bases[i - o->base_count];
		bool again = false;
		for (size_t k = 0; k < i && !again; k++)
			again = ascii_ieq(
				base, k < o->base_count ? o->bases[k] : bases[k - o->base_count]);
		if (!again && is_here(ad, base) && base_check(ad, base))
			good[n++] = base;
	}
	if (n == 0)
		good[0] = ad->nc;
	return good;
}

static void
context_check(struct ad *ad, const char *const *bases, size_t count)
{
	CLEAN_ARENA struct arena *a = arena_new();
	if (ad->forest)
		dir_finding(&ad->d, "info", "context", NULL, "of %s:", ad->nc);
	if (!servers_check(ad))
		return;
	const char **good = bases_check(ad, bases, count, a);
	schema_check(ad);
	dirsync_check(ad);
	deleted_check(ad);
	ad_rights_check(ad, good);
	ad_same_check(ad, good);
}

bool
ad_check(struct dir *d, const char *const *bases, size_t count, struct err *e)
{
	struct ad *first = ad_of(d);
	struct err unused;
	/* what cannot be opened is found again, and said, context by context */
	if (!first->split)
		ad_forest_open(first, &unused);
	for (struct ad *p = first; p; p = p->next)
		context_check(p, bases, count);
	serve_lock_finding(first->d.serve);
	return serve_end(first->d.serve, NULL, true, NULL, NULL, e);
}
