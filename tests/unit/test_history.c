/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/mem.h"

struct desk {
	struct history_pool pool;
	struct history room, other;
	char text[4096];
};

static int open_desk(void **state)
{
	struct desk *d = mem_new(sizeof *d);

	history_pool_init(&d->pool, 1u << 20);
	history_init(&d->room, &d->pool);
	history_init(&d->other, &d->pool);
	*state = d;
	return 0;
}

static int close_desk(void **state)
{
	struct desk *d = *state;

	history_clear(&d->room);
	history_clear(&d->other);
	assert_int_equal(d->pool.bytes, 0);
	mem_free(d);
	return 0;
}

static void add(struct history *h, uint64_t seq, const char *type, size_t body_len)
{
	char *body = mem_new(body_len + 1);

	memset(body, 'x', body_len);
	history_add(h, &(struct store_event){.seq = seq,
					     .producer = SPAN("p"),
					     .pseq = seq,
					     .type = span_str(type),
					     .body = span_of(body, body_len)});
	mem_free(body);
}

static void fill(struct history *h, uint64_t first, uint64_t last)
{
	for (uint64_t seq = first; seq <= last; seq++)
		add(h, seq, seq % 2 ? "odd" : "even", 2);
}

/* "2 3 4+", or "database". */
static const char *page(struct desk *d, const struct store_range *range)
{
	struct store_event events[HISTORY_EVENTS_MAX];
	struct store_page p = {.first = 1};
	size_t len = 0;

	if (!history_page(&d->room, range, &p, events))
		return "database";
	d->text[0] = '\0';
	for (size_t i = 0; i < p.count; i++)
		len += (size_t)snprintf(d->text + len, sizeof d->text - len, "%s%llu", i ? " " : "",
					(unsigned long long)events[i].seq);
	snprintf(d->text + len, sizeof d->text - len, "%s", p.more ? "+" : "");
	return d->text;
}

static void history_gives_the_pages_that_it_has(void **state)
{
	struct desk *d = *state;

	fill(&d->room, 5, 12);

	assert_string_equal(page(d, &(struct store_range){.after = 4, .limit = 3}), "5 6 7+");
	assert_string_equal(page(d, &(struct store_range){.after = 9, .limit = 3}), "10 11 12");
	assert_string_equal(page(d, &(struct store_range){.after = 12, .limit = 3}), "");
	assert_string_equal(page(d, &(struct store_range){.after = 99, .limit = 3}), "");
	assert_string_equal(page(d, &(struct store_range){.before = 9, .limit = 2}), "7 8+");
	assert_string_equal(page(d, &(struct store_range){.after = 3, .limit = 3}), "database");
	assert_string_equal(page(d, &(struct store_range){.before = 7, .limit = 3}), "database");
}

/* Whether there is another one before it, only the database knows. */
static void history_that_begins_with_the_first_event_has_all_pages(void **state)
{
	struct desk *d = *state;

	fill(&d->room, 1, 5);

	assert_string_equal(page(d, &(struct store_range){.before = 3, .limit = 5}), "1 2");
	assert_string_equal(page(d, &(struct store_range){.after = 0, .limit = 9}), "1 2 3 4 5");
}

static void history_leaves_out_other_types(void **state)
{
	struct desk *d = *state;
	const struct span types = SPAN("none,even");

	fill(&d->room, 5, 12);

	assert_string_equal(page(d, &(struct store_range){.after = 5, .limit = 3, .types = types}),
			    "6 8 10+");
	assert_string_equal(
		page(d, &(struct store_range){.before = 12, .limit = 2, .types = types}), "8 10+");
	assert_string_equal(
		page(d, &(struct store_range){.before = 12, .limit = 9, .types = types}),
		"database");
}

static void history_ends_a_page_that_is_large(void **state)
{
	struct desk *d = *state;

	for (uint64_t seq = 1; seq <= 4; seq++)
		add(&d->room, seq, "", HISTORY_BYTES_MAX / 5);
	add(&d->room, 5, "", 10);
	assert_string_equal(page(d, &(struct store_range){.after = 0, .limit = 9}), "1 2 3 4 5");
	history_clear(&d->room);
	add(&d->room, 1, "", HISTORY_BYTES_MAX - 1000);
	add(&d->room, 2, "", 100);

	assert_string_equal(page(d, &(struct store_range){.after = 0, .limit = 9}), "1 2");
	history_clear(&d->room);
	add(&d->room, 1, "", 10);
	add(&d->room, 2, "", HISTORY_BYTES_MAX);
	assert_string_equal(page(d, &(struct store_range){.before = 3, .limit = 9}), "database");
}

static void history_keeps_no_more_events_of_a_room_than_a_page_shows(void **state)
{
	struct desk *d = *state;

	fill(&d->room, 1, HISTORY_ROOM_EVENTS + 10);

	assert_int_equal(d->room.count, HISTORY_ROOM_EVENTS);
	assert_false(history_covers(&d->room, 9));
	assert_true(history_covers(&d->room, 10));
}

static void history_keeps_the_last_event_however_large(void **state)
{
	struct desk *d = *state;

	add(&d->room, 1, "", 100);
	add(&d->room, 2, "", HISTORY_ROOM_BYTES * 2);

	assert_int_equal(d->room.count, 1);
	assert_true(history_covers(&d->room, 1));
}

static void pool_drops_the_oldest_of_all_rooms(void **state)
{
	struct desk *d = *state;

	for (uint64_t seq = 1; seq <= 4; seq++) {
		add(&d->room, seq, "", 100000);
		history_clear(&d->other);
		add(&d->other, seq, "", 100000);
	}
	d->pool.max_bytes = 250000;
	add(&d->other, 5, "", 10);

	assert_int_equal(d->room.count, 1);
	assert_true(history_covers(&d->room, 3));
	assert_true(history_covers(&d->other, 3));
	assert_true(d->pool.bytes <= d->pool.max_bytes);
}

static void pool_of_no_size_keeps_nothing(void **state)
{
	struct desk *d = *state;

	d->pool.max_bytes = 0;
	fill(&d->room, 1, 3);

	assert_int_equal(d->room.count, 0);
	assert_string_equal(page(d, &(struct store_range){.after = 0, .limit = 3}), "database");
}

static void history_after_a_gap_begins_anew(void **state)
{
	struct desk *d = *state;

	fill(&d->room, 1, 3);
	fill(&d->room, 7, 8);

	assert_false(history_covers(&d->room, 2));
	assert_string_equal(page(d, &(struct store_range){.after = 6, .limit = 9}), "7 8");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_desk, close_desk)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(history_gives_the_pages_that_it_has),
		TEST(history_that_begins_with_the_first_event_has_all_pages),
		TEST(history_leaves_out_other_types),
		TEST(history_ends_a_page_that_is_large),
		TEST(history_keeps_no_more_events_of_a_room_than_a_page_shows),
		TEST(history_keeps_the_last_event_however_large),
		TEST(pool_drops_the_oldest_of_all_rooms),
		TEST(pool_of_no_size_keeps_nothing),
		TEST(history_after_a_gap_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
