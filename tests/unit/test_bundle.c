/* SPDX-License-Identifier: Apache-2.0 */
/* Several messages as the frames that they are on the wire. */
#include "gateway/bundle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "common/mem.h"

static struct payload *text_of(size_t len, char letter)
{
	char *text = mem_new(len + 1);

	memset(text, letter, len);
	struct payload *p = payload_new(span_of(text, len));

	mem_free(text);
	return p;
}

static void frames_bear_their_lengths_and_no_mask(void **state)
{
	struct payload *one = text_of(2, 'a'), *two = text_of(125, 'b'), *three = text_of(126, 'c'),
		       *four = text_of(300, 'd');
	struct payload *all[] = {one, two, three, four};
	struct bundle b;

	(void)state;
	bundle_init(&b);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		bundle_add(&b, all[i]);
	struct span frames = payload_text(bundle_frames(&b));

	assert_int_equal(frames.len, 2 + 2 + 2 + 125 + 4 + 126 + 4 + 300);
	assert_memory_equal(frames.p,
			    "\x81\x02"
			    "aa\x81\x7d"
			    "bb",
			    8 - 2);
	assert_memory_equal(frames.p + 6 + 125,
			    "\x81\x7e\x00\x7e"
			    "cc",
			    6);
	assert_memory_equal(frames.p + 6 + 125 + 4 + 126,
			    "\x81\x7e\x01\x2c"
			    "dd",
			    6);
	assert_ptr_equal(bundle_frames(&b), b.frames);
	bundle_fini(&b);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		payload_free(&all[i]);
}

static void too_many_bytes_are_no_bundle(void **state)
{
	struct payload *half = text_of(BUNDLE_BYTES / 2, 'a');
	struct bundle b;

	(void)state;
	bundle_init(&b);
	bundle_add(&b, half);
	bundle_add(&b, half);

	assert_null(bundle_frames(&b));
	assert_int_equal(b.count, 2);
	bundle_fini(&b);
	payload_free(&half);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_bear_their_lengths_and_no_mask),
		cmocka_unit_test(too_many_bytes_are_no_bundle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
