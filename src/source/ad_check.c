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
server_check(struct dir *d, const char *url)
{
	struct ad *ad = ad_of(d);
	struct err e;
	if (!dir_reach_check(d, url))
		return false;
	if (!ad_connect(ad, url, &e)) {
		if (strcmp(e.code, "certificate") != 0)
			dir_finding(d, e.kind == ERR_CONFIG ? "fail" : dir_server_level(d),
				ad_account_topic(e.code), NULL, "%s", e.text);
		return false;
	}
	dir_finding(d, "ok", "bind", NULL,
		ad->keytab ? "%s: bound as %s, by Kerberos" : "%s: bound as %s", url, d->bound);
	if (!ad_arrive(ad, &e)) {
		/* where there are several contexts, each has servers of its own */
		if (!ad->forest || strcmp(e.code, "other-domain") != 0)
			dir_finding(d, "fail", "server", NULL, "%s", e.text);
		return false;
	}
	clock_check(ad, url);
	return true;
}

static bool
server_use(struct dir *d, const char *url, struct err *e)
{
	return ad_connect(ad_of(d), url, e) && ad_arrive(ad_of(d), e);
}

static const struct dir_servers servers = { server_check, server_use, "is of another domain than",
	"name the controllers of one domain only" };

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
		if (!again && is_here(ad, base) && dir_base_check(&ad->d, base))
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
	if (!dir_servers_check(&ad->d, &servers))
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
