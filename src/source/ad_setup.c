#include "ad.h"

bool
ad_setup(struct ad *ad, const char *const *bases, size_t count, struct err *e)
{
	struct err none;
	(void)bases, (void)count;
	err_set(&none, ERR_SIDE, "not-built", "setup: not built yet");
	return serve_end(ad->serve, NULL, false, none.text, &none, e);
}
