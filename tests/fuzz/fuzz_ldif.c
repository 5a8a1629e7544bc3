/* Any bytes as LDIF: records out of them, and messages out of those, each a line that the engine's end
 * of the protocol takes. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "ldif_send.h"
#include "wire/msg.h"

static bool
say(void *ctx, struct str line, struct buf *out)
{
	char block[65536];
	ssize_t n;

	(void)line;
	while ((n = read(*(int *)ctx, block, sizeof(block))) > 0)
		buf_add(out, block, (size_t)n);
	return false;
}

static bool
send_all(struct ldif_send *x, int fd)
{
	struct ldif *l = ldif_open(fd, "fuzz");
	const struct ldif_record *r;
	struct err e = { 0 };
	int got;

	while ((got = ldif_next(l, &r, &e)) == 1 && ldif_send_record(x, r, &e))
		;
	ldif_close(&l);
	if (e.kind == ERR_OBJECT) /* of one entry: must have been said as bad */
		abort();
	return got == 0 && serve_end(x->s, "c", true, NULL, NULL, &e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const ids[] = { "objectGUID", "entryUUID", NULL };
	static const char *const some[] = { "mail", "member", "cn", NULL }, *const none[] = {
		NULL
	};
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_ARENA struct arena *record = arena_new();
	CLEAN_FD int in = memfd_create("in", MFD_CLOEXEC);
	CLEAN_FD int out = memfd_create("out", MFD_CLOEXEC);
	struct ldif_send x = { .s = serve_new("ldif", "source", NULL, 0),
		.arena = record,
		.classes = none,
		.attributes = size % 2 ? some : none,
		.ids = ids,
		.known = map_new(),
		.known_arena = a };
	CLEAN_CONN struct conn *c = conn_open_memory(say, &out, NULL);
	struct wire_source_msg m = { 0 };
	struct err e;
	bool whole;

	if (in < 0 || out < 0 || write(in, data, size) != (ssize_t)size ||
		lseek(in, 0, SEEK_SET) != 0)
		abort();
	serve_descriptors(x.s, -1, out);
	whole = send_all(&x, in);
	serve_flush(x.s, NULL);
	lseek(out, 0, SEEK_SET);
	if (!wire_read(c, NULL, NULL, NULL, &e))
		abort();
	while (wire_source_next(c, a, &m, &e) && m.type != SRC_END)
		;
	if (whole != (m.type == SRC_END && m.sealed))
		abort();
	serve_free(x.s);
	map_free(x.known, NULL);
	return 0;
}
