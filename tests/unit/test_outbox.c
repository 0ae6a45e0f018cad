/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept for a slow reader, and what is given up. */
#include "gateway/outbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define COST(len) ((len) + OUTBOX_ENTRY_COST)

static enum err push(struct outbox *o, const char *text, bool droppable, unsigned *dropped)
{
	struct payload *p = payload_new(span_str(text));
	struct outbox_loss loss;
	enum err e = outbox_push(o, p, 0, droppable, &loss);

	*dropped = loss.dropped;
	payload_free(&p);
	return e;
}

/* Returns how many gave way to it. */
static unsigned push_keyed(struct outbox *o, uint64_t key, const char *text, bool droppable)
{
	struct payload *p = payload_new(span_str(text));
	struct outbox_loss loss;

	p->key = key;
	assert_int_equal(outbox_push(o, p, 0, droppable, &loss), OK);
	payload_free(&p);
	return loss.replaced;
}

/* The texts in order, each taken out whole. */
static const char *drained(struct outbox *o)
{
	static char all[256];
	size_t at = 0, sent;

	all[0] = '\0';
	while (!outbox_is_empty(o)) {
		struct payload *p = outbox_first(o, &sent);

		at += (size_t)snprintf(all + at, sizeof all - at, "%.*s ",
				       SPAN_ARGS(payload_text(p)));
		outbox_sent(o, p->len);
	}
	return all;
}

static void outbox_gives_back_in_order_and_counts_bytes(void **state)
{
	struct outbox o;
	unsigned dropped;

	(void)state;
	outbox_init(&o, 1000);
	assert_int_equal(push(&o, "one", true, &dropped), OK);
	assert_int_equal(push(&o, "three", false, &dropped), OK);
	assert_int_equal(o.bytes, COST(3) + COST(5));

	assert_string_equal(drained(&o), "one three ");
	assert_int_equal(o.bytes, 0);
	outbox_fini(&o);
}

static void outbox_over_budget_drops_the_oldest_casts_only(void **state)
{
	struct outbox o;
	unsigned dropped;

	(void)state;
	outbox_init(&o, COST(4) * 4);
	assert_int_equal(push(&o, "evt1", false, &dropped), OK);
	assert_int_equal(push(&o, "cst1", true, &dropped), OK);
	assert_int_equal(push(&o, "cst2", true, &dropped), OK);
	assert_int_equal(push(&o, "evt2", false, &dropped), OK);
	assert_int_equal(dropped, 0);

	assert_int_equal(push(&o, "evt3", false, &dropped), OK);
	assert_int_equal(dropped, 1);
	assert_int_equal(push(&o, "cst3", true, &dropped), OK);
	assert_int_equal(dropped, 1);

	assert_string_equal(drained(&o), "evt1 evt2 evt3 cst3 ");
	outbox_fini(&o);
}

static void outbox_full_of_what_must_arrive_refuses_more_of_it(void **state)
{
	struct outbox o;
	unsigned dropped;

	(void)state;
	outbox_init(&o, COST(4) * 2);
	assert_int_equal(push(&o, "evt1", false, &dropped), OK);
	assert_int_equal(push(&o, "evt2", false, &dropped), OK);

	assert_int_equal(push(&o, "evt3", false, &dropped), ERR_TOO_SLOW);
	assert_int_equal(dropped, 0);
	assert_int_equal(push(&o, "cst1", true, &dropped), OK);
	assert_int_equal(dropped, 1);

	assert_string_equal(drained(&o), "evt1 evt2 ");
	outbox_fini(&o);
}

static void outbox_gives_nothing_up_for_what_does_not_fit_anyway(void **state)
{
	struct outbox o;
	unsigned dropped;
	char big[600];

	(void)state;
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	outbox_init(&o, 500);
	assert_int_equal(push(&o, "cst1", true, &dropped), OK);

	assert_int_equal(push(&o, big, false, &dropped), ERR_TOO_SLOW);
	assert_int_equal(dropped, 0);

	assert_string_equal(drained(&o), "cst1 ");
	outbox_fini(&o);
}

static void outbox_never_drops_what_has_begun_to_leave(void **state)
{
	struct outbox o;
	unsigned dropped;
	size_t sent;

	(void)state;
	outbox_init(&o, COST(4) * 2);
	assert_int_equal(push(&o, "cst1", true, &dropped), OK);
	assert_int_equal(push(&o, "cst2", true, &dropped), OK);
	outbox_sent(&o, 2);
	assert_int_equal(o.bytes, COST(2) + COST(4));

	assert_int_equal(push(&o, "evt1", false, &dropped), OK);
	assert_int_equal(dropped, 1);

	assert_memory_equal(payload_text(outbox_first(&o, &sent)).p, "cst1", 4);
	assert_int_equal(sent, 2);
	assert_string_equal(drained(&o), "cst1 evt1 ");
	outbox_fini(&o);
}

static void outbox_shares_payloads_and_lets_go_of_them(void **state)
{
	struct outbox o;
	struct outbox_loss loss;
	struct payload *p = payload_new(SPAN("shared"));

	(void)state;
	outbox_init(&o, 1000);
	assert_int_equal(outbox_push(&o, p, 0, true, &loss), OK);
	assert_int_equal(outbox_push(&o, p, 3, false, &loss), OK);
	assert_int_equal(p->refs, 3);

	outbox_fini(&o);

	assert_int_equal(p->refs, 1);
	payload_free(&p);
	assert_null(p);
}

static void newer_one_of_a_key_replaces_the_one_that_waits_and_comes_last(void **state)
{
	struct outbox o;
	unsigned dropped;

	(void)state;
	outbox_init(&o, 1000);
	assert_int_equal(push_keyed(&o, 7, "a1", true), 0);
	assert_int_equal(push(&o, "evt", false, &dropped), OK);
	assert_int_equal(push_keyed(&o, 8, "b1", true), 0);

	assert_int_equal(push_keyed(&o, 7, "a2", true), 1);

	assert_int_equal(o.bytes, COST(3) + COST(2) + COST(2));
	assert_string_equal(drained(&o), "evt b1 a2 ");
	assert_int_equal(push_keyed(&o, 7, "a3", true), 0);
	outbox_fini(&o);
}

static void what_has_begun_to_leave_is_not_replaced(void **state)
{
	struct outbox o;

	(void)state;
	outbox_init(&o, 1000);
	push_keyed(&o, 7, "a1", true);
	outbox_sent(&o, 1);

	assert_int_equal(push_keyed(&o, 7, "a2", true), 0);
	assert_int_equal(push_keyed(&o, 7, "a3", true), 1);

	assert_string_equal(drained(&o), "a1 a3 ");
	outbox_fini(&o);
}

static void list_that_must_arrive_gives_way_to_a_newer_one_only(void **state)
{
	struct outbox o;
	unsigned dropped;

	(void)state;
	outbox_init(&o, COST(5) * 3);
	push_keyed(&o, 1, "list1", false);
	assert_int_equal(push(&o, "cast1", true, &dropped), OK);
	assert_int_equal(push_keyed(&o, 1, "list2", false), 1);
	assert_int_equal(push(&o, "evnt1", false, &dropped), OK);

	assert_int_equal(push(&o, "evnt2", false, &dropped), OK);
	assert_int_equal(dropped, 1);

	assert_string_equal(drained(&o), "list2 evnt1 evnt2 ");
	outbox_fini(&o);
}

static void keys_of_dropped_casts_are_forgotten(void **state)
{
	struct outbox o;
	unsigned dropped;

	(void)state;
	outbox_init(&o, COST(5) * 2);
	push_keyed(&o, 7, "cast1", true);
	push_keyed(&o, 8, "cast2", true);
	assert_int_equal(push(&o, "evnt1", false, &dropped), OK);
	assert_int_equal(dropped, 1);

	assert_int_equal(push_keyed(&o, 7, "cast3", true), 0);

	assert_string_equal(drained(&o), "evnt1 cast3 ");
	outbox_fini(&o);
}

static void what_is_owed_fits_and_takes_nothing_from_the_rest(void **state)
{
	struct outbox o;
	struct outbox_loss loss;
	unsigned dropped;
	struct payload *owed = payload_new(SPAN("owed"));

	(void)state;
	owed->owed = true;
	outbox_init(&o, COST(4) * 2);
	assert_int_equal(push(&o, "evt1", false, &dropped), OK);
	assert_int_equal(push(&o, "cst1", true, &dropped), OK);

	assert_int_equal(outbox_push(&o, owed, 0, false, &loss), OK);
	assert_int_equal(outbox_push(&o, owed, 1, false, &loss), OK);

	assert_int_equal(loss.dropped, 0);
	assert_int_equal(o.bytes, COST(4) * 2);
	assert_string_equal(drained(&o), "evt1 cst1 owed owed ");
	assert_int_equal(o.bytes, 0);
	outbox_fini(&o);
	payload_free(&owed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outbox_gives_back_in_order_and_counts_bytes),
		cmocka_unit_test(outbox_over_budget_drops_the_oldest_casts_only),
		cmocka_unit_test(outbox_full_of_what_must_arrive_refuses_more_of_it),
		cmocka_unit_test(outbox_gives_nothing_up_for_what_does_not_fit_anyway),
		cmocka_unit_test(outbox_never_drops_what_has_begun_to_leave),
		cmocka_unit_test(outbox_shares_payloads_and_lets_go_of_them),
		cmocka_unit_test(newer_one_of_a_key_replaces_the_one_that_waits_and_comes_last),
		cmocka_unit_test(what_has_begun_to_leave_is_not_replaced),
		cmocka_unit_test(list_that_must_arrive_gives_way_to_a_newer_one_only),
		cmocka_unit_test(keys_of_dropped_casts_are_forgotten),
		cmocka_unit_test(what_is_owed_fits_and_takes_nothing_from_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
