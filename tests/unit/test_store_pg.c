/* SPDX-License-Identifier: Apache-2.0 */
/* The store against a real PostgreSQL with the schema of roomd/schema. */
#include "roomd/store_pg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/mem.h"
#include "tests/lib/cluster.h"
#include "tests/lib/until.h"

enum { PATIENCE_MS = 15000 };

#define ROOM "submission:r"
#define ONE ((incarnation_id){UINT64_C(0xfffffffffffffff1)}) /* negative as a bigint */
#define TWO ((incarnation_id){0x22})

static struct cluster *cluster;

struct desk {
	struct loop *loop;
	struct store *store;
	uint64_t hinted;
	/* the last answer */
	unsigned answers, want;
	enum err err;
	uint64_t version;
	struct view view;
	size_t slots, moved;
	struct store_slot first;
	struct store_stored stored[4];
	char body[128], name[32], field[32];
	unsigned shape;
	uint64_t page_first, page_head, head_first;
	bool more;
	int64_t at_ms;
	bool placed;
	uint64_t publication;
};

static void on_state(void *owner, bool up, const char *why)
{
	(void)owner, (void)up, (void)why;
}

static void on_published(void *owner)
{
	(void)owner;
}

static void on_hint(void *owner, uint64_t version)
{
	((struct desk *)owner)->hinted = version;
}

static void on_done(void *owner, enum err e, uint64_t version)
{
	struct desk *d = owner;

	d->answers++;
	d->err = e;
	d->version = version;
}

static void on_pulled(void *owner, enum err e, const struct store_view *v)
{
	struct desk *d = owner;

	on_done(owner, e, v ? v->version : 0);
	if (!v)
		return;
	view_members_begin(&d->view);
	for (size_t i = 0; i < v->member_count; i++)
		view_put_member(&d->view, &v->members[i]);
	view_members_end(&d->view);
	for (size_t i = 0; i < v->slot_count; i++)
		(void)view_set_slot(&d->view, v->slots[i].slot, v->slots[i].owner,
				    v->slots[i].epoch);
	d->slots = v->slot_count;
}

static void on_assigned(void *owner, enum err e, uint64_t version, const struct store_slot *slots,
			size_t count)
{
	struct desk *d = owner;

	on_done(owner, e, version);
	d->moved = count;
	if (count > 0)
		d->first = slots[0];
}

static bool has_answered(void *what)
{
	const struct desk *d = what;

	return d->answers >= d->want;
}

static bool is_up(void *what)
{
	return store_is_up(((struct desk *)what)->store);
}

static bool is_hinted(void *what)
{
	const struct desk *d = what;

	return d->hinted >= d->version;
}

static void wait_answer(struct desk *d)
{
	d->want++;
	assert_true(loop_until(d->loop, PATIENCE_MS, has_answered, d));
}

static void psql(const char *arguments)
{
	char line[1024];

	snprintf(line, sizeof line, "psql -q -v ON_ERROR_STOP=1 -1 -d '%s' %s >/dev/null",
		 cluster_url(cluster), arguments);
	assert_int_equal(system(line), 0);
}

static int start_cluster(void **state)
{
	(void)state;
	cluster = cluster_new();
	return cluster && cluster_migrate(cluster) ? 0 : -1;
}

static int stop_cluster(void **state)
{
	(void)state;
	cluster_free(&cluster);
	return 0;
}

static int open_desk(void **state)
{
	struct desk *d = mem_new(sizeof *d);

	psql("-c 'DELETE FROM event; DELETE FROM member; UPDATE slot SET owner = NULL, epoch = 0, "
	     "version = 0;"
	     " UPDATE view SET version = 1'");
	view_init(&d->view);
	d->loop = loop_new();
	d->store = store_open(d->loop, cluster_url(cluster), "test",
			      &(struct store_hooks){.on_state = on_state,
						    .on_hint = on_hint,
						    .on_published = on_published,
						    .owner = d});
	*state = d;
	return loop_until(d->loop, PATIENCE_MS, is_up, d) ? 0 : -1;
}

static int close_desk(void **state)
{
	struct desk *d = *state;

	store_close(&d->store);
	loop_for(d->loop, 1);
	loop_free(&d->loop);
	view_fini(&d->view);
	mem_free(d);
	return 0;
}

static void add(struct desk *d, incarnation_id id, const char *name)
{
	struct view_member m = {
		.id = id, .kind = MEMBER_SHARD, .state = MEMBER_ACTIVE, .endpoint = "tcp://host:1"};

	snprintf(m.name, sizeof m.name, "%s", name);
	store_register(d->store, &m, on_done, d);
	wait_answer(d);
	assert_int_equal(d->err, OK);
}

static void pull(struct desk *d, uint64_t since)
{
	store_pull(d->store, since, on_pulled, d);
	wait_answer(d);
	assert_int_equal(d->err, OK);
}

static void assign(struct desk *d, unsigned slot, uint64_t from, incarnation_id to, uint64_t seen)
{
	store_assign(d->store, &(struct store_move){slot, {from}, to}, 1, seen, on_assigned, d);
	wait_answer(d);
	assert_int_equal(d->err, OK);
}

static void store_shows_a_member_that_registered(void **state)
{
	struct desk *d = *state;

	add(d, ONE, "a");
	uint64_t version = d->version;
	pull(d, 0);

	const struct view_member *m = view_member(&d->view, ONE);
	assert_non_null(m);
	assert_string_equal(m->name, "a");
	assert_string_equal(m->endpoint, "tcp://host:1");
	assert_int_equal(m->state, MEMBER_ACTIVE);
	assert_int_equal(d->version, version);
	assert_true(loop_until(d->loop, PATIENCE_MS, is_hinted, d));
}

static void store_finds_the_predecessor_of_a_name_dead(void **state)
{
	struct desk *d = *state;

	add(d, ONE, "a");
	add(d, TWO, "a");
	pull(d, 0);

	assert_int_equal(view_member(&d->view, ONE)->state, MEMBER_DEAD);
	assert_int_equal(view_member(&d->view, TWO)->state, MEMBER_ACTIVE);
}

static void store_does_not_wake_the_dead(void **state)
{
	struct desk *d = *state;

	add(d, ONE, "a");
	add(d, TWO, "a");
	store_set_state(d->store, ONE, MEMBER_ACTIVE, on_done, d);
	wait_answer(d);

	assert_int_equal(d->err, OK);
	assert_int_equal(d->version, 0);
}

/* As if both had been said over a connection that was lost, and were executed after that. */
static void store_moves_a_state_only_forward(void **state)
{
	struct desk *d = *state;

	add(d, ONE, "a");
	store_set_state(d->store, ONE, MEMBER_DRAINING, on_done, d);
	wait_answer(d);
	add(d, ONE, "a");
	pull(d, 0);
	assert_int_equal(view_member(&d->view, ONE)->state, MEMBER_DRAINING);

	store_set_state(d->store, ONE, MEMBER_ACTIVE, on_done, d);
	wait_answer(d);
	assert_int_equal(d->err, OK);
	pull(d, 0);
	assert_int_equal(view_member(&d->view, ONE)->state, MEMBER_DRAINING);
}

static void store_moves_a_slot_only_from_its_owner(void **state)
{
	struct desk *d = *state;

	add(d, ONE, "a");
	add(d, TWO, "b");
	assign(d, 7, 0, ONE, 0);
	assert_int_equal(d->moved, 1);
	assert_true(d->first.owner.v == ONE.v);
	assert_int_equal(d->first.epoch, 1);
	assign(d, 7, 0, TWO, 0);
	assert_int_equal(d->moved, 0);
	assign(d, 7, ONE.v, TWO, 0);
	assert_int_equal(d->moved, 1);
	assert_int_equal(d->first.epoch, 2);
}

static void store_moves_a_slot_only_to_an_active_member(void **state)
{
	struct desk *d = *state;

	add(d, ONE, "a");
	store_set_state(d->store, ONE, MEMBER_DRAINING, on_done, d);
	wait_answer(d);
	assign(d, 7, 0, ONE, 0);
	assert_int_equal(d->moved, 0);
	assign(d, 7, 0, TWO, 0);
	assert_int_equal(d->moved, 0);
}

static void store_pulls_only_what_is_newer(void **state)
{
	struct desk *d = *state;

	add(d, ONE, "a");
	assign(d, 7, 0, ONE, 0);
	uint64_t seven = d->version;
	assign(d, 8, 0, ONE, 0);
	pull(d, 0);
	assert_int_equal(d->slots, 2);
	pull(d, seven);
	assert_int_equal(d->slots, 1);
	assert_true(d->view.slots[7].owner.v == ONE.v);
	assert_true(d->view.slots[8].owner.v == ONE.v);
}

static void store_never_falls_behind_a_version_that_was_seen(void **state)
{
	struct desk *d = *state;

	add(d, ONE, "a");
	assign(d, 7, 0, ONE, 5000);

	assert_int_equal(d->version, 5001);
}

static void store_assigns_everything_at_once(void **state)
{
	struct desk *d = *state;
	struct store_move *moves = mem_new(SLOTS * sizeof *moves);

	add(d, ONE, "a");
	for (unsigned i = 0; i < SLOTS; i++)
		moves[i] = (struct store_move){i, {0}, ONE};
	store_assign(d->store, moves, SLOTS, 0, on_assigned, d);
	mem_free(moves);
	wait_answer(d);

	assert_int_equal(d->moved, SLOTS);
}

static void copy(char *out, size_t cap, struct span text)
{
	assert_true(text.len < cap);
	if (text.len > 0)
		memcpy(out, text.p, text.len);
	out[text.len] = '\0';
}

static void on_appended(void *owner, enum err e, const struct store_stored *stored, size_t count)
{
	struct desk *d = owner;

	on_done(owner, e, 0);
	d->slots = count;
	for (size_t i = 0; stored && i < count && i < ARRAY_LEN(d->stored); i++)
		d->stored[i] = stored[i];
	if (stored)
		copy(d->body, sizeof d->body, stored[0].newer.body);
}

static void on_heads(void *owner, enum err e, const struct store_head *heads, size_t count)
{
	struct desk *d = owner;

	on_done(owner, e, heads ? heads[0].seq : 0);
	d->head_first = heads ? heads[0].first : 0;
	d->slots = count;
}

static void on_page(void *owner, enum err e, const struct store_page *page)
{
	struct desk *d = owner;

	on_done(owner, e, page->count > 0 ? page->events[page->count - 1].seq : 0);
	d->slots = page->count;
	d->page_first = page->first;
	d->page_head = page->head;
	d->more = page->more;
	assert_true(span_is(page->room, ROOM));
	if (page->count == 0)
		return;
	copy(d->body, sizeof d->body, page->events[0].body);
	copy(d->name, sizeof d->name, page->events[0].name);
	copy(d->field, sizeof d->field, page->events[0].field);
	d->shape = page->events[0].shape;
	d->at_ms = page->events[0].at_ms;
}

static void append(struct desk *d, uint64_t epoch, uint64_t head, const char *const *bodies,
		   size_t count)
{
	struct store_append events[4];
	const struct store_slot slot = {7, ONE, epoch};

	assert_true(count <= ARRAY_LEN(events));
	for (size_t i = 0; i < count; i++)
		events[i] = (struct store_append){
			.room = {7, SPAN(ROOM)},
			.head = head,
			.event = {.producer = SPAN("p"),
				  .pseq = i + 1,
				  .type = SPAN("NULL"),
				  .actor = SPAN(""),
				  .name = SPAN("Zo\xc3\xab, \"{}\\"),
				  .shape = 1,
				  .field = SPAN("a,b"),
				  .body = span_str(bodies[i]),
				  .at_ms = INT64_C(1795452331123)},
		};
	store_append(d->store, &(struct store_batch){ONE, &slot, 1, events, count}, on_appended, d);
	wait_answer(d);
	assert_int_equal(d->err, OK);
	assert_int_equal(d->slots, count);
}

static void store_keeps_an_event_byte_for_byte(void **state)
{
	static const char *const body = "{\"a\":\"q\\\"\\\\ ,{}NULL Zo\xc3\xab\\u0000\"}";
	struct desk *d = *state;

	add(d, ONE, "a");
	assign(d, 7, 0, ONE, 0);
	append(d, 1, 0, &body, 1);
	store_read(d->store, &(struct store_range){.room = {7, SPAN(ROOM)}, .limit = 10}, on_page,
		   d);
	wait_answer(d);

	assert_int_equal(d->slots, 1);
	assert_string_equal(d->body, body);
	assert_string_equal(d->name, "Zo\xc3\xab, \"{}\\");
	assert_string_equal(d->field, "a,b");
	assert_int_equal(d->shape, 1);
	assert_true(d->at_ms == INT64_C(1795452331123));
}

static void store_numbers_a_batch_and_knows_it_again(void **state)
{
	static const char *const bodies[] = {"1", "2", "3"};
	struct desk *d = *state;

	add(d, ONE, "a");
	assign(d, 7, 0, ONE, 0);
	append(d, 1, 0, bodies, 2);
	assert_int_equal(d->stored[1].seq, 2);
	assert_false(d->stored[1].known);
	append(d, 1, 2, bodies, 3);
	assert_int_equal(d->stored[0].seq, 1);
	assert_true(d->stored[0].known);
	assert_int_equal(d->stored[2].seq, 3);
	assert_false(d->stored[2].known);
	store_heads(d->store, &(struct store_room){7, SPAN(ROOM)}, 1, on_heads, d);
	wait_answer(d);

	assert_int_equal(d->version, 3);
	assert_int_equal(d->head_first, 1);
}

static void store_forgets_the_first_events_of_a_room_but_never_the_last(void **state)
{
	static const char *const bodies[] = {"1", "2", "3"};
	struct desk *d = *state;

	add(d, ONE, "a");
	assign(d, 7, 0, ONE, 0);
	append(d, 1, 0, bodies, 3);
	psql("-c 'UPDATE event SET at = now()'");
	store_forget(d->store, 3600000, 100, on_done, d);
	wait_answer(d);
	assert_int_equal(d->version, 0); /* how many */

	psql("-c \"UPDATE event SET at = now() - interval '2 hours' WHERE seq <= 2\"");
	store_forget(d->store, 3600000, 1, on_done, d);
	wait_answer(d);
	store_forget(d->store, 3600000, 100, on_done, d);
	wait_answer(d);
	store_heads(d->store, &(struct store_room){7, SPAN(ROOM)}, 1, on_heads, d);
	wait_answer(d);
	assert_int_equal(d->version, 3);
	assert_int_equal(d->head_first, 3);

	psql("-c \"UPDATE event SET at = now() - interval '2 hours'\"");
	store_forget(d->store, 3600000, 100, on_done, d);
	wait_answer(d);
	assert_int_equal(d->version, 0);
}

static void store_reads_a_page_before_an_event(void **state)
{
	static const char *const bodies[] = {"1", "2", "3", "4"};
	struct desk *d = *state;

	add(d, ONE, "a");
	assign(d, 7, 0, ONE, 0);
	append(d, 1, 0, bodies, 4);
	store_read(
		d->store,
		&(struct store_range){
			.room = {7, SPAN(ROOM)}, .before = 4, .limit = 2, .types = SPAN("x,NULL")},
		on_page, d);
	wait_answer(d);

	assert_int_equal(d->slots, 2);
	assert_string_equal(d->body, "2");
	assert_int_equal(d->page_first, 1);
	assert_int_equal(d->page_head, 4);
	assert_true(d->more);
}

static void store_tells_what_an_event_conflicts_with(void **state)
{
	static const char *const bodies[] = {"1", "{\"title\":\"newer\"}"};
	const struct store_slot slot = {7, ONE, 1};
	const struct store_append late = {
		.room = {7, SPAN(ROOM)},
		.head = 2,
		.event = {.producer = SPAN("q"),
			  .pseq = 1,
			  .type = SPAN("NULL"),
			  .field = SPAN("a,b"),
			  .base = 2,
			  .body = SPAN("3")},
	};
	struct desk *d = *state;

	add(d, ONE, "a");
	assign(d, 7, 0, ONE, 0);
	append(d, 1, 0, bodies, 2);
	store_append(d->store, &(struct store_batch){ONE, &slot, 1, &late, 1}, on_appended, d);
	wait_answer(d);

	assert_int_equal(d->err, OK);
	assert_int_equal(d->stored[0].seq, 0);
	assert_int_equal(d->stored[0].newer.seq, 2);
	assert_string_equal(d->body, bodies[1]);
}

static void on_publications(void *owner, enum err e, const struct store_publication *rows,
			    size_t count)
{
	struct desk *d = owner;

	on_done(owner, e, 0);
	d->slots = count;
	d->placed = count > 0 && rows[0].placed;
	d->publication = count > 0 ? rows[0].event.publication : 0;
	if (count > 0)
		copy(d->body, sizeof d->body, rows[0].event.body);
}

static void pull_publications(struct desk *d)
{
	store_publications(d->store, ONE, 10, on_publications, d);
	wait_answer(d);
	assert_int_equal(d->err, OK);
}

static void store_moves_a_publication_into_the_log(void **state)
{
	struct desk *d = *state;
	struct store_append event = {
		.room = {7, SPAN(ROOM)},
		.event = {
			.producer = SPAN("sql"), .pseq = 1, .type = SPAN("e"), .body = SPAN("{}")}};
	add(d, ONE, "a");
	assign(d, 7, 0, ONE, 0);
	psql("-c \"SELECT publish_event('" ROOM "', 'e', '{\\\"a\\\": 1}')\"");

	pull_publications(d); /* no shard has told its slot yet */
	assert_int_equal(d->slots, 1);
	assert_false(d->placed);
	store_place(d->store, &(struct store_room){8, SPAN(ROOM)}, 1, on_done, d);
	wait_answer(d);
	pull_publications(d); /* another's */
	assert_int_equal(d->slots, 0);
	psql("-c 'UPDATE publication SET slot = 7'");
	pull_publications(d);
	assert_int_equal(d->slots, 1);
	assert_true(d->placed);
	assert_string_equal(d->body, "{\"a\": 1}");

	event.event.publication = d->publication;
	store_append(d->store,
		     &(struct store_batch){ONE, &(struct store_slot){7, ONE, 1}, 1, &event, 1},
		     on_appended, d);
	wait_answer(d);
	assert_int_equal(d->stored[0].seq, 1);
	pull_publications(d);
	assert_int_equal(d->slots, 0);
}

static void store_takes_a_slot_again_and_fences_the_epoch_before(void **state)
{
	static const char *const body = "1";
	struct desk *d = *state;
	unsigned slots[] = {7, 8};

	add(d, ONE, "a");
	assign(d, 7, 0, ONE, 0);
	store_take(d->store, &(struct store_claim){ONE, slots, 2, 0}, on_assigned, d);
	wait_answer(d);
	assert_int_equal(d->moved, 1);
	assert_int_equal(d->first.epoch, 2);
	append(d, 1, 0, &body, 1);
	assert_int_equal(d->stored[0].seq, 0);
	append(d, 2, 0, &body, 1);

	assert_int_equal(d->stored[0].seq, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_desk, close_desk)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(store_shows_a_member_that_registered),
		TEST(store_finds_the_predecessor_of_a_name_dead),
		TEST(store_does_not_wake_the_dead),
		TEST(store_moves_a_state_only_forward),
		TEST(store_moves_a_slot_only_from_its_owner),
		TEST(store_moves_a_slot_only_to_an_active_member),
		TEST(store_pulls_only_what_is_newer),
		TEST(store_never_falls_behind_a_version_that_was_seen),
		TEST(store_assigns_everything_at_once),
		TEST(store_keeps_an_event_byte_for_byte),
		TEST(store_numbers_a_batch_and_knows_it_again),
		TEST(store_forgets_the_first_events_of_a_room_but_never_the_last),
		TEST(store_reads_a_page_before_an_event),
		TEST(store_tells_what_an_event_conflicts_with),
		TEST(store_moves_a_publication_into_the_log),
		TEST(store_takes_a_slot_again_and_fences_the_epoch_before),
	};

	return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
