/* SPDX-License-Identifier: Apache-2.0 */
/* The hash table, alone and against an array. */
#include "common/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include <stdio.h>

static void map_finds_what_was_added_and_nothing_else(void **state)
{
	struct map m;
	int a, b, empty;

	(void)state;
	map_init(&m);
	assert_null(map_find(&m, SPAN("a")));
	assert_null(map_remove(&m, SPAN("a")));
	map_add(&m, SPAN("a"), &a);
	map_add(&m, SPAN("ab"), &b);
	map_add(&m, SPAN_NONE, &empty);
	assert_ptr_equal(map_find(&m, SPAN("a")), &a);
	assert_ptr_equal(map_find(&m, SPAN("ab")), &b);
	assert_ptr_equal(map_find(&m, SPAN("")), &empty);
	assert_null(map_find(&m, SPAN("b")));
	assert_ptr_equal(map_remove(&m, SPAN("a")), &a);
	assert_null(map_find(&m, SPAN("a")));
	assert_int_equal(m.len, 2);
	map_fini(&m);
}

static void map_keeps_any_number_as_key(void **state)
{
	static const uint64_t keys[] = {0, 1, 16, UINT64_MAX, UINT64_C(1) << 63};
	struct map m;

	(void)state;
	map_init(&m);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		map_add_u64(&m, keys[i], (void *)(uintptr_t)&keys[i]);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		assert_ptr_equal(map_find_u64(&m, keys[i]), &keys[i]);
	assert_null(map_find_u64(&m, 2));
	assert_ptr_equal(map_remove_u64(&m, 0), &keys[0]);
	assert_null(map_find_u64(&m, 0));
	map_fini(&m);
}

static void map_grows_and_shrinks_with_its_entries(void **state)
{
	static uint64_t values[20000];
	struct map m;

	(void)state;
	map_init(&m);
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		map_add_u64(&m, i * 4096, &values[i]);
	assert_true(m.cap >= m.len / 3 * 4);
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		assert_ptr_equal(map_remove_u64(&m, i * 4096), &values[i]);
	assert_int_equal(m.len, 0);
	assert_int_equal(m.cap, 16);
	map_fini(&m);
}

/* Most maps never have more: they are to cost no more than that. */
static void small_map_has_hardly_a_free_slot(void **state)
{
	static const uint64_t keys[] = {7, 0, UINT64_MAX, 3, 9};
	struct map m;

	(void)state;
	map_init(&m);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		map_add_u64(&m, keys[i], (void *)(uintptr_t)&keys[i]);
		assert_in_range(m.cap, m.len, m.len + 1);
	}
	assert_ptr_equal(map_remove_u64(&m, 0), &keys[1]);
	assert_null(map_find_u64(&m, 0));
	assert_ptr_equal(map_find_u64(&m, 9), &keys[4]);
	assert_int_equal(m.len, 4);
	map_fini(&m);
}

static void map_next_walks_every_value_once(void **state)
{
	int values[100], *v;
	unsigned seen[100] = {0};
	struct map m;
	size_t at = 0;

	(void)state;
	map_init(&m);
	assert_null(map_next(&m, &at));
	for (uint64_t i = 0; i < 100; i++)
		map_add_u64(&m, i, &values[i]);
	at = 0;
	while ((v = map_next(&m, &at)))
		seen[v - values]++;
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(seen[i], 1);
	map_fini(&m);
}

static uint64_t next_random(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	return *s ^= *s << 17;
}

/* Few keys in a small table: runs collide, wrap round the end and shrink all the time. */
static void map_agrees_with_an_array_on_random_operations(void **state)
{
	enum { KEYS = 60 };
	char names[KEYS][16];
	bool there[KEYS] = {0};
	uint64_t seed = 0x9e3779b97f4a7c15;
	size_t len = 0;
	struct map m;

	(void)state;
	map_init(&m);
	for (int i = 0; i < KEYS; i++)
		snprintf(names[i], sizeof(names[i]), "k%d", i);
	for (int turn = 0; turn < 200000; turn++) {
		size_t i = next_random(&seed) % KEYS;
		struct span key = span_str(names[i]);
		/* the share of additions swings, so the table is nearly empty and nearly full in
		 * turn */
		bool add = next_random(&seed) % 100 < (turn / 1000 % 2 ? 80 : 20);
		if (add && !there[i])
			map_add(&m, key, names[i]);
		if (!add)
			assert_ptr_equal(map_remove(&m, key), there[i] ? names[i] : NULL);
		len += (size_t)add - (size_t)there[i];
		there[i] = add;
		size_t other = next_random(&seed) % KEYS;
		assert_ptr_equal(map_find(&m, span_str(names[other])),
				 there[other] ? names[other] : NULL);
		assert_int_equal(m.len, len);
	}
	map_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_finds_what_was_added_and_nothing_else),
		cmocka_unit_test(map_keeps_any_number_as_key),
		cmocka_unit_test(map_grows_and_shrinks_with_its_entries),
		cmocka_unit_test(small_map_has_hardly_a_free_slot),
		cmocka_unit_test(map_next_walks_every_value_once),
		cmocka_unit_test(map_agrees_with_an_array_on_random_operations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
