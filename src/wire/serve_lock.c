/* The connector's end: after hello, the door closes behind it. */
#include "serve_p.h"

const char *
serve_lock_down(struct serve *s, enum serve_room room, bool secrets)
{
	struct sandbox box = { .network = room == SERVE_NETWORK };
	const char **paths;
	size_t count = 0, n = 0;

	for (size_t i = 0; i < s->option_count; i++)
		count += s->given[i].count + 1;
	paths = arena_alloc(s->arena, (count + 1) * sizeof(*paths));
	for (size_t i = 0; i < s->option_count; i++) {
		const struct option *o = &s->options[i];

		if (o->type != OPT_PATH && !(secrets && o->type == OPT_SECRET_PATH))
			continue;
		for (size_t k = 0; k < s->given[i].count; k++)
			paths[n++] = s->given[i].values[k];
		if (!s->given[i].count && o->otherwise)
			paths[n++] = o->otherwise;
	}
	paths[n] = NULL;
	box.paths = paths;
	sandbox_enter(&box, &s->lock);
	return s->lock.missing[0] ? s->lock.missing : NULL;
}

void
serve_lock_finding(struct serve *s)
{
	const struct sandbox_state *l = &s->lock;
	CLEAN_BUF struct buf text = { 0 };

	if (!l->missing[0]) {
		buf_addf(&text,
			"reads its own files alone, writes none, starts no program "
			"(Landlock %d, seccomp)",
			l->landlock);
		serve_finding(s, "ok", "sandbox", buf_cstr(&text), NULL);
		return;
	}
	buf_addf(&text, "this connector is not locked down as it could be: %s", l->missing);
	serve_finding(s, l->landlock || l->seccomp ? "info" : "warn", "sandbox", buf_cstr(&text),
		"Landlock needs Linux 5.13 with landlock among its security modules; a container "
		"must permit seccomp and Landlock. It works without, too.");
}
