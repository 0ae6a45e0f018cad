/* SPDX-License-Identifier: Apache-2.0 */
/* The cluster's key is asked for until it is there, and then never again. The database is a
 * stand-in. */
#include "gateway/keyring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct pg {
	bool is_up;
	unsigned asked;
	pg_done_fn *done;
	void *owner;
};

struct pg_rows {
	size_t count;
	struct span key;
};

bool pg_is_up(const struct pg *pg)
{
	return pg->is_up;
}

void pg_query(struct pg *pg, const char *sql, const struct span *params, size_t count,
	      pg_done_fn *done, void *owner)
{
	(void)params;
	assert_string_equal(sql, "SELECT moot_secret('resume')");
	assert_int_equal(count, 0);
	pg->asked++;
	pg->done = done;
	pg->owner = owner;
}

size_t pg_count(const struct pg_rows *rows)
{
	return rows->count;
}

struct span pg_text(const struct pg_rows *rows, size_t row, size_t col)
{
	assert_true(row < rows->count && col == 0);
	return rows->key;
}

static struct pg pg;
static struct keyring keyring;

static int open_keyring(void **state)
{
	(void)state;
	pg = (struct pg){.is_up = true};
	keyring_init(&keyring, &pg);
	return 0;
}

static void answer(enum err e, size_t count, struct span key)
{
	const struct pg_rows rows = {count, key};

	pg.done(pg.owner, e, e ? NULL : &rows, e ? "away" : NULL);
}

static void key_is_asked_for_once(void **state)
{
	(void)state;
	keyring_fetch(&keyring);
	keyring_fetch(&keyring);
	bool early = keyring_is_ready(&keyring);
	answer(OK, 1, SPAN("secret"));
	keyring_fetch(&keyring);

	assert_false(early);
	assert_true(keyring_is_ready(&keyring));
	assert_int_equal(pg.asked, 1);
	assert_int_equal(keyring.resume.len, 6);
	assert_memory_equal(keyring.resume.bytes, "secret", 6);
}

static void database_that_is_away_is_not_asked(void **state)
{
	(void)state;
	pg.is_up = false;
	keyring_fetch(&keyring);
	unsigned while_away = pg.asked;
	pg.is_up = true;
	keyring_fetch(&keyring);

	assert_int_equal(while_away, 0);
	assert_int_equal(pg.asked, 1);
}

static void key_that_did_not_come_is_asked_for_again(void **state)
{
	static const struct {
		enum err err;
		size_t rows;
		const char *key;
	} failures[] = {
		{ERR_DB_AWAY, 0, ""}, {ERR_DB_UNKNOWN, 0, ""}, {ERR_DB_REFUSED, 0, ""},
		{OK, 0, ""},          {OK, 2, "secret"},       {OK, 1, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
		keyring_fetch(&keyring);
		assert_int_equal(pg.asked, i + 1);
		answer(failures[i].err, failures[i].rows, span_str(failures[i].key));
		assert_false(keyring_is_ready(&keyring));
	}
}

/* The same at each gateway, so what one signed the others know. */
static void key_that_is_too_long_is_cut(void **state)
{
	uint8_t bytes[RESUME_KEY_MAX + 1];

	(void)state;
	memset(bytes, 'k', sizeof bytes);
	keyring_fetch(&keyring);
	answer(OK, 1, span_of(bytes, sizeof bytes));

	assert_int_equal(keyring.resume.len, RESUME_KEY_MAX);
	assert_memory_equal(keyring.resume.bytes, bytes, RESUME_KEY_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(key_is_asked_for_once, open_keyring),
		cmocka_unit_test_setup(database_that_is_away_is_not_asked, open_keyring),
		cmocka_unit_test_setup(key_that_did_not_come_is_asked_for_again, open_keyring),
		cmocka_unit_test_setup(key_that_is_too_long_is_cut, open_keyring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
