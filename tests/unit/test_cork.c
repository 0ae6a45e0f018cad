/* SPDX-License-Identifier: Apache-2.0 */
/* What is said within a turn keeps its order and its texts until it is let go. */
#include "gateway/cork.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/mem.h"

static void what_is_in_it_stays_in_order_though_its_speaker_lets_it_go(void **state)
{
	static const char *const texts[] = {"one", "two", "three"};
	struct cork *c = cork_new(NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct payload *p = payload_new(span_str(texts[i]));

		cork_add(c, p);
		payload_free(&p);
	}

	assert_int_equal(c->bundle.count, ARRAY_LEN(texts));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_true(span_is(payload_text(c->bundle.each[i]), texts[i]));
	cork_free(&c);
	assert_null(c);
	cork_free(&c);
}

static void payload_in_several_is_freed_with_the_last(void **state)
{
	struct payload *p = payload_new(SPAN("shared"));
	struct cork *a = cork_new(NULL), *b = cork_new(NULL);

	(void)state;
	cork_add(a, p);
	cork_add(b, p);
	assert_int_equal(p->refs, 3);
	cork_free(&a);
	assert_int_equal(p->refs, 2);
	cork_free(&b);
	assert_int_equal(p->refs, 1);
	payload_free(&p);
}

static void it_is_full_before_it_is_more_than_one_write(void **state)
{
	struct cork *c = cork_new(NULL);
	struct payload *p;
	char text[BUNDLE_BYTES / 8];

	(void)state;
	memset(text, 'x', sizeof text);
	p = payload_new(span_of(text, sizeof text));
	for (unsigned i = 0; i < 4; i++) {
		assert_false(cork_is_full(c));
		cork_add(c, p);
	}
	assert_false(cork_is_full(c));
	cork_add(c, p);
	assert_true(cork_is_full(c));
	assert_non_null(bundle_frames(&c->bundle));
	cork_free(&c);
	payload_free(&p);
}

static void free_one_is_on_no_list(void **state)
{
	struct cork *c = cork_new(NULL);
	struct list all;

	(void)state;
	list_init(&all);
	list_add_last(&all, &c->of_all);
	cork_free(&c);
	assert_true(list_is_empty(&all));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_in_it_stays_in_order_though_its_speaker_lets_it_go),
		cmocka_unit_test(payload_in_several_is_freed_with_the_last),
		cmocka_unit_test(it_is_full_before_it_is_more_than_one_write),
		cmocka_unit_test(free_one_is_on_no_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
