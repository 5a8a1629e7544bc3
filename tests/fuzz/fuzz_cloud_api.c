/*
 * The hosted side from a request to its answer, over a real database: lines of "METHOD PATH", then "name=value" for the
 * query, an empty line, the body. Several requests are parted by a line "----". Whatever comes, there is one answer
 * with a status, and a body that is JSON, or none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "api.h"
#include "store_sqlite.h"

static struct cloud the_cloud;
static int64_t tenants[2];
static char path[64];

static void
gone(void)
{
	unlink(path);
}

static void
need(bool ok, const struct err *e)
{
	if (ok)
		return;
	fprintf(stderr, "%s\n", e->text);
	abort();
}

static void
open_once(void)
{
	struct err e = { 0 };

	if (the_cloud.store)
		return;
	snprintf(path, sizeof(path), "%s/lockstep-fuzz-%d.db",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
	atexit(gone);
	need(store_sqlite_open(path, true, &the_cloud.store, &e), &e);
	the_cloud.db = the_cloud.store->ops;
	the_cloud.clock = &clock_system;
	need(the_cloud.db->secret(the_cloud.store, the_cloud.key, &e), &e);
	for (int i = 0; i < 2; i++) {
		const char *name = i ? "two" : "one";
		struct store_token found;
		char hash[65];

		sha256_hex(name, strlen(name), hash);
		need(the_cloud.db->tenant_add(the_cloud.store, name, hash, 0, &e), &e);
		need(the_cloud.db->token_find(the_cloud.store, hash, &found, &e), &e);
		tenants[i] = found.tenant;
	}
}

static const char *
query_value(const char *lines, const char *end, const char *name, struct arena *a)
{
	size_t n = strlen(name);

	for (const char *p = lines; p < end;) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		const char *stop = lf ? lf : end;

		if ((size_t)(stop - p) > n && strncmp(p, name, n) == 0 && p[n] == '=')
			return arena_strndup(a, p + n + 1, (size_t)(stop - p) - n - 1);
		p = lf ? lf + 1 : end;
	}
	return NULL;
}

/* The answer is whole, and what it says is JSON. */
static void
look(struct request *rq)
{
	CLEAN_BUF struct buf body = { 0 };
	CLEAN_JSON struct json *j = NULL;
	struct err e = { 0 };

	if (rq->reply.status < 200 || rq->reply.status > 599)
		abort();
	buf_add(&body, rq->reply.out.text.p, rq->reply.out.text.n);
	if (body.n && !rq->reply.out.n_holes && !json_parse(buf_str(&body), 64 << 20, &j, &e)) {
		fprintf(stderr, "%d %s\n", rq->reply.status, e.text);
		abort();
	}
}

static void
ask(const char *text, size_t n, int64_t tenant)
{
	CLEAN_ARENA struct arena *a = arena_new();
	char *copy = arena_strndup(a, text, n), *body = strstr(copy, "\n\n");
	char *line = strchr(copy, '\n'), *end = body ? body : copy + n, *space;
	struct request rq = { .a = a, .tenant = tenant, .base = "http://x/scim/v2" };
	const char *start, *count;
	struct err e = { 0 };

	if (!line || strlen(copy) != n || !utf8_valid(copy, n))
		return; /* HTTP takes no NUL this far, and JSON nothing that is not UTF-8: others' fuzzing */
	*line++ = '\0';
	space = strchr(copy, ' ');
	rq.method = copy;
	rq.path = space ? space + 1 : "/Users";
	if (space)
		*space = '\0';
	if (line > end)
		end = line;
	rq.q = (struct query){ .start = 1, .count = -1 };
	rq.q.filter = query_value(line, end, "filter", a);
	rq.q.attributes = query_value(line, end, "attributes", a);
	rq.q.excluded = query_value(line, end, "excludedAttributes", a);
	rq.q.cursor = query_value(line, end, "cursor", a);
	rq.q.sort_by = query_value(line, end, "sortBy", a);
	rq.q.sort_order = query_value(line, end, "sortOrder", a);
	start = query_value(line, end, "startIndex", a);
	count = query_value(line, end, "count", a);
	rq.q.count_given = count;
	if (!api_number("startIndex", start, &rq.q.start, &e) ||
		!api_number("count", count, &rq.q.count, &e))
		return;
	rq.body = body ? str_c(body + 2) : (struct str){ 0 };
	api_handle(&the_cloud, &rq);
	while (rq.job && !api_step(&the_cloud, &rq))
		;
	look(&rq);
	job_free(rq.job);
	need(cloud_end(&the_cloud, &e), &e);
	out_free(&rq.reply.out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data, *end = p + n;
	int i = 0;

	open_once();
	while (p < end && i < 20) {
		const char *next = memmem(p, (size_t)(end - p), "\n----\n", 6);

		ask(p, (size_t)((next ? next : end) - p), tenants[i++ / 10]);
		p = next ? next + 6 : end;
	}
	return 0;
}
