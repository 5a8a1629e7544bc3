/* The two sides of a run: state files with their locks, connectors with their greetings, rules. */
#include "run_p.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

char *
sync_source_path(const struct conf *c, const char *name, struct arena *a)
{
	return arena_printf(a, "%s/source-%s.db", c->state, name);
}

char *
sync_target_path(const struct conf *c, const char *name, struct arena *a)
{
	return arena_printf(a, "%s/target-%s.db", c->state, name);
}

bool
sync_lock(const char *db_path, int *fd_r, struct err *e)
{
	CLEAN_FREE char *path = xasprintf("%s.lock", db_path);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_set(e, ERR_CONFIG, "state-access",
			"cannot open %s: %s; the state's folder must be writable for this user: "
			"see whose it is, and whether its disk is full or has become read only",
			path, strerror(errno));
	file_give(fd, path);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		close(fd);
		return err_set(e, ERR_RETRY, "locked",
			"another run works on %s; wait for its end (lockstep status shows it)",
			db_path);
	}
	*fd_r = fd;
	return true;
}

/* --- sources --- */

/* Kinds' classes, and the containers that bases and moves need. */
const char *const *
source_classes(void)
{
	static const char *const classes[] = { "user", "inetOrgPerson", "group", "groupOfNames",
		"groupOfUniqueNames", "posixGroup", "organizationalUnit", "container", "domain",
		"domainDNS", "builtinDomain", "organization", "country", "locality", NULL };

	return classes;
}

static int
name_order(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

static bool
source_request(struct run *r, struct source_run *s, struct err *e)
{
	CLEAN_BUF struct buf text = { 0 };
	const char *const *classes = source_classes();

	s->attributes = (struct names){ .arena = s->arena };
	for (size_t i = 0; i < r->conf->sync_count; i++) {
		const struct conf_sync *sy = &r->conf->syncs[i];

		if (strcmp(sy->from, s->conf->name) == 0 &&
			!rules_attributes(sy, &s->attributes, e))
			return false;
	}
	names_add(&s->attributes, "objectClass");
	names_add(&s->attributes, "member");
	names_add(&s->attributes, "primaryGroupID");
	qsort(s->attributes.list, s->attributes.count, sizeof(char *), name_order);
	for (size_t i = 0; i < s->attributes.count; i++)
		buf_addf(&text, "%s\n", s->attributes.list[i]);
	for (size_t i = 0; classes[i]; i++)
		buf_addf(&text, "%s\n", classes[i]);
	sha256_hex(text.p, text.n, s->request);
	return true;
}

bool
source_open(struct run *r, struct source_run *s, struct err *e)
{
	char *path;

	s->arena = arena_new();
	path = sync_source_path(r->conf, s->conf->name, s->arena);
	if (!sync_lock(path, &s->lock, e))
		return false;
	return mirror_open(path, &r->env->store, false, &s->mirror, e);
}

static struct wire_option *
options_of(const struct conf_value *values, size_t count, const char *id, struct arena *a,
	size_t *count_r)
{
	struct wire_option *o = arena_alloc(a, (count + 2) * sizeof(*o));

	for (size_t i = 0; i < count; i++)
		o[i] = (struct wire_option){ values[i].name, values[i].values, values[i].count };
	if (id) {
		const char **one = arena_alloc(a, sizeof(*one));

		*one = id;
		o[count++] = (struct wire_option){ "id", one, 1 };
	}
	*count_r = count;
	return o;
}

bool
source_greet(struct run *r, struct source_run *s, struct err *e)
{
	struct wire_greeting g = { .role = "source", .classes = source_classes() };
	const char **attributes;

	if (!source_request(r, s, e))
		return false;
	attributes = arena_alloc(s->arena, (s->attributes.count + 1) * sizeof(*attributes));
	memcpy(attributes, s->attributes.list, s->attributes.count * sizeof(*attributes));
	g.attributes = attributes;
	g.options = options_of(
		s->conf->options, s->conf->option_count, s->conf->id, s->arena, &g.option_count);
	if (!sync_may_sign_on(r->conf, s->conf, r->env, r->options->insist, e) ||
		!r->env->open_source(r->env->ctx, s->conf, s->lock, &s->conn, e))
		return err_wrap(e, "source %s", s->conf->name);
	run_conn_set(r, s->conn);
	if (!wire_hello(s->conn, &g, s->arena, &s->hello, e)) {
		sync_signed_on(r->conf, s->conf, r->env, e);
		return err_wrap(e, "source %s", s->conf->name);
	}
	sync_signed_on(r->conf, s->conf, r->env, NULL);
	s->greeted = true;
	s->now_directory = s->hello.now;
	s->now_local = r->env->store.clock->now(r->env->store.clock->ctx);
	s->requested = attributes;
	return true;
}

void
source_close(struct source_run *s)
{
	conn_close(&s->conn);
	mirror_close(&s->mirror);
	if (s->lock >= 0)
		close(s->lock);
	arena_free(s->arena);
}

/* The directory's clock (5.2), carried on by ours since the hello; ours when it was not reached. */
int64_t
source_now(const struct run *r, const struct source_run *s)
{
	int64_t local = r->env->store.clock->now(r->env->store.clock->ctx);

	return s->now_directory ? s->now_directory + (local - s->now_local) : local;
}

int64_t
run_local(const struct run *r, const struct source_run *s, int64_t at)
{
	return at + r->env->store.clock->now(r->env->store.clock->ctx) - source_now(r, s);
}

/* --- targets --- */

int64_t
target_now(const struct target_run *t)
{
	return source_now(t->run, t->lanes[0].source);
}

bool
target_open(struct target_run *t, struct err *e)
{
	struct run *r = t->run;
	char *path;

	t->arena = arena_new();
	path = sync_target_path(r->conf, t->conf->name, t->arena);
	if (!sync_lock(path, &t->lock, e))
		return false;
	return ledger_open(path, &r->env->store, false, &t->ledger, e);
}

/* Opens the connector, again after it died: what was in flight is settled by the caller. */
bool
target_greet(struct target_run *t, struct err *e)
{
	struct wire_greeting g = { .role = "target" };
	CLEAN_ARENA struct arena *a = arena_new();

	if (t->conn)
		return true;
	g.options = options_of(t->conf->options, t->conf->option_count, NULL, a, &g.option_count);
	if (!t->run->env->open_target(t->run->env->ctx, t->conf, t->lock, &t->conn, e))
		return err_wrap(e, "target %s", t->conf->name);
	run_conn_set(t->run, t->conn);
	t->conn->cost = &t->cost;
	if (!wire_hello(t->conn, &g, t->arena, &t->hello, e)) {
		conn_close(&t->conn);
		return err_wrap(e, "target %s", t->conf->name);
	}
	if (!t->hello.window)
		t->hello.window = 1;
	if (!t->hello.members_max)
		t->hello.members_max = 1;
	return true;
}

void
target_close(struct target_run *t)
{
	conn_close(&t->conn);
	for (size_t i = 0; i < t->lane_count; i++)
		rules_free(&t->lanes[i].rules);
	ledger_close(&t->ledger);
	if (t->lock >= 0)
		close(t->lock);
	buf_free(&t->held_why);
	arena_free(t->arena);
}

/* What was asked for when the mirror was made, one name a line. */
static void
asked_text(const struct source_run *s, struct buf *out)
{
	for (size_t i = 0; i < s->attributes.count; i++)
		buf_addf(out, "%s\n", s->attributes.list[i]);
}

static bool
asked_keep(struct target_run *t, const struct source_run *s, struct err *e)
{
	CLEAN_BUF struct buf text = { 0 };
	const char *fact = arena_printf(t->arena, "asked.%s", s->conf->name);
	const char *kept = ledger_get(t->ledger, fact, t->arena);

	asked_text(s, &text);
	return (kept && strcmp(kept, buf_cstr(&text)) == 0) ||
	       ledger_set(t->ledger, fact, buf_cstr(&text), e);
}

/* A plan without reading can say nothing of attributes that the mirror lacks. */
static bool
asked_before(struct target_run *t, struct source_run *s, struct err *e)
{
	CLEAN_BUF struct buf new = { 0 };
	const char *fact = arena_printf(t->arena, "asked.%s", s->conf->name);
	const char *kept = ledger_get(t->ledger, fact, t->arena);

	if (!source_request(t->run, s, e))
		return false;
	for (size_t i = 0; i < s->attributes.count; i++) {
		CLEAN_FREE char *line = xasprintf("%s\n", s->attributes.list[i]);
		const char *at = kept;

		while (at && strncasecmp(at, line, strlen(line)) != 0)
			at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL;
		if (!at)
			buf_addf(&new, "%s%s", new.n ? ", " : "", s->attributes.list[i]);
	}
	return !new.n ||
	       err_set(e, ERR_CONFIG, "not-read",
		       "the configuration asks for what was not read from %s yet: %s; a plan with "
		       "reading (without --offline) tells",
		       s->conf->name, buf_cstr(&new));
}

static bool
lane_schema(struct target_run *t, struct source_run *s, struct schema_rows *rows_r, struct err *e)
{
	char *fact = arena_printf(t->arena, "schema.%s", s->conf->name);
	const char *kept;

	if (s->greeted) {
		CLEAN_BUF struct buf text = { 0 };

		schema_text(&s->hello, &text);
		kept = ledger_get(t->ledger, fact, t->arena);
		if ((!kept || strcmp(kept, buf_cstr(&text)) != 0) &&
			!ledger_set(t->ledger, fact, buf_cstr(&text), e))
			return false;
		if (!asked_keep(t, s, e))
			return false;
		return schema_parse(arena_strdup(t->arena, buf_cstr(&text)), t->arena, rows_r);
	}
	kept = ledger_get(t->ledger, fact, t->arena);
	if (kept && t->run->options->offline && !asked_before(t, s, e))
		return false;
	if (kept && schema_parse(kept, t->arena, rows_r))
		return true;
	return err_set(e, ERR_SIDE, "never-read", "source %s has not been read yet", s->conf->name);
}

static void
lane_references(struct lane *lane)
{
	for (int k = 0; k < KIND_COUNT; k++) {
		const struct conf_kind *ck = &lane->conf->kind[k];

		for (int i = 0; kinds[k].refs[i].attribute; i++)
			for (size_t m = 0; m < ck->map_count; m++)
				if (strcmp(ck->maps[m].name, kinds[k].refs[i].attribute) == 0 &&
					ck->maps[m].expr[0])
					lane->maps_ref[k][i] = true;
	}
}

static const char *const names[] = { "mail", "sAMAccountName", "userPrincipalName", "uid",
	"proxyAddresses", "displayName", "cn" };

bool
sync_entry_is(struct mirror *m, int64_t n, const char *who)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct entry en;
	struct err e;
	char uuid[37];

	if (uuid_canonical(who, uuid))
		return mirror_find_id(m, uuid) == n;
	if (strchr(who, '='))
		return mirror_find_dn(m, who) == n;
	if (!mirror_get(m, n, a, &en, &e))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct str v = attrs_first(&en.attrs, names[i]);

		if (v.n && str_ieqc(v, who))
			return true;
	}
	return false;
}

/* Who: id, DN, mail, account name or UPN. */
int64_t
sync_entry_find(struct mirror *m, const char *who)
{
	CLEAN_FREE char *smtp = xasprintf("smtp:%s", who);
	char uuid[37];
	int64_t n = mirror_find_id(m, uuid_canonical(who, uuid) ? uuid : who);

	if (!n && strchr(who, '='))
		n = mirror_find_dn(m, who);
	for (size_t i = 0; !n && i < ARRAY_LEN(names); i++) {
		n = mirror_find_value(m, names[i], str_c(who));
		if (!n && i == 4)
			n = mirror_find_value(m, names[i], str_c(smtp));
	}
	return n;
}

/* Said once in a run: what it keeps from happening is held (project.c). */
static void
tell_lost(const struct target_run *t, struct lane *lane)
{
	for (int excluding = 0; excluding < 2; excluding++) {
		const struct conf_text *lost = rules_scope_lost(lane->rules, excluding);

		if (lost && !lane->told_lost)
			run_event(t->run, "scope-lost", lane->conf->name,
				"'%s' (line %d) is not in the directory; %s is held until the "
				"configuration names what is there",
				lost->text, lost->line,
				excluding ? "who would come into scope" : "who would leave scope");
		lane->told_lost |= lost != NULL;
	}
}

/* Compiles the lanes' rules; after every read their DNs are resolved anew. */
bool
target_rules(struct target_run *t, struct err *e)
{
	if (!ledger_begin(t->ledger, e))
		return false;
	for (size_t i = 0; i < t->lane_count && !t->configured; i++) {
		struct lane *lane = &t->lanes[i];
		struct schema_rows *rows = arena_alloc(t->arena, sizeof(*rows));
		struct rules_schema schema = schema_of(rows);

		if (!lane_schema(t, lane->source, rows, e) ||
			!rules_compile(t->run->conf, lane->conf, &schema, &lane->rules, e)) {
			ledger_rollback(t->ledger);
			return false;
		}
		lane_references(lane);
	}
	if (!ledger_commit(t->ledger, e))
		return false;
	t->configured = true;
	for (size_t i = 0; i < t->lane_count; i++) {
		struct lane *lane = &t->lanes[i];

		world_of(t->run, lane->source, &lane->world);
		rules_resolve(lane->rules, &lane->world);
		tell_lost(t, lane);
		protect_resolve(lane, t->arena);
	}
	return true;
}
