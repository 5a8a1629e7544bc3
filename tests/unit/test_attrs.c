#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "model/attrs.h"
#include "model/kind.h"

static struct attrs
sample(struct arena *a)
{
	struct attrs as = attrs_new(a);

	attrs_set_c(&as, "Mail", "b@x");
	attrs_add(&as, "mail", STR("a@x"));
	attrs_add(&as, "MAIL", STR("a@x"));
	attrs_set(&as, "objectGUID", &(struct str){ "\x00\xff\x01", 3 }, 1);
	attrs_set(&as, "empty", NULL, 0);
	return as;
}

static void
test_attrs_names_without_case(void **state)
{
	(void)state;
	CLEAN_ARENA struct arena *a = arena_new();
	struct attrs as = sample(a);

	assert_int_equal(as.count, 3);
	assert_string_equal(as.list[0].name, "Mail");
	assert_int_equal(attrs_get(&as, "mAIL")->count, 2);
	assert_true(str_eqc(attrs_first(&as, "mail"), "b@x"));
	assert_int_equal(attrs_first(&as, "none").n, 0);
	attrs_remove(&as, "MAIL");
	assert_null(attrs_get(&as, "mail"));
	assert_int_equal(as.count, 2);
	assert_non_null(attrs_get(&as, "empty"));
	attrs_remove(&as, "mail");
	assert_int_equal(as.count, 2);
}

static void
test_attrs_copied_and_shared(void **state)
{
	(void)state;
	CLEAN_ARENA struct arena *a = arena_new();
	struct attrs from = sample(a), whole = attrs_new(a), had = attrs_new(a);

	attrs_copy(&whole, &from);
	assert_int_equal(whole.count, 3);
	assert_string_equal(whole.list[0].name, "Mail");
	assert_true(whole.list[0].name != from.list[0].name);
	assert_true(attr_same_set(attrs_get(&whole, "mail"), attrs_get(&from, "mail")));
	assert_true(str_eq(attrs_first(&whole, "objectGUID"), (struct str){ "\x00\xff\x01", 3 }));
	assert_int_equal(attrs_get(&whole, "empty")->count, 0);
	for (int i = 0; i < 20; i++) { /* a copy grows like any other */
		attrs_add(&whole, "mail", str_c(arena_printf(a, "%d@x", i)));
		attrs_set_c(&whole, arena_printf(a, "n%d", i), "v");
	}
	assert_int_equal(attrs_get(&whole, "MAIL")->count, 22);
	assert_int_equal(whole.count, 23);
	assert_int_equal(attrs_get(&from, "mail")->count, 2);
	/* a change: what has values replaces, what has none goes */
	attrs_set_c(&had, "MAIL", "old@x");
	attrs_set_c(&had, "empty", "not yet");
	attrs_set_c(&had, "kept", "k");
	attrs_share(&had, &from);
	assert_int_equal(had.count, 3);
	assert_string_equal(had.list[0].name, "MAIL");
	assert_true(attr_same_set(attrs_get(&had, "mail"), attrs_get(&from, "mail")));
	assert_null(attrs_get(&had, "empty"));
	assert_true(str_eqc(attrs_first(&had, "kept"), "k"));
	struct attrs all = attrs_new(a);
	attrs_share(&all, &from);
	assert_int_equal(all.count, 2);
	attrs_share(&all, &(struct attrs){ .arena = a });
	assert_int_equal(all.count, 2);
}

static void
test_attrs_set_of_its_own_values(void **state)
{
	(void)state;
	CLEAN_ARENA struct arena *a = arena_new();
	struct attrs as = attrs_new(a);

	for (int i = 0; i < 100; i++) {
		const char *v = arena_printf(a, "v%d", i);

		attrs_add(&as, "x", str_c(v));
		const struct attr *at = attrs_get(&as, "x");
		attrs_set(&as, "x", at->values, at->count);
	}
	assert_int_equal(attrs_get(&as, "x")->count, 100);
	for (int i = 0; i < 100; i++)
		assert_true(attr_has(attrs_get(&as, "x"), str_c(arena_printf(a, "v%d", i))));
}

static void
test_attrs_same_set(void **state)
{
	(void)state;
	struct str ab[] = { STR("a"), STR("b"), STR("a") }, ba[] = { STR("b"), STR("a") };
	struct str many[20], other[20];
	struct attr x = { "x", 3, ab }, y = { "y", 2, ba }, one = { "o", 1, ab };
	struct attr big = { "b", 20, many }, big2 = { "b", 20, other };
	char text[20][4];

	assert_true(attr_same_set(&x, &y));
	assert_false(attr_same_set(&x, &one));
	assert_true(attr_same_set(NULL, NULL));
	assert_false(attr_same_set(NULL, &one));
	assert_false(attr_same_set(&one, NULL));
	for (int i = 0; i < 20; i++) {
		text[i][0] = (char)('a' + i);
		many[i] = (struct str){ text[i], 1 };
		other[19 - i] = many[i];
	}
	assert_true(attr_same_set(&big, &big2));
	other[0] = other[1];
	assert_false(attr_same_set(&big, &big2));
}

static void
test_attrs_pack_is_canonical(void **state)
{
	(void)state;
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf x = { 0 }, y = { 0 };
	struct attrs one = sample(a), two = attrs_new(a), back;
	struct str mails[] = { STR("a@x"), STR("b@x"), STR("a@x") };
	struct err e;

	attrs_set(&two, "EMPTY", NULL, 0);
	attrs_set(&two, "objectguid", &(struct str){ "\x00\xff\x01", 3 }, 1);
	attrs_set(&two, "mail", mails, 3);
	attrs_pack(&one, &x);
	attrs_pack(&two, &y);
	assert_true(str_eq(buf_str(&x), buf_str(&y)));
	assert_true(attrs_unpack(buf_str(&x), a, &back, &e));
	assert_int_equal(back.count, 3);
	assert_string_equal(back.list[0].name, "empty");
	assert_true(attr_same_set(attrs_get(&back, "mail"), attrs_get(&one, "mail")));
	attrs_add(&back, "mail", STR("c@x"));
	assert_int_equal(attrs_get(&back, "mail")->count, 3);
}

/* Seeded random attributes: pack, unpack, write, read, and equal again; no cut of the packed form
 * is taken for whole, except where it ends between two attributes. */
static void
test_attrs_round_trips(void **state)
{
	(void)state;
	unsigned seed = 20261121;
	CLEAN_ARENA struct arena *a = arena_new();

	for (int round = 0; round < 300; round++) {
		CLEAN_BUF struct buf packed = { 0 }, again = { 0 }, line = { 0 };
		CLEAN_JSON struct json *j = NULL;
		struct attrs as = attrs_new(a), back, read;
		struct jsonw w = jsonw(&line);
		struct err e;

		for (int i = rand_r(&seed) % 12; i > 0; i--) {
			char name[3] = { (char)('a' + rand_r(&seed) % 26),
				(char)('A' + rand_r(&seed) % 26), 0 };

			attrs_set(&as, name, NULL, 0);
			for (int k = rand_r(&seed) % 6; k > 0; k--) {
				char v[300];
				size_t n = (size_t)rand_r(&seed) % sizeof(v);

				for (size_t b = 0; b < n; b++)
					v[b] = (char)(rand_r(&seed) % (round % 2 ? 256 : 128));
				attrs_add(&as, name, (struct str){ v, n });
			}
		}
		attrs_pack(&as, &packed);
		assert_true(attrs_unpack(buf_str(&packed), a, &back, &e));
		attrs_pack(&back, &again);
		assert_true(str_eq(buf_str(&packed), buf_str(&again)));
		attrs_write(&as, &w, NULL);
		assert_true(json_parse(buf_str(&line), 0, &j, &e));
		assert_true(attrs_read(j, a, &read, &e));
		assert_int_equal(read.count, as.count);
		buf_reset(&again);
		attrs_pack(&read, &again);
		assert_true(str_eq(buf_str(&packed), buf_str(&again)));
		arena_reset(a);
	}
}

static void
test_attrs_unpack_refuses_damage(void **state)
{
	(void)state;
	static const struct str bad[] = {
		STR(""),
		STR("\x02"),
		STR("\x01\x01"),
		STR("\x01\x01"
		    "a"),
		STR("\x01\x01"
		    "a\x00\x01"
		    "A\x00"),
		STR("\x01\x00\x00"),
		STR("\x01\x01"
		    "a\x02\x01x\x01x"),
		STR("\x01\x01"
		    "a\x02\x01y\x01x"),
		STR("\x01\x01"
		    "b\x00\x01"
		    "a\x00"),
		STR("\x01\x01"
		    "a\x00\x01"
		    "a\x00"),
		STR("\x01\x01"
		    "a\xff\xff\xff\xff\x0f"),
		STR("\x01\x81\x00"
		    "a\x00"),
		STR("\x01\xff\xff\xff\xff\xff\xff\xff"),
	};
	CLEAN_ARENA struct arena *a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct attrs as;
		struct err e = { 0 };

		assert_false(attrs_unpack(bad[i], a, &as, &e));
		assert_string_equal(e.code, "bad-state");
	}
}

static void
test_attrs_read_refuses(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"[]",
		"{\"a\":\"x\"}",
		"{\"a\":[1]}",
		"{\"a\":[{\"b64\":\"!\"}]}",
		"{\"a\":[{}]}",
		"{\"a\":[],\"A\":[]}",
		"{\"\":[]}",
		"{\"a\":null}",
	};
	CLEAN_ARENA struct arena *a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEAN_JSON struct json *j = NULL;
		struct attrs as;
		struct err e = { 0 };

		assert_true(json_parse(str_c(bad[i]), 0, &j, &e));
		assert_false(attrs_read(j, a, &as, &e));
		assert_string_equal(e.code, "bad-attribute");
	}
}

static void
test_vocab_and_kinds(void **state)
{
	(void)state;
	enum leave l;
	size_t n = 0;

	for (const char *const *p = vocab_names(); *p; p++, n++)
		assert_string_equal(vocab_find(*p)->name, *p);
	assert_true(n > 35);
	assert_null(vocab_find("username"));
	assert_int_equal(vocab_find("members")->kinds, 1u << KIND_GROUP);
	assert_int_equal(vocab_find("active")->type, VOCAB_BOOL);
	for (int k = 0; k < KIND_COUNT; k++) {
		assert_ptr_equal(kind_find(kinds[k].name), &kinds[k]);
		assert_non_null(vocab_find(kinds[k].name_attribute));
		for (const struct kind_ref *r = kinds[k].refs; r->attribute; r++) {
			assert_int_equal(vocab_find(r->attribute)->type, VOCAB_REF);
			assert_int_equal(vocab_find(r->attribute)->multi, r->multi);
		}
	}
	assert_null(kind_find("users"));
	for (int i = LEAVE_DISABLE; i <= LEAVE_KEEP; i++) {
		assert_true(leave_parse(leave_name((enum leave)i), &l));
		assert_int_equal(l, i);
	}
	assert_false(leave_parse("burn", &l));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attrs_names_without_case),
		cmocka_unit_test(test_attrs_copied_and_shared),
		cmocka_unit_test(test_attrs_set_of_its_own_values),
		cmocka_unit_test(test_attrs_same_set),
		cmocka_unit_test(test_attrs_pack_is_canonical),
		cmocka_unit_test(test_attrs_round_trips),
		cmocka_unit_test(test_attrs_unpack_refuses_damage),
		cmocka_unit_test(test_attrs_read_refuses),
		cmocka_unit_test(test_vocab_and_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
