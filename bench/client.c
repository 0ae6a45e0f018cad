/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/crowd.h"
#include "common/mem.h"

#define DEADLINE_NS (15 * NS_PER_S) /* from connecting to being in the room */
#define RETRY_MIN_NS (50 * NS_PER_MS)
#define RETRY_MAX_NS (3 * NS_PER_S)
#define NAME "bench-"

static void client_connect(struct client *);
static void client_wait(struct client *, bool at_once);
static bool is_final(unsigned code);
static void on_timer(struct timer *, int64_t now_ns);
static void on_silence(struct client *);
static void on_pace(struct timer *, int64_t now_ns);
static void on_again(struct timer *, int64_t now_ns);
static int64_t jitter(int64_t ns);

static const struct dialect *const foreign[] = {
	&dialect_limit,
	&dialect_socketio,
	&dialect_centrifugo,
};

const struct dialect *dialect_find(const char *server)
{
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
		if (!strcmp(foreign[i]->server, server))
			return foreign[i];
	return NULL;
}

void client_init(struct client *c, struct crowd *crowd, size_t person)
{
	const struct scenario *s = crowd->scenario;
	size_t percent = person * 37 % 100; /* neighbours are not all alike */

	c->crowd = crowd;
	c->person = person;
	c->room = scenario_room_of(s, person);
	c->is_slow = (person * 61 + 50) % 100 < (size_t)s->people_slow;
	c->dialect = crowd->foreign                   ? crowd->foreign
		     : percent < (size_t)s->people_v0 ? &dialect_v0
						      : &dialect_native;
	conn_init(&c->conn, crowd->conns);
	list_init(&c->timer.node);
	list_init(&c->pace.node);
	list_init(&c->again.node);
	if (c->is_slow)
		account_slow(crowd->account, person);
}

void client_fini(struct client *c)
{
	timers_disarm(c->crowd->timers, &c->timer);
	timers_disarm(c->crowd->timers, &c->pace);
	timers_disarm(c->crowd->timers, &c->again);
	conn_drop(&c->conn);
	mem_free(c->owed);
}

void client_come(struct client *c, int64_t due_ns)
{
	c->from_ns = due_ns;
	c->was_in = c->has_seq = false;
	c->resume[0] = '\0'; /* who left has ended his session */
	c->n = 0;
	c->crowd->connecting++;
	client_connect(c);
}

/* The first try goes to its own gateway, the next ones around. */
static void client_connect(struct client *c)
{
	struct crowd *crowd = c->crowd;
	const struct targets *to = &crowd->to, *from = &crowd->from;
	size_t at = scenario_gateway_of(crowd->scenario, c->person) + c->tries;
	struct buf path;
	struct websocket_request request = {.host = "moot-bench", .protocol = c->dialect->protocol};
	struct conn_plan plan = {
		.to = &to->at[at % to->count],
		.from = from->count ? &from->at[c->person % from->count] : NULL,
		.request = &request,
		.is_slow = c->is_slow,
	};

	buf_init(&path, 1024);
	c->dialect->put_path(c, &path);
	buf_put_u8(&path, '\0');
	request.path = (const char *)path.p;
	c->state = CLIENT_CONNECTING;
	c->was_silent = false;
	timers_arm(crowd->timers, &c->timer, crowd->now_ns + DEADLINE_NS, on_timer);
	if (conn_open(&c->conn, &plan))
		client_lost(c, errno == EMFILE || errno == EADDRNOTAVAIL ? 4400 : 1006);
	buf_fini(&path);
}

void client_is_in(struct client *c, const struct account_entry *entry)
{
	struct crowd *crowd = c->crowd;
	const struct scenario *s = crowd->scenario;

	account_enter(crowd->account, c->person, entry, crowd->now_ns);
	crowd_measure(crowd, c->was_in ? MEASURE_BACK : MEASURE_READY, c->from_ns);
	crowd_count(crowd, COUNTER_OPENED, 1);
	if (!c->was_in)
		crowd->connecting--;
	crowd->in++;
	c->state = CLIENT_IN;
	c->was_in = true;
	c->tries = 0;
	timers_disarm(crowd->timers, &c->timer);
	if (c->dialect->ping)
		timers_arm(crowd->timers, &c->timer, crowd->now_ns + c->ping_ns, on_timer);
	if (c->is_slow)
		timers_arm(crowd->timers, &c->pace, crowd->now_ns + jitter(s->people_slow_every_ns),
			   on_pace);
	client_say_again(c);
}

void client_lost(struct client *c, unsigned code)
{
	struct crowd *crowd = c->crowd;
	bool left = c->state == CLIENT_LEAVING;

	timers_disarm(crowd->timers, &c->timer);
	timers_disarm(crowd->timers, &c->pace);
	timers_disarm(crowd->timers, &c->again);
	if (c->state == CLIENT_IN) {
		crowd->in--;
		c->from_ns = crowd->now_ns;
		account_lose(crowd->account, c->person, crowd->now_ns);
		crowd_count(crowd, COUNTER_LOST, 1);
	}
	if (left && !crowd->is_over) {
		c->state = CLIENT_AWAY;
		timers_arm(crowd->timers, &c->timer,
			   crowd->now_ns + jitter(crowd->scenario->say_away_ns), on_timer);
	} else if (is_final(code) || left) {
		c->state = CLIENT_GONE;
		crowd->connecting -= !c->was_in;
		crowd->gone += !left;
		crowd->gone_code = left ? crowd->gone_code : code;
	} else {
		client_wait(c, code == 1012 && c->tries == 0);
	}
}

static void client_wait(struct client *c, bool at_once)
{
	int64_t wait_ns = RETRY_MIN_NS << (c->tries < 6 ? c->tries : 6);

	if (wait_ns > RETRY_MAX_NS)
		wait_ns = RETRY_MAX_NS;
	c->tries++;
	c->state = CLIENT_WAITING;
	timers_arm(c->crowd->timers, &c->timer, c->crowd->now_ns + (at_once ? 0 : jitter(wait_ns)),
		   on_timer);
}

static bool is_final(unsigned code)
{
	return (code >= 4400 && code < 4500) || (code >= 400 && code < 500);
}

void client_leave(struct client *c)
{
	struct crowd *crowd = c->crowd;

	account_leave(crowd->account, c->person, crowd->now_ns);
	crowd_count(crowd, COUNTER_LEFT, 1);
	crowd->in--;
	c->state = CLIENT_LEAVING;
	conn_pause(&c->conn, false);
	timers_arm(crowd->timers, &c->timer, crowd->now_ns + DEADLINE_NS, on_timer);
	conn_close(&c->conn, 1000);
}

void client_cut(struct client *c)
{
	struct crowd *crowd = c->crowd;

	crowd_count(crowd, COUNTER_DROPPED, 1);
	crowd->tally->counts[COUNTER_LOST]--; /* it is our doing */
	conn_drop(&c->conn);
	client_lost(c, 1006);
}

void client_end(struct client *c)
{
	if (c->state != CLIENT_IN)
		return;
	c->crowd->in--;
	c->state = CLIENT_LEAVING;
	conn_pause(&c->conn, false);
	conn_close(&c->conn, 1000);
}

static void on_timer(struct timer *t, int64_t now_ns)
{
	struct client *c = container_of(t, struct client, timer);

	c->crowd->now_ns = now_ns;
	if (c->state == CLIENT_AWAY && !c->crowd->is_over) {
		c->tries = 0;
		client_come(c, now_ns);
	} else if (c->state == CLIENT_WAITING && !c->crowd->is_over) {
		client_connect(c);
	} else if (c->state == CLIENT_IN) {
		on_silence(c);
	} else if (c->state == CLIENT_CONNECTING || c->state == CLIENT_LEAVING) {
		conn_drop(&c->conn);
		client_lost(c, 1006);
	}
}

/* Time for a ping; without any word since the last one, the connection is dead. */
static void on_silence(struct client *c)
{
	if (c->was_silent && !c->conn.is_paused) {
		conn_drop(&c->conn);
		client_lost(c, 1006);
		return;
	}
	c->was_silent = true;
	client_say(c, span_str(c->dialect->ping));
	timers_arm(c->crowd->timers, &c->timer, c->crowd->now_ns + c->ping_ns, on_timer);
}

static void on_pace(struct timer *t, int64_t now_ns)
{
	struct client *c = container_of(t, struct client, pace);
	const struct scenario *s = c->crowd->scenario;
	bool on = !c->conn.is_paused && !c->crowd->is_over;

	conn_pause(&c->conn, on);
	timers_arm(c->crowd->timers, &c->pace,
		   now_ns + (on ? s->people_slow_pause_ns : s->people_slow_every_ns), on_pace);
}

static void on_again(struct timer *t, int64_t now_ns)
{
	struct client *c = container_of(t, struct client, again);

	c->crowd->now_ns = now_ns;
	client_say_again(c);
}

bool client_cast(struct client *c, int64_t due_ns)
{
	struct crowd *crowd = c->crowd;
	struct mark mark = {.person = c->person, .due_ns = due_ns};

	if (c->state != CLIENT_IN)
		return false;
	mark.number = account_cast(crowd->account, c->person, crowd->now_ns);
	buf_clear(&crowd->out);
	c->dialect->put_cast(c, &mark, &crowd->out);
	client_say(c, buf_span(&crowd->out));
	crowd_count(crowd, COUNTER_CASTS, 1);
	return true;
}

bool client_state_change(struct client *c, int64_t due_ns)
{
	(void)due_ns;
	if (c->state != CLIENT_IN || !c->dialect->put_state)
		return false;
	c->is_typing = !c->is_typing;
	buf_clear(&c->crowd->out);
	c->dialect->put_state(c, c->is_typing, &c->crowd->out);
	client_say(c, buf_span(&c->crowd->out));
	crowd_count(c->crowd, COUNTER_STATES, 1);
	return true;
}

/* Who has just lost his connection publishes when he is back: that is how long it takes. */
bool client_publish(struct client *c, enum publish_kind kind, int64_t due_ns)
{
	struct crowd *crowd = c->crowd;
	bool may = c->state == CLIENT_IN ||
		   (c->was_in && (c->state == CLIENT_WAITING || c->state == CLIENT_CONNECTING));

	if (!c->dialect->is_native || !may || c->owed_count == OWED_MAX)
		return false;
	if (!c->owed)
		c->owed = mem_new(OWED_MAX * sizeof *c->owed);
	struct owed *o = &c->owed[c->owed_count++];
	*o = (struct owed){.n = ++c->n,
			   .number = account_publish(crowd->account, c->person),
			   .kind = kind,
			   .due_ns = due_ns};
	crowd_count(crowd, COUNTER_PUBLISHES, 1);
	if (c->state == CLIENT_IN && !timers_is_armed(&c->again)) {
		buf_clear(&crowd->out);
		client_put_publish(c, o, &crowd->out);
		client_say(c, buf_span(&crowd->out));
	}
	return true;
}

void client_say_again(struct client *c)
{
	timers_disarm(c->crowd->timers, &c->again);
	for (size_t i = 0; i < c->owed_count && c->state == CLIENT_IN; i++) {
		buf_clear(&c->crowd->out);
		client_put_publish(c, &c->owed[i], &c->crowd->out);
		client_say(c, buf_span(&c->crowd->out));
	}
}

void client_refused_for_now(struct client *c, int64_t wait_ns)
{
	timers_arm(c->crowd->timers, &c->again, c->crowd->now_ns + wait_ns, on_again);
}

void client_answered(struct client *c, uint64_t n, uint64_t seq)
{
	struct crowd *crowd = c->crowd;
	size_t i = 0;

	while (i < c->owed_count && c->owed[i].n != n)
		i++;
	if (i == c->owed_count)
		return; /* it was answered before, and said again meanwhile */
	if (seq) {
		account_ack(crowd->account, c->person, c->owed[i].number, seq);
		crowd_count(crowd, COUNTER_ACKED, 1);
		if (!c->is_slow)
			crowd_measure(crowd, MEASURE_ACK, c->owed[i].due_ns);
	} else {
		account_refuse(crowd->account, c->person, c->owed[i].number);
	}
	c->owed_count--;
	memmove(&c->owed[i], &c->owed[i + 1], (c->owed_count - i) * sizeof *c->owed);
}

void client_forget(struct client *c)
{
	crowd_count(c->crowd, COUNTER_FORGOTTEN, 1);
	for (size_t i = 0; i < c->owed_count; i++)
		account_refuse(c->crowd->account, c->person, c->owed[i].number);
	c->owed_count = 0;
	c->n = 0;
}

void client_say(struct client *c, struct span text)
{
	if (!conn_say(&c->conn, text)) { /* a server that does not read is the finding */
		conn_drop(&c->conn);
		client_lost(c, 1006);
	}
}

void client_hear(struct client *c, const struct mark *mark)
{
	if (!account_hear(c->crowd->account, c->person, mark->person, mark->number))
		return;
	crowd_count(c->crowd, COUNTER_HEARD, 1);
	if (!c->is_slow)
		crowd_measure(c->crowd, MEASURE_CAST, mark->due_ns);
}

struct span client_user(const struct client *c, char out[32])
{
	int len = snprintf(out, 32, NAME "%zu", c->crowd->first + c->person);

	return span_of(out, (size_t)len);
}

bool client_person_of(const struct client *c, struct span user, size_t *person)
{
	if (!span_starts(user, NAME))
		return false;
	size_t number = (size_t)told_number(span_from(user, sizeof NAME - 1));
	*person = number - c->crowd->first;
	return number >= c->crowd->first && *person < c->crowd->count;
}

/* Half of it to all of it, so that those who were cut off together do not come back together. */
static int64_t jitter(int64_t ns)
{
	return ns / 2 + (int64_t)((double)ns / 2 * ((double)random() / (double)RAND_MAX));
}
