#include "scim_rate.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/clock.h"
#include "base/mem.h"

#define SECONDS_MAX  86400
#define REQUESTS_MAX 1000000
#define GATE_MAX     120        /* seconds; a longer wait is the engine's, after a refusal */
#define EPOCH        1000000000 /* a reset larger than this is a moment, not a duration */
#define BURST        10         /* of a window's requests the tenth part may go at once */

static bool
number(const char *s, size_t n, int64_t *n_r)
{
	char text[16], *end;

	while (n && (*s == ' ' || *s == '"'))
		s++, n--;
	if (!n || n >= sizeof(text) || *s < '0' || *s > '9')
		return false;
	memcpy(text, s, n);
	text[n] = '\0';
	*n_r = strtoll(text, &end, 10);
	return true;
}

/* The number after `name=` in "limit=100, remaining=5;w=60". */
static void
parameter(struct str value, const char *name, int64_t *n_r)
{
	size_t n = strlen(name);

	for (size_t i = 0; i + n < value.n; i++)
		if ((i == 0 || strchr(" ,;", value.p[i - 1])) && value.p[i + n] == '=' &&
			strncasecmp(value.p + i, name, n) == 0) {
			size_t from = i + n + 1, len = 0;

			while (from + len < value.n && value.p[from + len] >= '0' &&
				value.p[from + len] <= '9')
				len++;
			number(value.p + from, len, n_r);
			return;
		}
}

/* "100;w=60", "\"default\";q=100;w=60", "100". */
static void
policy(struct str value, struct rate_said *said)
{
	size_t n = 0;

	while (n < value.n && value.p[n] >= '0' && value.p[n] <= '9')
		n++;
	if (n)
		number(value.p, n, &said->limit);
	parameter(value, "q", &said->limit);
	parameter(value, "w", &said->window);
}

static void
combined(struct str value, struct rate_said *said)
{
	parameter(value, "limit", &said->limit);
	parameter(value, "remaining", &said->left);
	parameter(value, "r", &said->left);
	parameter(value, "reset", &said->reset);
	parameter(value, "t", &said->reset);
}

bool
rate_header(struct str line, struct rate_said *said)
{
	const struct {
		const char *name;
		int64_t *to;
		void (*read)(struct str value, struct rate_said *said);
	} rows[] = { { "RateLimit-Policy", NULL, policy }, { "RateLimit-Limit", NULL, policy },
		{ "RateLimit-Remaining", &said->left, NULL },
		{ "RateLimit-Reset", &said->reset, NULL }, { "RateLimit", NULL, combined },
		{ "Rate-Limit-Limit", NULL, policy }, { "Rate-Limit-Remaining", &said->left, NULL },
		{ "Rate-Limit-Reset", &said->reset, NULL } };

	if (line.n > 2 && strncasecmp(line.p, "X-", 2) == 0)
		line = (struct str){ line.p + 2, line.n - 2 };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t n = strlen(rows[i].name);
		struct str value;

		if (line.n <= n || line.p[n] != ':' || strncasecmp(line.p, rows[i].name, n) != 0)
			continue;
		value = str_trim((struct str){ line.p + n + 1, line.n - n - 1 });
		if (rows[i].read)
			rows[i].read(value, said);
		else
			number(value.p, value.n, rows[i].to);
		return true;
	}
	return false;
}

bool
rate_parse(const char *text, struct scim_rate *r_r)
{
	char *end;
	long requests = strtol(text, &end, 10);
	int64_t seconds = 0;

	*r_r = (struct scim_rate){ .fixed = true };
	if (end == text || requests < 0 || requests > REQUESTS_MAX)
		return false;
	if (requests == 0 && *end == '\0')
		return true;
	if (*end != '/' || !duration_parse(end + 1, &seconds) || requests == 0 || seconds < 1 ||
		seconds > SECONDS_MAX)
		return false;
	r_r->requests = (unsigned)requests;
	r_r->seconds = (unsigned)seconds;
	return true;
}

static double
burst(const struct scim_rate *r)
{
	return r->requests > BURST ? (double)r->requests / BURST : 1;
}

void
rate_set(struct scim_rate *r, unsigned requests, unsigned seconds, int64_t now_ms)
{
	r->requests = requests;
	r->seconds = seconds;
	r->tokens = burst(r);
	r->at_ms = now_ms;
}

/* What may go at once and what comes by time are together never more than the limit in any window. */
static void
fill(struct scim_rate *r, int64_t now_ms)
{
	double more = r->requests > 1 ? (double)r->requests - burst(r) : 1;

	if (now_ms > r->at_ms)
		r->tokens += more * (double)(now_ms - r->at_ms) / (1000.0 * r->seconds);
	if (r->tokens > burst(r))
		r->tokens = burst(r);
	r->at_ms = now_ms;
}

int64_t
rate_wait(struct scim_rate *r, int64_t now_ms)
{
	double more = r->requests > 1 ? (double)r->requests - burst(r) : 1;

	if (!r->requests)
		return 0;
	fill(r, now_ms);
	if (r->tokens >= 1)
		return 0;
	return (int64_t)((1 - r->tokens) * 1000.0 * r->seconds / more) + 1;
}

void
rate_sent(struct scim_rate *r, unsigned requests, int64_t now_ms)
{
	if (!r->requests || !requests)
		return;
	fill(r, now_ms);
	r->tokens -= requests;
}

bool
rate_learn(struct scim_rate *r, const struct rate_said *said, int64_t now, int64_t now_ms,
	int64_t *gate_r)
{
	int64_t reset = said->reset > EPOCH ? said->reset - now : said->reset;

	*gate_r = 0;
	if (said->left == 0 && reset > 0)
		*gate_r = (reset < GATE_MAX ? reset : GATE_MAX) * 1000;
	if (r->fixed || said->limit < 1 || said->limit > REQUESTS_MAX || said->window < 1 ||
		said->window > SECONDS_MAX)
		return false;
	if (r->requests == said->limit && r->seconds == said->window)
		return false;
	rate_set(r, (unsigned)said->limit, (unsigned)said->window, now_ms);
	return true;
}
