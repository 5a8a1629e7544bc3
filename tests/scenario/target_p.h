/* Private to the memory target. */
#pragma once
#include "base/json.h"
#include "world.h"

/* target_objects.c */
uint64_t name_hash(const char *name);
void ref_drop(struct t_object *ob, const char *attribute, const char *key);
void ref_add(struct land *w, struct t_object *ob, const char *attribute, const char *key);

/* target_answers.c: an answer is a line */
bool is_single(const char *attribute); /* a reference that has one end */
struct jsonw result_begin(struct buf *out, int64_t id);
bool result_end(struct jsonw *j, struct buf *out);
bool refuse(struct buf *out, int64_t id, const char *kind, const char *code, int64_t wait,
	const char *other);
/* seen: with all that the object has */
bool accept(const struct land *w, struct buf *out, int64_t id, struct t_object *ob, bool seen);
void version_text(const struct t_object *ob, char out[32]);
void write_found(struct jsonw *j, struct t_object *ob, const char *by);
bool target_hello(struct land *w, struct buf *out);
bool target_list(struct land *w, int kind, struct buf *out);
