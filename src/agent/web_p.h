/*
 * Shared by the files of the console:
 *   web.c          sockets, libmicrohttpd in the daemon's loop
 *   web_exchange.c one request: what must hold before it is looked at, its body, its answer
 *   web_sign.c     links, sessions, how often one may try
 *   web_asset.c    the pages
 *   web_api.c      the table of what the API answers
 *   web_job.c      commands as jobs
 *   web_overview.c, web_bundle.c, web_config.c, web_setup*.c   the answers
 */
#pragma once
#include <microhttpd.h>
#include "agent.h"
#include "jobs.h"
#include "web.h"

#define WEB_BODY_MAX  ((size_t)5 * 1024 * 1024) /* a configuration of 4 MiB, as JSON */
#define WEB_HEAD_MAX  ((size_t)32 * 1024)
#define WEB_AT_ONCE   64   /* connections */
#define WEB_GRACE_MS  1000 /* in which a connection may say what it wants, however many wait */
#define WEB_READS     8    /* commands that only read, at the same time */
#define WEB_JOBS      32   /* jobs that are remembered */
#define WEB_OUTPUTS   4    /* of which what they said is kept */
#define WEB_EVENTS    200
#define WEB_JOB_LIFE  900 /* seconds after its end */
#define WEB_LINK_LIFE 600
#define WEB_SESSIONS  32 /* in memory, while there is no state folder */

struct web_client { /* one connection */
	int fd;
	bool there, shut;
	int64_t since;      /* ms, monotonic: it began, or its last request ended */
	struct exchange *x; /* NULL: no request is under way */
};

struct web_port { /* one of the two addresses */
	struct web *w;
	struct MHD_Daemon *daemon;
	sd_event_source *io;
	int family;
	struct web_client clients[WEB_AT_ONCE];
};

struct web_ticket { /* link or session without agent.db */
	char hash[65], token[65], by[64];
	bool link;
	int64_t expires;
};

struct web_job { /* started here; remembered for a while after its end */
	struct web *w;
	uint64_t id;
	struct job *job; /* NULL: over */
	char *command, *by;
	int64_t started, ended;
	int exit;
	char *events[WEB_EVENTS]; /* JSON, newest at (first + count - 1) % WEB_EVENTS */
	size_t first, count;
	struct buf output; /* what it said on standard output */
	struct err error;
	void (*over)(struct web_job *j); /* may be NULL */
	void *ctx;
};

struct web {
	struct agent *g;
	struct web_port ports[2];
	size_t port_count;
	uint16_t port;
	sd_event_source *timer;
	bool pumping, stopping;
	struct exchange *open; /* ring of all exchanges */
	struct web_ticket tickets[WEB_SESSIONS];
	int64_t tries_since;
	int tries;
	size_t reads;
	struct web_job *jobs[WEB_JOBS]; /* newest last; NULL-padded at the end */
	struct buf status;              /* last output of `status --json` */
	int64_t status_at;
	bool status_good;
	size_t status_turn; /* goes on with all that makes a status old */
	struct web_job *setup_job;
};

struct exchange {
	struct web *w;
	struct web_client *client;
	struct MHD_Connection *mhd;
	struct arena *a;
	const char *url;
	bool post, head, handled, answered, suspended, queued;
	struct buf body;
	struct json *in; /* the body of a POST */
	/* who asks; by NULL: nobody */
	const char *by, *token, *cookie_hash;
	int64_t expires;
	/* the answer */
	unsigned status;
	const char *type;
	struct buf out;
	const void *fixed; /* an asset instead of out */
	size_t fixed_n;
	const char *etag, *location, *set_cookie, *disposition;
	bool gzip, cached, reloading;
	const char *draft;  /* a file that goes with us */
	const char *caveat; /* said with an answer that is good */
	sd_event_source *patience;
	size_t step; /* of an answer made of several */
	size_t turn; /* web.status_turn when the status was asked for */
	/* while a command runs for it */
	struct job *job;
	void (*then)(struct exchange *x, const struct job *j);
	struct exchange *prev, *next;
};

/* web_exchange.c */
enum MHD_Result web_request(void *ctx, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *data, size_t *size, void **state);
void web_completed(
	void *ctx, struct MHD_Connection *mhd, void **state, enum MHD_RequestTerminationCode why);
void web_pump(struct web *w);
const char *web_header(const struct exchange *x, const char *name);
const char *web_param(const struct exchange *x, const char *name); /* NULL = not given */
/* All of the name, in order. */
size_t web_params(const struct exchange *x, const char *name, const char **list, size_t max);
/* Answers. After one of them the exchange is not touched any more. */
void web_json(struct exchange *x, unsigned status); /* x->out */
void web_fail(struct exchange *x, unsigned status, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void web_err(struct exchange *x, unsigned status, const struct err *e);
void web_ok(struct exchange *x); /* {"ok":true} */
void web_answer(struct exchange *x, unsigned status, const char *type);

/* web_sign.c */
void web_random(char out[65]);        /* 32 bytes in hexadecimal */
bool web_session(struct exchange *x); /* fills by, token, expires */
/* A link becomes a session: Set-Cookie in x. */
bool web_sign_in(struct exchange *x, const char *link, struct err *e);
void web_sign_out(struct exchange *x);

/* web_asset.c */
bool web_asset(struct exchange *x, const char *path);

/* web_api.c */
void web_api(struct exchange *x, const char *path);

/* web_job.c */
/* A command of `lockstep` for this request; `then` comes with its end. May answer with "busy" instead. */
void web_run(struct exchange *x, const struct job_spec *spec,
	void (*then)(struct exchange *x, const struct job *j));
/* The lines of its output as JSON: {"exit":..,"output":..} or with "outputs", for several. */
void web_outcome(struct exchange *x, const struct job *j);
/* One that goes on without the request; NULL: e. */
struct web_job *web_job_start(
	struct web *w, const struct job_spec *spec, const char *by, struct err *e);
void web_job_lines(struct str out, struct jsonw *w); /* "output" and "outputs" */
void web_job_free(struct web_job *j);
void web_job_prune(struct web *w);        /* what is over for long */
void web_job_read(struct exchange *x);    /* GET job */
void web_job_command(struct exchange *x); /* POST command */
void web_job_cancel(struct exchange *x);
void web_read(struct exchange *x); /* GET read */

/* web_overview.c */
void web_status_old(struct web *w);
void web_overview(struct exchange *x);
void web_live(struct exchange *x);
void web_series(struct exchange *x);
void web_alerts(struct exchange *x);
void web_alert_seen(struct exchange *x);
void web_about(struct exchange *x);
void web_about_json(struct exchange *x, struct jsonw *w);
size_t web_alerts_json(
	struct exchange *x, struct jsonw *w, const char *name, bool open, int64_t before);

/* web_bundle.c */
void web_bundle(struct exchange *x);
/* JSON text as it may be given to others: nothing secret in its addresses. webhook: NULL = none */
void bundle_mask(struct str in, const char *webhook, struct buf *out);

/* web_config.c */
void web_config(struct exchange *x);
void web_config_edit(struct exchange *x);
void web_config_save(struct exchange *x);
void web_config_preview(struct exchange *x);
void web_config_version(struct exchange *x);
/* Whether a file can be put where `path` says. */
bool web_writable(const char *path);
/* Writes the configuration, keeps a version, and has it taken over; answers when that is done. */
void web_config_put(struct exchange *x, struct str text, const char *note);

/* web_setup.c */
void web_setup(struct exchange *x);
void web_setup_draft(struct exchange *x); /* answers so far, and secrets */
void web_setup_check(struct exchange *x); /* source or target of the draft */
void web_setup_read(struct exchange *x);  /* a plan of the draft, as a job */
void web_setup_browse(struct exchange *x);
void web_setup_save(struct exchange *x);
/* web_setup_text.c: the configuration that the answers mean. final: to stay, else a draft in the folder `state`. */
bool setup_text(const struct json *answers, const char *by, const char *state, const char *secrets,
	bool final, struct buf *out, struct err *e);
