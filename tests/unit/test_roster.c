/* SPDX-License-Identifier: Apache-2.0 */
/* The roster: users from the first entry to the last, one order, kept states; and a random walk
 * against a model that keeps nothing but a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/mem.h"
#include "proto/roster.h"

static struct item_member member(uint64_t session, const char *user, uint64_t since_ms)
{
	return (struct item_member){
		.session = session,
		.conn_gen = 1,
		.user = span_str(user),
		.name = span_str(user),
		.email = span_str(user),
		.since_ms = since_ms,
	};
}

static struct roster_entry *put(struct roster *r, struct item_member m, bool *first)
{
	return roster_put(r, &m, (incarnation_id){7}, first);
}

static void user_is_there_from_first_entry_to_last(void **state)
{
	(void)state;
	struct roster r;
	bool first;
	roster_init(&r);

	struct roster_entry *a = put(&r, member(1, "ann", 10), &first);
	assert_true(first);
	struct roster_entry *b = put(&r, member(2, "ann", 20), &first);
	assert_false(first);

	assert_int_equal(roster_users(&r), 1);
	assert_int_equal(roster_entries(&r), 2);
	assert_false(roster_remove(&r, a));
	assert_true(roster_remove(&r, b));
	assert_int_equal(roster_users(&r), 0);
	roster_fini(&r);
}

static void putting_a_known_session_again_is_not_its_first(void **state)
{
	(void)state;
	struct roster r;
	bool first;
	roster_init(&r);
	struct roster_entry *e = put(&r, member(1, "ann", 10), &first);
	uint64_t changes = r.changes;

	struct item_member again = member(1, "ann", 99);
	struct roster_entry *f = roster_put(&r, &again, (incarnation_id){8}, &first);

	assert_ptr_equal(e, f);
	assert_false(first);
	assert_int_equal(e->home.v, 8);
	assert_int_equal(e->since_ms, 10);
	assert_int_equal(r.changes, changes);
	roster_fini(&r);
}

static void newer_socket_of_a_session_takes_its_place_in_the_order(void **state)
{
	(void)state;
	struct roster r;
	bool first;
	roster_init(&r);
	struct roster_entry *a = put(&r, member(1, "ann", 10), &first);
	struct roster_entry *b = put(&r, member(2, "bob", 20), &first);

	struct item_member m = member(1, "ann", 30);
	m.conn_gen = 2;
	put(&r, m, &first);

	assert_ptr_equal(r.entries.next, &b->of_roster);
	assert_ptr_equal(r.entries.prev, &a->of_roster);
	assert_int_equal(a->conn_gen, 2);
	roster_fini(&r);
}

static void older_socket_of_a_session_changes_nothing(void **state)
{
	(void)state;
	struct roster r;
	bool first;
	roster_init(&r);
	struct item_member newer = member(1, "ann", 30), older = member(1, "ann", 10);
	newer.conn_gen = 2;
	struct roster_entry *e = roster_put(&r, &newer, (incarnation_id){8}, &first);

	assert_ptr_equal(roster_put(&r, &older, (incarnation_id){7}, &first), e);

	assert_int_equal(e->home.v, 8);
	assert_int_equal(e->conn_gen, 2);
	assert_int_equal(e->since_ms, 30);
	roster_fini(&r);
}

static void entries_are_in_order_of_time_then_session(void **state)
{
	(void)state;
	struct roster r;
	bool first;
	roster_init(&r);
	put(&r, member(9, "c", 20), &first);
	put(&r, member(3, "b", 20), &first);
	put(&r, member(5, "a", 10), &first);

	static const uint64_t order[] = {5, 3, 9};
	size_t i = 0;
	LIST_EACH (&r.entries, it, ahead) {
		struct roster_entry *e = container_of(it, struct roster_entry, of_roster);
		assert_int_equal(e->session.v, order[i++]);
	}
	assert_int_equal(i, 3);
	roster_fini(&r);
}

static void kept_state_is_replaced_forgotten_and_bounded(void **state)
{
	(void)state;
	struct roster r;
	bool first;
	roster_init(&r);
	struct roster_entry *e = put(&r, member(1, "ann", 10), &first);
	struct roster_entry *other = put(&r, member(2, "bob", 20), &first);

	kept_put(&e->kept, SPAN("cursor"), SPAN("{1}"));
	kept_put(&e->kept, SPAN("cursor"), SPAN("{2}"));
	assert_int_equal(kept_count(e->kept), 1);
	assert_true(span_is(kept_at(e->kept, 0).body, "{2}"));
	assert_int_equal(roster_kept_of_others(&r, other), 1);
	assert_int_equal(roster_kept_of_others(&r, e), 0);

	kept_put(&e->kept, SPAN("cursor"), SPAN(""));
	assert_int_equal(kept_count(e->kept), 0);

	static uint8_t big[KEPT_BODY_MAX + 1];
	kept_put(&e->kept, SPAN("big"), span_of(big, sizeof(big)));
	assert_int_equal(kept_count(e->kept), 0);
	kept_put(&e->kept, SPAN("big"), span_of(big, sizeof(big) - 1));
	assert_int_equal(kept_count(e->kept), 1);

	for (int i = 0; i < KEPT_PER_SESSION + 3; i++) {
		char key[16];
		snprintf(key, sizeof(key), "k%d", i);
		kept_put(&e->kept, span_str(key), SPAN("{}"));
	}
	assert_int_equal(kept_count(e->kept), KEPT_PER_SESSION);
	roster_fini(&r);
}

static void state_that_grew_too_big_takes_the_stale_one_with_it(void **state)
{
	(void)state;
	struct roster r;
	bool first;
	static uint8_t big[KEPT_BODY_MAX + 1];
	roster_init(&r);
	struct roster_entry *e = put(&r, member(1, "ann", 10), &first);
	kept_put(&e->kept, SPAN("cursor"), SPAN("{1}"));

	kept_put(&e->kept, SPAN("cursor"), span_of(big, sizeof(big)));

	assert_int_equal(kept_count(e->kept), 0);
	roster_fini(&r);
}

static void roster_survives_its_own_items(void **state)
{
	(void)state;
	struct roster r, copy;
	struct buf items, again;
	bool first;
	roster_init(&r);
	roster_init(&copy);
	buf_init(&items, 1 << 20);
	buf_init(&again, 1 << 20);
	put(&r, member(1, "ann", 10), &first);
	struct roster_entry *e = put(&r, member(2, "bob", 5), &first);
	kept_put(&e->kept, SPAN("typing"), SPAN("{\"type\":\"typing_start\"}"));
	kept_put(&e->kept, SPAN("cursor"), SPAN("{\"type\":\"cursor_position\"}"));

	roster_put_items(&r, &items);
	struct span rest = buf_span(&items);
	struct item_member m;
	while (item_next_member(&rest, &m))
		roster_put(&copy, &m, (incarnation_id){0}, &first);

	assert_non_null(rest.p);
	roster_put_items(&copy, &again);
	assert_int_equal(items.len, again.len);
	assert_memory_equal(items.p, again.p, items.len);
	assert_int_equal(roster_kept_of_others(&copy, NULL), 2);
	buf_fini(&items);
	buf_fini(&again);
	roster_fini(&r);
	roster_fini(&copy);
}

static void name_and_mail_stay_as_the_first_entry_gave_them(void **state)
{
	(void)state;
	struct roster r;
	bool first;
	roster_init(&r);
	put(&r, member(1, "ann", 10), &first);
	struct item_member m = member(2, "ann", 20);
	m.name = SPAN("Renamed");

	struct roster_entry *e = put(&r, m, &first);

	assert_true(span_is(user_name(e->user->who), "ann"));
	roster_fini(&r);
}

/* ---- the model: an array of who is there, and the slowest way to answer each question ---- */

#define MODEL_SESSIONS 40
#define MODEL_USERS 9

struct model_entry {
	bool is_there;
	uint64_t since_ms, conn_gen;
	unsigned user;
};

struct model {
	struct model_entry of[MODEL_SESSIONS];
};

static size_t model_count_user(const struct model *m, unsigned user)
{
	size_t n = 0;
	for (size_t s = 0; s < MODEL_SESSIONS; s++)
		n += m->of[s].is_there && m->of[s].user == user;
	return n;
}

static bool model_before(const struct model *m, size_t a, size_t b)
{
	if (m->of[a].since_ms != m->of[b].since_ms)
		return m->of[a].since_ms < m->of[b].since_ms;
	return a < b;
}

/* How many come before `s`: its place in the order. */
static size_t model_rank(const struct model *m, size_t s)
{
	size_t rank = 0;
	for (size_t o = 0; o < MODEL_SESSIONS; o++)
		rank += m->of[o].is_there && o != s && model_before(m, o, s);
	return rank;
}

static void assert_same(const struct model *m, const struct roster *r)
{
	size_t at = 0, entries = 0, users = 0;

	LIST_EACH (&r->entries, it, ahead) {
		const struct roster_entry *e = container_of(it, struct roster_entry, of_roster);
		size_t s = (size_t)e->session.v - 1;

		assert_true(m->of[s].is_there);
		assert_int_equal(model_rank(m, s), at++);
		assert_int_equal(e->since_ms, m->of[s].since_ms);
		assert_int_equal(e->user->count, model_count_user(m, m->of[s].user));
		assert_ptr_equal(roster_find(r, e->session), e);
	}
	for (size_t s = 0; s < MODEL_SESSIONS; s++)
		entries += m->of[s].is_there;
	for (unsigned u = 0; u < MODEL_USERS; u++)
		users += model_count_user(m, u) > 0;
	assert_int_equal(at, entries);
	assert_int_equal(roster_entries(r), entries);
	assert_int_equal(roster_users(r), users);
}

static void model_put(struct model *m, struct roster *r, size_t s, uint64_t random)
{
	static const char *const names[MODEL_USERS] = {"u0", "u1", "u2", "u3", "u4",
						       "u5", "u6", "u7", "u8"};
	struct model_entry *e = &m->of[s];
	struct item_member item = member(s + 1, names[(s * 7) % MODEL_USERS], 1000 + random % 16);
	bool was_there = e->is_there, first;

	item.conn_gen = 1 + (random >> 8) % 4;
	put(r, item, &first);
	if (!was_there || item.conn_gen > e->conn_gen)
		*e = (struct model_entry){true, item.since_ms, item.conn_gen,
					  (unsigned)((s * 7) % MODEL_USERS)};
	assert_int_equal(first, !was_there && model_count_user(m, e->user) == 1);
}

static void model_remove(struct model *m, struct roster *r, size_t s)
{
	struct roster_entry *found = roster_find(r, (session_id){s + 1});

	assert_int_equal(found != NULL, m->of[s].is_there);
	if (!found)
		return;
	m->of[s].is_there = false;
	assert_int_equal(roster_remove(r, found), model_count_user(m, m->of[s].user) == 0);
}

static void roster_agrees_with_a_naive_model_over_random_operations(void **state)
{
	(void)state;
	uint64_t random = UINT64_C(0x9e3779b97f4a7c15);

	for (int run = 0; run < 40; run++) {
		struct model m = {0};
		struct roster r;
		roster_init(&r);
		for (int i = 0; i < 200; i++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			size_t s = random % MODEL_SESSIONS;
			if ((random >> 40) % 5 < 3)
				model_put(&m, &r, s, random >> 16);
			else
				model_remove(&m, &r, s);
			assert_same(&m, &r);
		}
		roster_fini(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(user_is_there_from_first_entry_to_last),
		cmocka_unit_test(putting_a_known_session_again_is_not_its_first),
		cmocka_unit_test(newer_socket_of_a_session_takes_its_place_in_the_order),
		cmocka_unit_test(older_socket_of_a_session_changes_nothing),
		cmocka_unit_test(entries_are_in_order_of_time_then_session),
		cmocka_unit_test(kept_state_is_replaced_forgotten_and_bounded),
		cmocka_unit_test(state_that_grew_too_big_takes_the_stale_one_with_it),
		cmocka_unit_test(roster_survives_its_own_items),
		cmocka_unit_test(name_and_mail_stay_as_the_first_entry_gave_them),
		cmocka_unit_test(roster_agrees_with_a_naive_model_over_random_operations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
