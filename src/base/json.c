#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"
#include "json_check.h"
#include "json_text.h"

#define SIZE_DEFAULT ((size_t)16 * 1024 * 1024)
#define FEW          16                 /* up to so many members are compared each with each */
#define WHOLE_MAX    9007199254740992.0 /* 2^53 */

/* struct json is never defined: a pointer to it is a pointer to cJSON's node. */
static const cJSON *
in(const struct json *j)
{
	return (const cJSON *)(const void *)j;
}

static cJSON *
in_mut(struct json *j)
{
	return (cJSON *)(void *)j;
}

static struct json *
out(cJSON *c)
{
	return (struct json *)(void *)c;
}

/* cJSON answers NULL for want of memory alone, where we use it. */
static struct json *
made(cJSON *c)
{
	if (!c)
		abort();
	return out(c);
}

static int
by_key(const void *a, const void *b)
{
	const cJSON *const *x = a, *const *y = b;

	return strcmp((*x)->string, (*y)->string);
}

/* The n members of an object by name; to be freed. */
static const cJSON **
members_sorted(const cJSON *obj, size_t n)
{
	const cJSON **list = xcalloc(n, sizeof(const cJSON *));
	size_t i = 0;

	for (const cJSON *m = obj->child; m; m = m->next)
		list[i++] = m;
	qsort(list, n, sizeof(const cJSON *), by_key);
	return list;
}

/* Most names differ in their first byte. */
static inline bool
same_name(const cJSON *m, const char *name)
{
	return m->string[0] == name[0] && strcmp(m->string, name) == 0;
}

/* A name that occurs twice in an object, or NULL. */
static const char *
name_twice(const cJSON *obj)
{
	const char *found = NULL;
	size_t n = 0;

	for (const cJSON *m = obj->child; m; m = m->next, n++) {
		if (n >= FEW)
			continue;
		for (const cJSON *k = obj->child; k != m; k = k->next)
			if (same_name(k, m->string))
				return m->string;
	}
	if (n <= FEW)
		return NULL;
	const cJSON **list CLEAN_FREE = members_sorted(obj, n);
	for (size_t i = 1; i < n && !found; i++)
		if (strcmp(list[i - 1]->string, list[i]->string) == 0)
			found = list[i]->string;
	return found;
}

/* What the lexical pass cannot see. The depth is bounded by that pass. */
static bool
tree_check(const cJSON *c, struct err *e)
{
	const char *twice = cJSON_IsObject(c) ? name_twice(c) : NULL;
	struct buf shown CLEAN_BUF = { 0 };

	if (twice) {
		text_escape(twice, strlen(twice), 100, &shown);
		return err_set(e, ERR_OBJECT, "bad-json", "bad JSON: the name \"%s\" occurs twice",
			buf_cstr(&shown));
	}
	for (const cJSON *k = c->child; k; k = k->next) {
		if (cJSON_IsNumber(k) && !isfinite(k->valuedouble))
			return err_set(e, ERR_OBJECT, "bad-json", "bad JSON: number too large");
		if (k->child && !tree_check(k, e))
			return false;
	}
	return true;
}

bool
json_parse(struct str text, size_t max, struct json **j_r, struct err *e)
{
	struct json *j CLEAN_JSON = NULL;
	const char *wrong;
	size_t at;

	*j_r = NULL;
	max = max ? max : SIZE_DEFAULT;
	if (text.n > max)
		return err_set(e, ERR_OBJECT, "bad-json",
			"bad JSON: %zu bytes, at most %zu are taken", text.n, max);
	wrong = json_check(text, &at);
	if (wrong)
		return err_set(e, ERR_OBJECT, "bad-json", "bad JSON at byte %zu: %s", at, wrong);
	j = made(cJSON_ParseWithLength(text.p, text.n));
	if (cJSON_IsNumber(in(j)) && !isfinite(in(j)->valuedouble))
		return err_set(e, ERR_OBJECT, "bad-json", "bad JSON: number too large");
	if (!tree_check(in(j), e))
		return false;
	*j_r = j;
	j = NULL;
	return true;
}

void
json_free(struct json *j)
{
	cJSON_Delete(in_mut(j));
}

void
json_clean(struct json **j)
{
	json_free(*j);
}

enum json_type
json_type(const struct json *j)
{
	if (!j || cJSON_IsNull(in(j)))
		return JSON_NULL;
	if (cJSON_IsBool(in(j)))
		return JSON_BOOL;
	if (cJSON_IsNumber(in(j)))
		return JSON_NUMBER;
	if (cJSON_IsString(in(j)))
		return JSON_STRING;
	return cJSON_IsArray(in(j)) ? JSON_ARRAY : JSON_OBJECT;
}

static cJSON *
member(const cJSON *obj, const char *name)
{
	cJSON *m = cJSON_IsObject(obj) ? obj->child : NULL;

	while (m && !same_name(m, name))
		m = m->next;
	return m;
}

const struct json *
json_get(const struct json *obj, const char *name)
{
	return out(member(in(obj), name));
}

struct json *
json_get_mut(struct json *obj, const char *name)
{
	return out(member(in(obj), name));
}

const char *
json_string(const struct json *j)
{
	return cJSON_IsString(in(j)) ? in(j)->valuestring : NULL;
}

const char *
json_get_string(const struct json *obj, const char *name)
{
	return json_string(json_get(obj, name));
}

bool
json_bool(const struct json *j, bool otherwise)
{
	return cJSON_IsBool(in(j)) ? cJSON_IsTrue(in(j)) != 0 : otherwise;
}

bool
json_get_bool(const struct json *obj, const char *name, bool otherwise)
{
	return json_bool(json_get(obj, name), otherwise);
}

double
json_number(const struct json *j, double otherwise)
{
	return cJSON_IsNumber(in(j)) ? in(j)->valuedouble : otherwise;
}

int64_t
json_get_int(const struct json *obj, const char *name, int64_t otherwise)
{
	double d = json_number(json_get(obj, name), NAN);

	if (isnan(d) || d != trunc(d) || fabs(d) > WHOLE_MAX)
		return otherwise;
	return (int64_t)d;
}

size_t
json_count(const struct json *j)
{
	size_t n = 0;

	for (j = json_first(j); j; j = json_next(j))
		n++;
	return n;
}

const struct json *
json_first(const struct json *j)
{
	return j ? out(in(j)->child) : NULL;
}

const struct json *
json_next(const struct json *j)
{
	return out(in(j)->next);
}

const char *
json_key(const struct json *m)
{
	return in(m)->string;
}

struct json *
json_new_object(void)
{
	return made(cJSON_CreateObject());
}

struct json *
json_new_array(void)
{
	return made(cJSON_CreateArray());
}

struct json *
json_new_string(const char *s)
{
	return made(cJSON_CreateString(s));
}

struct json *
json_new_number(double d)
{
	return made(cJSON_CreateNumber(d));
}

struct json *
json_new_bool(bool b)
{
	return made(cJSON_CreateBool(b));
}

struct json *
json_new_null(void)
{
	return made(cJSON_CreateNull());
}

struct json *
json_dup(const struct json *j)
{
	return j ? made(cJSON_Duplicate(in(j), true)) : NULL;
}

void
json_set(struct json *obj, const char *name, struct json *value)
{
	bool done;

	if (member(in(obj), name))
		done = cJSON_ReplaceItemInObjectCaseSensitive(in_mut(obj), name, in_mut(value));
	else
		done = cJSON_AddItemToObject(in_mut(obj), name, in_mut(value));
	if (!done)
		abort();
}

void
json_set_string(struct json *obj, const char *name, const char *s)
{
	json_set(obj, name, json_new_string(s));
}

void
json_push(struct json *arr, struct json *value)
{
	if (!cJSON_AddItemToArray(in_mut(arr), in_mut(value)))
		abort();
}

struct json *
json_detach(struct json *parent, struct json *child)
{
	return out(cJSON_DetachItemViaPointer(in_mut(parent), in_mut(child)));
}

bool
json_remove(struct json *obj, const char *name)
{
	cJSON *m = member(in(obj), name);

	if (!m)
		return false;
	cJSON_Delete(cJSON_DetachItemViaPointer(in_mut(obj), m));
	return true;
}

static bool
objects_equal(const struct json *a, const struct json *b)
{
	size_t n = json_count(a);

	if (n != json_count(b))
		return false;
	const cJSON **x CLEAN_FREE = members_sorted(in(a), n);
	const cJSON **y CLEAN_FREE = members_sorted(in(b), n);
	for (size_t i = 0; i < n; i++)
		if (strcmp(x[i]->string, y[i]->string) != 0 ||
			!json_equal((const void *)x[i], (const void *)y[i]))
			return false;
	return true;
}

bool
json_equal(const struct json *a, const struct json *b)
{
	if (json_type(a) != json_type(b))
		return false;
	switch (json_type(a)) {
	case JSON_NULL:
		return true;
	case JSON_BOOL:
		return json_bool(a, false) == json_bool(b, false);
	case JSON_NUMBER:
		return json_number(a, 0) == json_number(b, 0);
	case JSON_STRING:
		return strcmp(json_string(a), json_string(b)) == 0;
	case JSON_OBJECT:
		return objects_equal(a, b);
	case JSON_ARRAY:
		break;
	}
	for (a = json_first(a), b = json_first(b); a && b; a = json_next(a), b = json_next(b))
		if (!json_equal(a, b))
			return false;
	return !a && !b;
}

static void
print_nest(const struct json *j, struct buf *to, bool object)
{
	buf_addc(to, object ? '{' : '[');
	for (const struct json *it = json_first(j); it; it = json_next(it)) {
		if (it != json_first(j))
			buf_addc(to, ',');
		if (object) {
			json_text_string(to, json_key(it), strlen(json_key(it)));
			buf_addc(to, ':');
		}
		json_print(it, to);
	}
	buf_addc(to, object ? '}' : ']');
}

void
json_print(const struct json *j, struct buf *to)
{
	switch (json_type(j)) {
	case JSON_NULL:
		buf_adds(to, "null");
		break;
	case JSON_BOOL:
		buf_adds(to, json_bool(j, false) ? "true" : "false");
		break;
	case JSON_NUMBER:
		json_text_number(to, json_number(j, 0));
		break;
	case JSON_STRING:
		json_text_string(to, json_string(j), strlen(json_string(j)));
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		print_nest(j, to, json_type(j) == JSON_OBJECT);
	}
}
