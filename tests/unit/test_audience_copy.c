/* SPDX-License-Identifier: Apache-2.0 */
/* When the copy of a roster is folded, and that it says the same afterwards. What clients see of it
 * is held in test_audience.c, which runs once with all copies folded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "gateway/audience_inside.h"

struct world {
	struct audience_shared shared;
	struct audience *audience;
	struct attendee *own; /* session 1, of u1 */
};

static void show(void *visit, struct payload *p, bool droppable)
{
	(void)visit, (void)p, (void)droppable;
}

static void welcomed(void *visit)
{
	(void)visit;
}

static const struct audience_sink sink = {.show = show, .welcomed = welcomed};

static void joined(struct world *w, const struct item_member *m)
{
	struct buf items;

	buf_init(&items, LINK_BATCH_MAX);
	item_put_member(&items, m);
	audience_on_member_joined(
		w->audience, &(struct msg_member_joined){.relay = 1, .members = buf_span(&items)});
	buf_fini(&items);
}

static struct item_member member(uint64_t session, const char *user)
{
	return (struct item_member){
		.session = session,
		.conn_gen = 3,
		.user = span_str(user),
		.name = SPAN("Ada"),
		.email = SPAN("ada@example.org"),
		.since_ms = 1000 - session,
		.tail = ROSTER_TAIL,
	};
}

static void come(struct world *w, uint64_t session, const char *user)
{
	const struct item_member m = member(session, user);

	joined(w, &m);
}

static int world_open(void **state)
{
	struct world *w = test_calloc(1, sizeof *w);
	struct user *user = user_new(SPAN("u1"), SPAN("Ada"), SPAN("ada@example.org"));

	audience_shared_init(&w->shared);
	w->audience = audience_new(ROOM_SUBMISSION, SPAN("s1"), &sink, &w->shared);
	w->own = audience_add(
		w->audience, w,
		&(struct entrant){.session = {1}, .conn_gen = 3, .user = user, .since_ms = 999});
	user_free(&user);
	come(w, 1, "u1");
	*state = w;
	return 0;
}

static int world_close(void **state)
{
	struct world *w = *state;

	if (w->own)
		audience_remove(&w->own);
	audience_free(&w->audience);
	assert_true(list_is_empty(&w->shared.open));
	test_free(w);
	return 0;
}

static bool is_folded(const struct world *w)
{
	return list_is_empty(&w->shared.open) && !w->audience->copy;
}

static void rest(struct world *w)
{
	audience_fold(&w->shared);
	audience_fold(&w->shared);
}

static void copy_is_folded_once_nobody_needed_it_between_two_looks(void **state)
{
	struct world *w = *state;

	audience_fold(&w->shared);
	assert_false(is_folded(w));
	(void)audience_copy(w->audience);
	audience_fold(&w->shared);
	assert_false(is_folded(w));
	audience_fold(&w->shared);

	assert_true(is_folded(w));
	assert_int_equal(audience_size(w->audience), 1);
	assert_false(audience_has_others(w->audience));
}

static void folded_copy_says_the_same_when_it_is_unfolded(void **state)
{
	struct world *w = *state;
	struct item_member m = member(7, "u7"), after;
	struct buf kept;
	buf_init(&kept, LINK_BATCH_MAX);
	item_put_kept(&kept, &(struct item_kept){SPAN("typing"), SPAN("{}")});
	m.kept = buf_span(&kept);
	m.proved = 12;
	joined(w, &m);
	uint64_t changes = audience_copy(w->audience)->changes;

	rest(w);

	assert_true(is_folded(w));
	struct roster *copy = audience_copy(w->audience);
	struct roster_entry *e = roster_find(copy, (session_id){7});
	struct buf kept_after;
	buf_init(&kept_after, LINK_BATCH_MAX);
	roster_item(e, &kept_after, &after);
	assert_int_equal(after.conn_gen, 3);
	assert_true(span_eq(after.user, m.user) && span_eq(after.name, m.name));
	assert_true(span_eq(after.email, m.email) && span_eq(after.kept, m.kept));
	assert_int_equal(after.since_ms, m.since_ms);
	assert_int_equal(after.proved, 12);
	assert_int_equal(after.tail, ROSTER_TAIL);
	assert_int_equal(copy->changes, changes);
	assert_ptr_equal(copy->entries.next, &e->of_roster); /* since_ms 993 before 999 */
	buf_fini(&kept_after);
	buf_fini(&kept);
}

static void casts_keep_it_unfolded_for_a_while(void **state)
{
	struct world *w = *state;
	unsigned looks = 0;

	audience_keep(w->own, SPAN("cursor"), 1, SPAN("{}"));
	for (unsigned i = 0; i < 150; i++)
		audience_fold(&w->shared);
	assert_non_null(w->audience->copy);

	for (; !is_folded(w) && looks < 500; looks++)
		audience_fold(&w->shared);
	assert_in_range(looks, 1, 499);
	assert_int_equal(w->shared.busy_count, 0);
}

static void busy_room_that_ends_is_not_looked_at_again(void **state)
{
	struct world *w = *state;

	audience_keep(w->own, SPAN("cursor"), 1, SPAN("{}"));
	audience_drop_copy(w->audience);

	assert_int_equal(w->shared.busy_count, 0);
	assert_true(list_is_empty(&w->shared.busy));
}

static void user_of_a_connection_here_is_kept_once(void **state)
{
	struct world *w = *state;

	rest(w);

	struct roster_entry *e = roster_find(audience_copy(w->audience), (session_id){1});
	assert_ptr_equal(e->user->who, w->own->user);
}

static void who_leaves_this_gateway_while_folded_keeps_his_name(void **state)
{
	struct world *w = *state;
	rest(w);

	audience_remove(&w->own);
	rest(w);

	struct roster_entry *e = roster_find(audience_copy(w->audience), (session_id){1});
	assert_true(span_is(user_id(e->user->who), "u1"));
	assert_true(span_is(user_email(e->user->who), "ada@example.org"));
}

static void user_whom_not_all_were_shown_is_not_folded(void **state)
{
	struct world *w = *state;
	struct item_member m = member(7, "u7");
	struct buf items;
	buf_init(&items, LINK_BATCH_MAX);
	item_put_member(&items, &m);
	audience_on_member_joined(w->audience,
				  &(struct msg_member_joined){.members = buf_span(&items)});
	buf_fini(&items);

	rest(w);
	assert_false(is_folded(w));
	audience_on_room_state(w->audience, &(struct msg_room_state){.relay = 2});
	rest(w);

	assert_true(is_folded(w));
}

static void large_room_is_not_folded(void **state)
{
	struct world *w = *state;
	char user[16];

	for (uint64_t i = 2; i <= 33; i++) {
		snprintf(user, sizeof user, "u%u", (unsigned)i);
		come(w, i, user);
	}
	rest(w);
	assert_false(is_folded(w));
	audience_on_member_left(w->audience, &(struct msg_member_left){.session = 33});
	rest(w);

	assert_true(is_folded(w));
	assert_int_equal(audience_size(w->audience), 32);
}

static void room_that_everybody_left_is_folded_too(void **state)
{
	struct world *w = *state;

	audience_on_member_left(w->audience, &(struct msg_member_left){.session = 1});
	rest(w);

	assert_true(is_folded(w));
	assert_int_equal(audience_size(w->audience), 0);
	assert_null(roster_find(audience_copy(w->audience), (session_id){1}));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		T(copy_is_folded_once_nobody_needed_it_between_two_looks),
		T(folded_copy_says_the_same_when_it_is_unfolded),
		T(casts_keep_it_unfolded_for_a_while),
		T(busy_room_that_ends_is_not_looked_at_again),
		T(user_of_a_connection_here_is_kept_once),
		T(who_leaves_this_gateway_while_folded_keeps_his_name),
		T(user_whom_not_all_were_shown_is_not_folded),
		T(large_room_is_not_folded),
		T(room_that_everybody_left_is_folded_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
