#include "scim_run.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINES_AT_ONCE 512
#define LINGER_MS     2  /* a batch that is not full waits so long for more input */
#define OLD_MS        20 /* and no longer than this when input keeps trickling */
#define PROGRESS_MS   10000
#define UNREACHED_MAX 3

static int64_t
now_ms(const struct scim *s)
{
	return s->clock->mono_ms(s->clock->ctx);
}

struct work *
run_work(struct http_slot *slot, enum work_type type)
{
	struct work *w = xcalloc(1, sizeof(*w));

	w->type = type;
	job_queue_init(&w->jobs);
	slot->work = w;
	return w;
}

/* --- input --- */

static struct job *
take_spare(struct scim *s)
{
	struct job *j = s->spare;

	if (!j)
		return job_new();
	s->spare = j->next;
	j->next = NULL;
	return j;
}

static void
take_op(struct scim *s, const struct json *msg)
{
	struct job *j = take_spare(s);
	size_t window = scim_service_window(&s->service, s->requests);
	struct err e;
	bool good = job_read(j, msg, &e);

	s->unanswered++;
	if (good && j->type == JOB_LIST) {
		s->unanswered--;
		job_queue_add(&s->lists, j);
	} else if (!good && j->id < 0) {
		serve_error(s->serve, &e);
		s->unanswered--;
		job_free(j);
	} else if (!good) {
		run_fail(s, j, &e, NULL, NULL);
	} else if (s->unanswered > 4 * window + LINES_AT_ONCE) {
		err_set(&e, ERR_RETRY, "window", "more operations than the window of %zu allows",
			window);
		run_fail(s, j, &e, NULL, NULL);
	} else {
		declared_queue(s, j);
	}
}

static void
take_message(struct scim *s, const struct json *msg)
{
	const char *type = json_get_string(msg, "type");
	struct err e;

	if (type && (strcmp(type, "op") == 0 || strcmp(type, "list") == 0)) {
		take_op(s, msg);
	} else if (type && strcmp(type, "check") == 0) {
		check_run(s);
	} else if (type && strcmp(type, "register") == 0) {
		register_run(s, json_get_string(msg, "name"));
	} else {
		err_set(&e, ERR_SIDE, "unknown-message",
			"a message of this type is not known to a target");
		serve_error(s->serve, &e);
	}
}

/* Everything that is there; false: the pipe is broken. */
static bool
read_input(struct scim *s, struct err *e)
{
	const struct json *msg;
	int got = 0, n = 0;

	err_clear(e);
	while (!s->ended && n < LINES_AT_ONCE && (got = serve_next(s->serve, 0, &msg, e)) > 0) {
		take_message(s, msg);
		n++;
	}
	s->quiet = n == 0;
	if (got >= 0)
		return true;
	s->ended = s->quiet = true;
	return e->kind == ERR_NONE;
}

/* --- requests --- */

/* May a batch go: it is full, nothing more is coming, or it is old. */
static bool
ripe(struct scim *s, const struct job_queue *q, size_t full)
{
	if (!q->count)
		return false;
	if (q->count >= full || s->quiet)
		return true;
	if (!s->since_ms)
		s->since_ms = now_ms(s);
	return now_ms(s) - s->since_ms >= OLD_MS;
}

static bool
start_one(struct scim *s, struct http_slot *slot)
{
	struct job *j = job_queue_take(&s->one);

	if (!j && s->bulk.count == 1)
		j = job_queue_take(&s->bulk); /* a request of its own says more in its answer */
	if (j)
		write_start(s, slot, j);
	return j != NULL;
}

/* One more request; false when there is nothing to ask. */
static bool
start_next(struct scim *s, struct http_slot *slot)
{
	if (s->one.count)
		return start_one(s, slot);
	if (ripe(s, &s->bulk, s->service.bulk_ops)) {
		if (s->bulk.count == 1)
			return start_one(s, slot);
		bulk_start(s, slot);
		return true;
	}
	for (int k = 0; k < KIND_COUNT; k++) {
		if (ripe(s, &s->find[k], scim_service_find_batch(&s->service))) {
			find_start(s, slot, (enum kind_id)k);
			return true;
		}
	}
	if (!s->list.job && s->lists.count)
		list_begin(s, job_queue_take(&s->lists));
	if (!s->list.job || !s->list.waiting)
		return false;
	list_start(s, slot);
	return true;
}

/* Bulk was given up: what waits for one goes alone. */
static void
disband(struct scim *s)
{
	struct job_queue q = s->bulk;
	struct job *j;

	if (s->service.bulk_ops || !q.count)
		return;
	job_queue_init(&s->bulk);
	while ((j = job_queue_take(&q)) != NULL)
		run_queue(s, j);
}

/* The engine wants an end, and there is a rate limit to wait for: what was not begun did not
 * happen. */
static void
give_up(struct scim *s)
{
	struct err e;

	err_set(&e, ERR_RETRY, "stopped", "not begun: the run is being stopped");
	run_die(s, &e);
}

/* Below the rate that the service takes? Else pace_ms says until when not. */
static bool
may_send(struct scim *s)
{
	int64_t wait;

	rate_sent(&s->rate, http_sent(s->http), now_ms(s));
	wait = rate_wait(&s->rate, now_ms(s));
	s->pace_ms = now_ms(s) + wait;
	return wait == 0;
}

void
run_rate(struct scim *s, const struct http_slot *slot)
{
	int64_t now = now_ms(s), gate = 0;
	int64_t there = slot->date ? slot->date : s->clock->now(s->clock->ctx);

	rate_sent(&s->rate, http_sent(s->http), now);
	s->learned |= rate_learn(&s->rate, &slot->rate, there, now, &gate);
	if (gate && now + gate > s->gate_ms)
		s->gate_ms = now + gate;
	s->gate_away = s->gate_away && !gate;
}

static bool
has_work(const struct scim *s)
{
	return s->bulk.count || s->one.count || s->find[KIND_USER].count ||
	       s->find[KIND_GROUP].count || s->list.waiting;
}

/* Only what waits for nothing else than a limit counts. */
static void
count_wait(struct scim *s, int cause)
{
	cost_waits(&s->cost, has_work(s) ? cause : COST_NO_WAIT, now_ms(s));
}

static void
start_requests(struct scim *s)
{
	struct http_slot *slot;

	if (s->dead.kind != ERR_NONE)
		list_give_up(s);
	disband(s);
	if (now_ms(s) < s->gate_ms) {
		count_wait(s, s->gate_away ? COST_NO_WAIT : WAIT_TOLD);
		if (s->ended)
			give_up(s);
		return;
	}
	while (http_busy(s->http) < s->limit && may_send(s) &&
		(slot = http_slot_free(s->http)) != NULL)
		if (!start_next(s, slot))
			break;
	count_wait(s, now_ms(s) < s->pace_ms && http_busy(s->http) < s->limit ? WAIT_PACED
									      : COST_NO_WAIT);
	if (!s->bulk.count && !s->find[KIND_USER].count && !s->find[KIND_GROUP].count)
		s->since_ms = 0;
}

/* --- answers --- */

static void
fail_transfer(struct scim *s, const struct http_slot *slot, struct job *j)
{
	struct err e = slot->err;

	/* reading again harms nobody */
	if (e.kind == ERR_UNKNOWN && (!job_is_write(j) || (j->stage == JOB_LOOK && !j->looked)))
		e.kind = ERR_RETRY;
	run_fail(s, j, &e, NULL, NULL);
}

/* The service did not get it: again, for a while. */
static bool
unreached(struct scim *s, const struct http_slot *slot)
{
	if (slot->outcome != HTTP_UNSENT)
		return false;
	if (slot->err.kind == ERR_CONFIG || ++s->unreached >= UNREACHED_MAX) {
		run_die(s, &slot->err);
		return false;
	}
	s->gate_ms = now_ms(s) + 1000 * (int64_t)s->unreached;
	s->gate_away = true;
	return true;
}

static void
transfer_failed(struct scim *s, struct http_slot *slot, struct work *w)
{
	bool again = unreached(s, slot);
	struct job *j;

	if (w->type == WORK_LIST) {
		struct err e = slot->err;
		if (e.kind == ERR_UNKNOWN)
			e.kind = ERR_RETRY;
		list_again(s, &e);
		return;
	}
	while ((j = job_queue_take(&w->jobs)) != NULL) {
		if (again)
			run_queue(s, j);
		else
			fail_transfer(s, slot, j);
	}
}

static void
finish(struct scim *s, struct http_slot *slot)
{
	static void (*const finishers[])(struct scim *, struct http_slot *, struct work *) = {
		[WORK_FIND] = find_finish,
		[WORK_ONE] = write_finish,
		[WORK_BULK] = bulk_finish,
		[WORK_LIST] = list_finish,
	};
	struct work *w = slot->work;

	slot->work = NULL;
	cost_answer(&s->cost, slot);
	/* before the results: after the last one nobody listens */
	cost_say(&s->cost, s->serve, http_busy(s->http) == 1, now_ms(s));
	if (slot->outcome == HTTP_ANSWERED) {
		s->unreached = 0;
		run_rate(s, slot);
		if (slot->status < 300 && s->limit < s->requests)
			s->limit++;
		finishers[w->type](s, slot, w);
	} else {
		transfer_failed(s, slot, w);
	}
	free(w);
	if (!slot->work) /* else it was sent again */
		http_release(slot);
}

/* --- the loop --- */

static int
patience(const struct scim *s)
{
	int64_t until = s->gate_ms > s->pace_ms ? s->gate_ms : s->pace_ms;
	int64_t gate = until - now_ms(s);

	if (!s->quiet)
		return LINGER_MS;
	if (gate > 0 && has_work(s))
		return gate < 1000 ? (int)gate + 1 : 1000;
	return 1000;
}

static void
say_progress(struct scim *s)
{
	if (!(s->unanswered || s->list.job) || now_ms(s) - s->line_ms < PROGRESS_MS)
		return;
	s->line_ms = now_ms(s);
	if (s->list.job)
		serve_progress(
			s->serve, s->list.seen, s->list.total > 0 ? s->list.total : 0, "listing");
	else
		serve_progress(s->serve, s->answered, 0,
			s->gate_ms > s->line_ms ? "waiting for the rate limit"
						: "waiting for the service");
}

bool
run_loop(struct scim *s, struct err *e)
{
	struct http_slot *slot;

	for (;;) {
		if (!read_input(s, e))
			return false;
		while ((slot = http_done(s->http)) != NULL)
			finish(s, slot);
		start_requests(s);
		say_progress(s);
		if (!serve_flush(s->serve, e))
			return false;
		if (s->ended && !s->unanswered && !s->list.job && !s->lists.count)
			return true;
		http_wait(s->http, s->ended ? -1 : STDIN_FILENO, patience(s));
	}
}

static void
free_queue(struct job_queue *q)
{
	struct job *j;

	while ((j = job_queue_take(q)) != NULL)
		job_free(j);
}

void
run_free(struct scim *s)
{
	for (int k = 0; k < KIND_COUNT; k++)
		free_queue(&s->find[k]);
	free_queue(&s->bulk);
	free_queue(&s->one);
	free_queue(&s->lists);
	while (s->spare)
		job_free(take_spare(s));
	if (s->list.job)
		job_free(s->list.job);
	free(s->list.cursor);
	idset_free(&s->list.ids);
	buf_free(&s->certificate);
	buf_free(&s->path);
	buf_free(&s->body);
	arena_free(s->scratch);
	arena_free(s->keep);
	http_free(s->http);
}
