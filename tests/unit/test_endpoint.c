/* SPDX-License-Identifier: Apache-2.0 */
/* What gateways are told to call, by what a shard listens on and is told to say. */
#include "roomd/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <cmocka.h>

static const char *written(const char *listens_on, const char *advertised, const char *bound)
{
	static char out[ENDPOINT_LEN];

	endpoint_to_call(
		&(struct endpoint_plan){.path = "", .host = listens_on, .advertise = advertised},
		bound, out);
	return out;
}

static void one_address_is_told_as_it_is(void **state)
{
	(void)state;
	assert_string_equal(written("10.0.0.7", "", "tcp://10.0.0.7:7400"), "tcp://10.0.0.7:7400");
}

static void what_is_advertised_counts_with_the_port_that_was_bound(void **state)
{
	(void)state;
	assert_string_equal(written("*", "shard-3.moot", "tcp://0.0.0.0:41234"),
			    "tcp://shard-3.moot:41234");
	assert_string_equal(written("10.0.0.7", "shard-3.moot", "tcp://10.0.0.7:7400"),
			    "tcp://shard-3.moot:7400");
}

static void all_addresses_are_told_as_one_that_others_can_call(void **state)
{
	static const char *const all[] = {"*", "0.0.0.0"};
	char host[ENDPOINT_LEN] = "", told[ENDPOINT_LEN];
	struct in_addr at;

	(void)state;
	assert_int_equal(gethostname(host, sizeof host - 1), 0);
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		assert_int_equal(sscanf(written(all[i], "", "tcp://0.0.0.0:7400"),
					"tcp://%127[^:]:7400", told),
				 1);
		if (inet_pton(AF_INET, told, &at) != 1)
			assert_string_equal(told, host);
		else
			assert_true(at.s_addr != htonl(INADDR_ANY) &&
				    ntohl(at.s_addr) >> 24 != IN_LOOPBACKNET);
	}
}

static void what_to_listen_on(void **state)
{
	static const struct {
		struct endpoint_plan plan;
		const char *endpoint;
	} all[] = {
		{{"", "10.0.0.7", 7400, ""}, "tcp://10.0.0.7:7400"},
		{{"", "*", 0, "shard-3.moot"}, "tcp://*:*"},
		{{"/run/moot/1", "*", 7400, ""}, "ipc:///run/moot/1"},
	};
	char out[ENDPOINT_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		endpoint_to_listen(&all[i].plan, out);
		assert_string_equal(out, all[i].endpoint);
	}
}

static void a_path_is_whole_and_has_at_most_107_bytes(void **state)
{
	char path[109];

	(void)state;
	memset(path, '/', sizeof path);
	path[108] = '\0';
	assert_false(endpoint_path_is_good(path));
	path[107] = '\0';
	assert_true(endpoint_path_is_good(path));
	assert_true(endpoint_path_is_good(""));
	assert_true(endpoint_path_is_good("/run/moot/1"));
	assert_false(endpoint_path_is_good("moot/1"));
	assert_false(endpoint_path_is_good("@moot"));
}

static void a_path_is_told_as_it_is(void **state)
{
	char out[ENDPOINT_LEN];

	(void)state;
	endpoint_to_call(&(struct endpoint_plan){"/run/moot/1", "*", 7400, "shard-3.moot"},
			 "ipc:///run/moot/1", out);
	assert_string_equal(out, "ipc:///run/moot/1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_to_listen_on),
		cmocka_unit_test(a_path_is_whole_and_has_at_most_107_bytes),
		cmocka_unit_test(a_path_is_told_as_it_is),
		cmocka_unit_test(one_address_is_told_as_it_is),
		cmocka_unit_test(what_is_advertised_counts_with_the_port_that_was_bound),
		cmocka_unit_test(all_addresses_are_told_as_one_that_others_can_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
