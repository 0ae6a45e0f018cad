/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks are as long as asked for, do not touch each other, and what is given back is used again or
 * goes back to the kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <unistd.h>

#include "common/slab.h"

#define MANY 20000

struct piece {
	uint8_t *p;
	size_t len;
	uint8_t fill;
};

static struct piece pieces[MANY];
static uint32_t seed;

static uint32_t next(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static void piece_new(struct piece *one)
{
	one->len = 1 + next(SLAB_BLOCK_MAX);
	one->fill = (uint8_t)next(256);
	one->p = slab_new(one->len);
	assert_non_null(one->p);
	assert_int_equal((uintptr_t)one->p % sizeof(void *), 0);
	assert_true(slab_has(one->p));
	assert_in_range(slab_len(one->p), one->len, one->len + 7);
	memset(one->p, one->fill, one->len);
}

static void piece_free(struct piece *one)
{
	for (size_t i = 0; i < one->len; i++)
		assert_int_equal(one->p[i], one->fill);
	slab_free(one->p);
	one->p = NULL;
}

static void blocks_do_not_touch_each_other(void **state)
{
	(void)state;
	seed = 7;

	for (int i = 0; i < MANY; i++)
		piece_new(&pieces[i]);
	for (int i = 0; i < MANY * 3; i++) {
		struct piece *one = &pieces[next(MANY)];

		if (one->p)
			piece_free(one);
		else
			piece_new(one);
	}

	for (int i = 0; i < MANY; i++)
		if (pieces[i].p)
			piece_free(&pieces[i]);
}

static void block_that_is_given_back_is_the_next_of_its_length(void **state)
{
	void *a = slab_new(100), *b = slab_new(100);
	(void)state;

	slab_free(a);
	void *other = slab_new(48), *same = slab_new(104);

	assert_ptr_equal(same, a);
	assert_ptr_not_equal(other, a);
	slab_free(same);
	slab_free(other);
	slab_free(b);
}

static void only_small_blocks_are_from_slabs(void **state)
{
	void *large = test_malloc(SLAB_BLOCK_MAX + 1), *small = slab_new(SLAB_BLOCK_MAX);
	(void)state;

	assert_null(slab_new(0));
	assert_null(slab_new(SLAB_BLOCK_MAX + 1));
	assert_false(slab_has(large));
	assert_false(slab_has(NULL));
	assert_false(slab_has(&large));
	assert_true(slab_has(small));
	test_free(large);
	slab_free(small);
}

/* Pages of these blocks that are in memory. */
static unsigned resident(uint8_t *const *blocks, size_t count)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned pages = 0;
	unsigned char in = 0;

	for (size_t i = 0; i < count; i++) {
		uintptr_t at = (uintptr_t)blocks[i] / page * page;

		assert_int_equal(mincore((void *)at, page, &in), 0); /* NOLINT */
		pages += in & 1;
	}
	return pages;
}

static void memory_of_empty_slabs_goes_back(void **state)
{
	static uint8_t *blocks[MANY];
	(void)state;

	for (int i = 0; i < MANY; i++) {
		blocks[i] = slab_new(200);
		memset(blocks[i], 1, 200);
	}
	unsigned before = resident(blocks, MANY);
	for (int i = 0; i < MANY; i++)
		slab_free(blocks[i]);
	unsigned after = resident(blocks, MANY);
	slab_give_back();
	unsigned at_last = resident(blocks, MANY);

	assert_int_equal(before, MANY);
	assert_in_range(after, 1, MANY / 10); /* one slab is kept */
	assert_int_equal(at_last, 0);
	uint8_t *again = slab_new(400); /* of another length, where the others were */
	memset(again, 1, 400);
	assert_true(slab_has(again));
	slab_free(again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_do_not_touch_each_other),
		cmocka_unit_test(block_that_is_given_back_is_the_next_of_its_length),
		cmocka_unit_test(only_small_blocks_are_from_slabs),
		cmocka_unit_test(memory_of_empty_slabs_goes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
