/* SPDX-License-Identifier: Apache-2.0 */
/* Case 2 of RFC 4231, cut to 128 bits; and that a key that is used often signs the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/mac.h"

static const uint8_t expected[MAC_LEN] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e,
					  0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7};

static void mac_is_what_the_standard_says(void **state)
{
	uint8_t mac[MAC_LEN];
	(void)state;

	mac_sign(SPAN("Jefe"), SPAN("what do ya want for nothing?"), mac);

	assert_memory_equal(mac, expected, MAC_LEN);
}

static void key_signs_the_same_each_time(void **state)
{
	struct mac_key *key = mac_key_new(SPAN("Jefe"));
	uint8_t mac[MAC_LEN], other[MAC_LEN];
	(void)state;

	mac_key_sign(key, SPAN("something else"), other);
	mac_key_sign(key, SPAN("what do ya want for nothing?"), mac);

	assert_memory_equal(mac, expected, MAC_LEN);
	assert_memory_not_equal(other, expected, MAC_LEN);
	mac_key_free(&key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mac_is_what_the_standard_says),
		cmocka_unit_test(key_signs_the_same_each_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
