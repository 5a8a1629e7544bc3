/*
 * JSON (RFC 8259) over cJSON, strict: one lexical pass first refuses invalid UTF-8, \u0000, lone
 * surrogates, too much depth or size; duplicate keys and trailing bytes are refused; names are
 * compared with case. So every string is a C string without NUL.
 *
 * Ownership: a parsed tree belongs to the caller (json_free, CLEAN_JSON); values inside it live as
 * long as the tree. A tree is either parsed or built with json_new_*; json_set/json_push take
 * ownership of the child.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/str.h"

struct json;
enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

#define JSON_DEPTH_MAX 64
/* kind ERR_OBJECT, code "bad-json", text with the byte offset. max = 0: 16 MiB. */
bool json_parse(struct str text, size_t max, struct json **j_r, struct err *e);
void json_free(struct json *j); /* NULL allowed */
void json_clean(struct json **j);
#define CLEAN_JSON __attribute__((cleanup(json_clean)))

enum json_type json_type(const struct json *j); /* NULL pointer counts as JSON_NULL */
/* NULL when absent or not an object */
const struct json *json_get(const struct json *obj, const char *name);
struct json *json_get_mut(struct json *obj, const char *name);
const char *json_string(const struct json *j); /* NULL unless a string */
const char *json_get_string(const struct json *obj, const char *name);
bool json_bool(const struct json *j, bool otherwise);
bool json_get_bool(const struct json *obj, const char *name, bool otherwise);
double json_number(const struct json *j, double otherwise);
/* whole numbers within +-2^53 */
int64_t json_get_int(const struct json *obj, const char *name, int64_t otherwise);
size_t json_count(const struct json *j);             /* elements or members; 0 for others */
const struct json *json_first(const struct json *j); /* first element or member */
const struct json *json_next(const struct json *j);
const char *json_key(const struct json *member); /* name of a member of an object */
#define json_for_each(it, j) for (const struct json *it = json_first(j); it; it = json_next(it))

struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_new_string(const char *s);
struct json *json_new_number(double d);
struct json *json_new_bool(bool b);
struct json *json_new_null(void);
struct json *json_dup(const struct json *j);
/* replaces one of that name */
void json_set(struct json *obj, const char *name, struct json *value);
void json_set_string(struct json *obj, const char *name, const char *s);
void json_push(struct json *arr, struct json *value);
struct json *json_detach(struct json *parent, struct json *child); /* child becomes the caller's */
bool json_remove(struct json *obj, const char *name);
bool json_equal(const struct json *a, const struct json *b); /* objects without order */
void json_print(const struct json *j, struct buf *out);      /* compact, one line */

/* Streaming writer: appends compact JSON to a buffer; commas by itself; no tree.
 *   struct jsonw w = jsonw(&buf); jsonw_obj(&w, NULL); jsonw_str(&w, "id", "x"); jsonw_end(&w);
 * name is NULL inside arrays and at the top. Strings must be valid UTF-8 without NUL (other bytes
 * become U+FFFD). A wrong order of calls, or deeper than JSON_DEPTH_MAX, is a mistake in the program: abort(). */
struct jsonw {
	struct buf *out;
	uint8_t depth;
	bool comma[JSON_DEPTH_MAX];
	bool arr[JSON_DEPTH_MAX];
};
struct jsonw jsonw(struct buf *out);
void jsonw_obj(struct jsonw *w, const char *name);
void jsonw_arr(struct jsonw *w, const char *name);
void jsonw_end(struct jsonw *w);
void jsonw_str(struct jsonw *w, const char *name, const char *s); /* NULL writes null */
void jsonw_strn(struct jsonw *w, const char *name, const char *p, size_t n);
void jsonw_int(struct jsonw *w, const char *name, int64_t v);
/* shortest form that reads back equal */
void jsonw_num(struct jsonw *w, const char *name, double v);
void jsonw_bool(struct jsonw *w, const char *name, bool v);
void jsonw_null(struct jsonw *w, const char *name);
/* valid JSON text as it is */
void jsonw_raw(struct jsonw *w, const char *name, const char *json, size_t n);
void jsonw_json(struct jsonw *w, const char *name, const struct json *j);
