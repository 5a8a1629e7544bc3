/* What rules may see (5.1), answered from the mirror. */
#include "run_p.h"

static int64_t
see_dn(void *ctx, const char *dn)
{
	return mirror_find_dn(ctx, dn);
}

static int64_t
see_parent(void *ctx, int64_t n)
{
	return mirror_parent(ctx, n);
}

static bool
see_group(void *ctx, int64_t n, int64_t group)
{
	return mirror_in_group(ctx, n, group);
}

static char *
see_text(void *ctx, int64_t n, struct arena *a)
{
	return mirror_dn(ctx, n, a);
}

static size_t
see_links(
	void *ctx, int64_t n, const char *attribute, bool reverse, struct arena *a, int64_t **ns_r)
{
	return mirror_links_of(ctx, n, attribute, reverse, 0, a, ns_r);
}

void
world_of(struct run *r, struct source_run *s, struct world *w_r)
{
	*w_r = (struct world){
		.ctx = s->mirror,
		.now = source_now(r, s),
		.find_dn = see_dn,
		.parent = see_parent,
		.in_group = see_group,
		.dn = see_text,
		.links = see_links,
	};
}
