/* SPDX-License-Identifier: Apache-2.0 */
/* Names become addresses while the loop goes on; what is none stays as it is. */
#include "common/lookup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/lib/until.h"

enum { PATIENCE_MS = 15000 };

/* No name server is asked for it: a label has 63 bytes at most. */
#define NO_NAME "no-such-host-no-such-host-no-such-host-no-such-host-no-such-host-no"

struct asker {
	struct loop *loop;
	struct lookup *lookup;
	struct lookup_found found;
	unsigned calls;
};

static void on_found(void *owner, const struct lookup_found *found)
{
	struct asker *a = owner;

	a->calls++;
	a->found = *found;
	lookup_close(&a->lookup);
}

static bool is_answered(void *asker)
{
	return ((struct asker *)asker)->calls > 0;
}

static void ask(struct asker *a, const char *hosts, const char *ports)
{
	*a = (struct asker){.loop = loop_new()};
	a->lookup = lookup_open(a->loop, hosts, ports, on_found, a);
	assert_int_equal(a->calls, 0);
	assert_true(loop_until(a->loop, PATIENCE_MS, is_answered, a));
	loop_free(&a->loop);
}

static void name_has_the_addresses_that_it_stands_for(void **state)
{
	struct asker a;

	(void)state;
	ask(&a, "localhost", "5433");
	assert_true(a.found.count > 0);
	assert_true(strstr(a.found.addresses, "127.0.0.1") || strstr(a.found.addresses, "::1"));
	assert_int_equal(strncmp(a.found.hosts, "localhost", 9), 0);
	assert_int_equal(strncmp(a.found.ports, "5433", 4), 0);
}

static void lists_stay_of_one_length(void **state)
{
	struct asker a;

	(void)state;
	ask(&a, "10.0.0.1,/run/postgresql,::1", "1,2,3");
	assert_string_equal(a.found.hosts, "10.0.0.1,/run/postgresql,::1");
	assert_string_equal(a.found.addresses, "10.0.0.1,,::1");
	assert_string_equal(a.found.ports, "1,2,3");
	ask(&a, ",10.0.0.1", "");
	assert_string_equal(a.found.hosts, ",10.0.0.1");
	assert_string_equal(a.found.ports, ",");
}

static void one_port_is_that_of_all(void **state)
{
	struct asker a;

	(void)state;
	ask(&a, "10.0.0.1,10.0.0.2", "5433");
	assert_string_equal(a.found.ports, "5433,5433");
}

static void host_without_address_is_left_out_and_named(void **state)
{
	struct asker a;

	(void)state;
	ask(&a, NO_NAME ",10.0.0.2", "1,2");
	assert_string_equal(a.found.hosts, "10.0.0.2");
	assert_string_equal(a.found.ports, "2");
	assert_non_null(strstr(a.found.why, NO_NAME));
	ask(&a, NO_NAME, "");
	assert_int_equal(a.found.count, 0);
}

static void list_that_is_too_long_is_cut_between_two(void **state)
{
	static char hosts[2 * LOOKUP_MAX];
	struct asker a;

	(void)state;
	strcpy(hosts, "10.0.0.1");
	for (size_t len = 8; len + 10 < sizeof hosts; len += 9)
		strcpy(hosts + len, ",10.0.0.1");
	ask(&a, hosts, "1");
	assert_int_equal(strlen(a.found.hosts), a.found.count * 9 - 1);
	assert_true(a.found.count > 100);
}

static void closed_one_is_not_heard(void **state)
{
	struct asker a = {.loop = loop_new()};

	(void)state;
	a.lookup = lookup_open(a.loop, "localhost", "", on_found, &a);
	lookup_close(&a.lookup);
	loop_for(a.loop, 50);
	assert_int_equal(a.calls, 0);
	loop_free(&a.loop);
}

static void only_names_need_it(void **state)
{
	(void)state;
	assert_true(lookup_is_needed("postgres"));
	assert_true(lookup_is_needed("10.0.0.1,postgres.moot"));
	assert_false(lookup_is_needed("10.0.0.1,::1,/run/postgresql,@abstract,"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_has_the_addresses_that_it_stands_for),
		cmocka_unit_test(lists_stay_of_one_length),
		cmocka_unit_test(one_port_is_that_of_all),
		cmocka_unit_test(host_without_address_is_left_out_and_named),
		cmocka_unit_test(list_that_is_too_long_is_cut_between_two),
		cmocka_unit_test(closed_one_is_not_heard),
		cmocka_unit_test(only_names_need_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
