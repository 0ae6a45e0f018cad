/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/crowd.h"

#include <string.h>

#include "common/mem.h"
#include "common/mono.h"

#define STRIDE 7919 /* which room's turn it is: neighbours far apart */
#define TRIES 16    /* somebody else does it when the one whose turn it is cannot */
#define OUT_MAX (128u << 10)

enum turn { TURN_CAST, TURN_STATE, TURN_COMMENT, TURN_APPROVE, TURN_LEAVE, TURN_DROP, TURN_COME };

static void on_open(struct conn *);
static void on_text(struct conn *, struct span text);
static void on_end(struct conn *, unsigned code);
static size_t stride_of(size_t count);
static struct client *next_caster(struct crowd *);
static struct client *next_of(struct crowd *, enum turn);
static bool next_is_hot(const struct crowd *, uint64_t turn);
static void publish(struct crowd *, enum turn, enum publish_kind, int64_t due_ns);

static const struct conn_calls calls = {on_open, on_text, on_end};

struct crowd *crowd_new(const struct crowd_plan *plan, int64_t now_ns)
{
	const struct scenario *s = plan->scenario;
	struct crowd *w = mem_new(sizeof *w);
	struct account_plan account = {.rooms = scenario_rooms(s),
				       .casters = (size_t)s->people_casters,
				       .merge_ns = s->keep_merge_ns,
				       .grace_ns = s->keep_grace_ns};
	size_t *people = mem_new(account.rooms * sizeof *people);

	for (size_t i = 0; i < account.rooms; i++)
		people[i] = scenario_people_of(s, i);
	account.people = people;
	w->scenario = s;
	w->to = plan->to;
	w->from = plan->from;
	w->first = plan->first;
	w->foreign = plan->foreign;
	w->tally = plan->tally;
	w->account = account_new(&account);
	w->rooms = account.rooms;
	w->timers = timers_new(now_ns);
	w->conns = conns_new(&calls);
	w->now_ns = now_ns;
	buf_init(&w->out, OUT_MAX);
	w->padding = mem_new(s->say_bytes + 1);
	memset(w->padding, 'x', s->say_bytes);
	w->count = (size_t)s->people_count;
	w->clients = mem_new(w->count * sizeof *w->clients);
	for (size_t i = 0; i < w->count; i++)
		client_init(&w->clients[i], w, i);
	w->stride = stride_of(w->count);
	mem_free(people);
	return w;
}

/* Whose turn it is next: so many further. By the golden section those of a room are far apart, and
 * those of a gateway are not in a row; a shorter way had 24 at one of three gateways before the
 * next one's turn. None is left out: it has no divisor in common with all. */
static size_t stride_of(size_t count)
{
	size_t stride = count * 618 / 1000 | 1;

	for (;; stride += 2) {
		size_t a = count, b = stride;

		while (b) {
			size_t rest = a % b;

			a = b;
			b = rest;
		}
		if (a == 1)
			return stride;
	}
}

void crowd_free(struct crowd **taken)
{
	struct crowd *w = *taken;

	if (!w)
		return;
	for (size_t i = 0; i < w->count; i++)
		client_fini(&w->clients[i]);
	mem_free(w->clients);
	conns_free(&w->conns);
	timers_free(&w->timers);
	account_free(&w->account);
	buf_fini(&w->out);
	mem_free(w->padding);
	mem_free(w);
	*taken = NULL;
}

void crowd_turn(struct crowd *w, int64_t wait_ns)
{
	int64_t timer_ns = timers_next_ns(w->timers) - mono_now_ns();

	if (timer_ns < wait_ns)
		wait_ns = timer_ns > 0 ? timer_ns : 0;
	size_t read = conns_turn(w->conns, wait_ns);
	crowd_count(w, COUNTER_BYTES, read);
	w->now_ns = mono_now_ns();
	timers_run(w->timers, w->now_ns);
}

static void on_open(struct conn *conn)
{
	struct client *c = container_of(conn, struct client, conn);

	c->crowd->now_ns = mono_now_ns();
	c->dialect->on_open(c);
}

static void on_text(struct conn *conn, struct span text)
{
	struct client *c = container_of(conn, struct client, conn);

	c->crowd->now_ns = mono_now_ns();
	c->dialect->on_text(c, text);
}

static void on_end(struct conn *conn, unsigned code)
{
	struct client *c = container_of(conn, struct client, conn);

	c->crowd->now_ns = mono_now_ns();
	client_lost(c, code);
}

void crowd_come(struct crowd *w, int64_t due_ns)
{
	if (w->turns[TURN_COME] < w->count)
		client_come(&w->clients[w->turns[TURN_COME]++], due_ns);
}

void crowd_cast(struct crowd *w, int64_t due_ns)
{
	for (unsigned i = 0; i < TRIES; i++)
		if (client_cast(next_caster(w), due_ns))
			return;
	crowd_count(w, COUNTER_UNSAID, 1);
}

/* Each its turn, of those who cast. */
static struct client *next_caster(struct crowd *w)
{
	const struct scenario *s = w->scenario;
	uint64_t turn = w->turns[TURN_CAST]++;
	size_t casters = (size_t)s->people_casters;

	if (next_is_hot(w, turn))
		return &w->clients[turn % (casters && casters < scenario_people_of(s, 0)
						   ? casters
						   : scenario_people_of(s, 0))];
	if (!casters)
		return &w->clients[turn * w->stride % w->count];
	size_t room = turn * STRIDE % w->rooms, people = scenario_people_of(s, room);
	size_t first = room ? scenario_people_of(s, 0) + (room - 1) * (size_t)s->people_room : 0;
	size_t place = turn / w->rooms % (casters < people ? casters : people);
	return &w->clients[first + place];
}

/* So many of each hundred, evenly. */
static bool next_is_hot(const struct crowd *w, uint64_t turn)
{
	uint64_t share = (uint64_t)w->scenario->say_hot;

	return (turn + 1) * share / 100 > turn * share / 100;
}

void crowd_state(struct crowd *w, int64_t due_ns)
{
	for (unsigned i = 0; i < TRIES; i++)
		if (client_state_change(next_of(w, TURN_STATE), due_ns))
			return;
	crowd_count(w, COUNTER_UNSAID, 1);
}

void crowd_comment(struct crowd *w, int64_t due_ns)
{
	publish(w, TURN_COMMENT, PUBLISH_COMMENT, due_ns);
}

void crowd_approve(struct crowd *w, int64_t due_ns)
{
	publish(w, TURN_APPROVE, PUBLISH_APPROVE, due_ns);
}

static void publish(struct crowd *w, enum turn turn, enum publish_kind kind, int64_t due_ns)
{
	for (unsigned i = 0; i < TRIES; i++)
		if (client_publish(next_of(w, turn), kind, due_ns))
			return;
	crowd_count(w, COUNTER_UNSAID, 1);
}

static struct client *next_of(struct crowd *w, enum turn which)
{
	uint64_t turn = w->turns[which]++;

	if ((which == TURN_COMMENT || which == TURN_APPROVE) && next_is_hot(w, turn))
		return &w->clients[turn % scenario_people_of(w->scenario, 0)];
	return &w->clients[turn * w->stride % w->count];
}

void crowd_leave(struct crowd *w, int64_t due_ns)
{
	(void)due_ns;
	for (unsigned i = 0; i < TRIES; i++) {
		struct client *c = next_of(w, TURN_LEAVE);

		if (c->state == CLIENT_IN && !c->owed_count) {
			client_leave(c);
			return;
		}
	}
	crowd_count(w, COUNTER_UNSAID, 1);
}

void crowd_drop(struct crowd *w, int64_t due_ns)
{
	(void)due_ns;
	for (unsigned i = 0; i < TRIES; i++) {
		struct client *c = next_of(w, TURN_DROP);

		if (c->state == CLIENT_IN) {
			client_cut(c);
			return;
		}
	}
	crowd_count(w, COUNTER_UNSAID, 1);
}

bool crowd_is_settled(const struct crowd *w)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->clients[i].owed_count || w->clients[i].conn.is_paused)
			return false;
	return w->in + w->gone == w->count && account_is_settled(w->account);
}

void crowd_unanswered(struct crowd *w)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->clients[i].owed_count)
			account_unanswered(w->account, i, w->clients[i].owed_count);
}

bool crowd_end(struct crowd *w)
{
	bool is_over = true;

	w->is_over = true;
	for (size_t i = 0; i < w->count; i++) {
		client_end(&w->clients[i]);
		is_over = is_over && w->clients[i].state != CLIENT_LEAVING;
	}
	return is_over;
}

void crowd_put_padding(const struct crowd *w, struct buf *out)
{
	static const char before[] = ",\"position\":\"";
	size_t len = out->len + sizeof before + 3;
	size_t fill = w->scenario->say_bytes > len ? w->scenario->say_bytes - len : 0;

	buf_put(out, before, sizeof before - 1);
	buf_put(out, w->padding, fill);
	buf_put_u8(out, '"');
}

void crowd_count(struct crowd *w, enum counter counter, uint64_t count)
{
	w->tally->counts[counter] += count;
}

void crowd_refused(struct crowd *w, struct span code)
{
	size_t i = 0, len = code.len < sizeof w->refusals[0].code - 1
				    ? code.len
				    : sizeof w->refusals[0].code - 1;

	while (i < REFUSALS - 1 && w->refusals[i].count &&
	       !span_is(span_of(code.p, len), w->refusals[i].code))
		i++;
	if (!w->refusals[i].count++ && len)
		memcpy(w->refusals[i].code, code.p, len);
	crowd_count(w, COUNTER_REFUSED, 1);
}

void crowd_measure(struct crowd *w, enum measure measure, int64_t from_ns)
{
	histogram_add(&w->tally->of[measure], w->now_ns - from_ns);
}
