/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/stage.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "proto/limits.h"

#define HEARD_MAX (1u << 20)
#define STEP_NS (10 * NS_PER_MS)

static void list_gateway(struct stage *, unsigned gateway, enum member_state, int64_t age_ms);
static void attach(struct stage *, unsigned gateway, const char *members,
		   const struct msg_attach *seen);
static enum err send(void *owner, struct span route, struct span bytes);
static void hear(struct stage_gateway *, const struct message *);
static void hear_members(struct stage_gateway *, struct span members);
static void hear_history(struct stage_gateway *, const struct msg_history *);
static bool ends_with(struct span *, char mark);
static void put_members(struct buf *, const char *members);

struct stage *stage_new(void)
{
	struct stage *s = mem_new(sizeof *s);

	s->now_ns = 1000 * NS_PER_S;
	s->next_id = 0x100;
	fake_database_init(&s->db);
	for (unsigned i = 0; i < STAGE_GATEWAYS; i++) {
		s->gateways[i].id.v = 0xa0 + i;
		buf_init(&s->gateways[i].heard, HEARD_MAX);
	}
	return s;
}

void stage_free(struct stage **ps)
{
	struct stage *s = *ps;

	for (unsigned i = 0; i < STAGE_SHARDS; i++)
		stage_kill(s, i);
	for (unsigned i = 0; i < STAGE_GATEWAYS; i++) {
		stage_hang_up(s, i);
		buf_fini(&s->gateways[i].heard);
	}
	mem_free(s);
	*ps = NULL;
}

void stage_start(struct stage *s, unsigned shard)
{
	struct stage_shard *one = &s->shards[shard];

	must(!one->shard);
	one->stage = s;
	one->id.v = s->next_id++;
	snprintf(one->name, sizeof one->name, "shard-%u", shard);
	snprintf(one->endpoint, sizeof one->endpoint, "fake:%u", shard);
	one->store = fake_store_new(&s->db);
	one->timers = timers_new(s->now_ns);
	one->shard = shard_new(
		&(struct shard_setup){
			.self = one->id,
			.name = one->name,
			.endpoint = one->endpoint,
			.timers = one->timers,
			.store = one->store,
			.send = send,
			.send_owner = s,
			.history_bytes = 1u << 20,
			.heartbeat_ns = 100 * NS_PER_MS,
			.silence_ns = 3 * NS_PER_S,
			.grace_ns = 10 * NS_PER_S,
			.state_interval_ns = 50 * NS_PER_MS,
			.welcome_wait_ns = 250 * NS_PER_MS,
			.hibernate_ns = s->hibernate_ns,
			.resume_ns = s->resume_ns,
			.poll_ns = NS_PER_S,
			.drain_ns = 30 * NS_PER_S,
			.vote_ns = 2 * NS_PER_S,
		},
		s->now_ns);
}

void stage_kill(struct stage *s, unsigned shard)
{
	struct stage_shard *one = &s->shards[shard];

	if (!one->shard)
		return;
	for (unsigned i = 0; i < STAGE_GATEWAYS; i++)
		if (s->gateways[i].to == one)
			stage_hang_up(s, i);
	shard_free(&one->shard);
	timers_free(&one->timers);
	fake_store_free(&one->store);
}

void stage_turn(struct stage *s)
{
	bool more = true;

	for (unsigned round = 0; more && round < 50; round++) {
		more = false;
		for (unsigned i = 0; i < STAGE_SHARDS; i++) {
			struct stage_shard *one = &s->shards[i];

			if (!one->shard)
				continue;
			shard_on_hint(one->shard, s->db.version);
			more = fake_store_run(one->store) || more;
			timers_run(one->timers, s->now_ns);
			shard_turn(one->shard, s->now_ns, s->now_ns / NS_PER_MS);
		}
		for (unsigned i = 0; i < STAGE_GATEWAYS; i++)
			if (s->gateways[i].to && channel_queued(&s->gateways[i].channel))
				stage_say(s, i);
	}
}

void stage_run(struct stage *s, int64_t ms)
{
	int64_t until_ns = s->now_ns + ms * NS_PER_MS;

	while (s->now_ns < until_ns) {
		s->now_ns += STEP_NS;
		for (size_t i = 0; i < s->db.member_count; i++)
			if (s->db.members[i].state == MEMBER_DEAD)
				s->db.members[i].age_ms += STEP_NS / NS_PER_MS;
		for (unsigned i = 0; i < STAGE_GATEWAYS; i++)
			if (s->gateways[i].to)
				message_put_heartbeat(stage_out(s, i), &(struct msg_heartbeat){0});
		stage_turn(s);
	}
}

size_t stage_slots(const struct stage *s, unsigned shard)
{
	size_t count = 0;

	for (unsigned i = 0; i < SLOTS; i++)
		count += s->db.slots[i].owner.v == s->shards[shard].id.v;
	return count;
}

void stage_list_gateway(struct stage *s, unsigned gateway)
{
	list_gateway(s, gateway, MEMBER_ACTIVE, 0);
}

void stage_list_dead_gateway(struct stage *s, unsigned gateway, int64_t age_ms)
{
	list_gateway(s, gateway, MEMBER_DEAD, age_ms);
}

static void list_gateway(struct stage *s, unsigned gateway, enum member_state state, int64_t age_ms)
{
	struct view_member m = {.id = s->gateways[gateway].id,
				.kind = MEMBER_GATEWAY,
				.state = state,
				.age_ms = age_ms};

	snprintf(m.name, sizeof m.name, "gateway-%u", gateway);
	fake_database_put(&s->db, &m);
}

void stage_call(struct stage *s, unsigned gateway, unsigned shard)
{
	struct stage_gateway *g = &s->gateways[gateway];

	stage_hang_up(s, gateway);
	g->to = &s->shards[shard];
	must(g->to->shard);
	channel_init(&g->channel, g->id, g->to->id, ++g->generation);
	message_put_hello(channel_out(&g->channel),
			  &(struct msg_hello){.revision_min = MESSAGE_REVISION_MIN,
					      .revision_max = MESSAGE_REVISION_MAX,
					      .name = SPAN("gateway")});
}

void stage_hang_up(struct stage *s, unsigned gateway)
{
	struct stage_gateway *g = &s->gateways[gateway];

	if (g->to)
		channel_fini(&g->channel);
	g->to = NULL;
}

struct buf *stage_out(struct stage *s, unsigned gateway)
{
	must(s->gateways[gateway].to);
	return channel_out(&s->gateways[gateway].channel);
}

static enum err collect(void *owner, struct span bytes)
{
	buf_put_span(owner, bytes);
	return OK;
}

void stage_say(struct stage *s, unsigned gateway)
{
	struct stage_gateway *g = &s->gateways[gateway];
	struct buf bytes;
	char route[32];
	int len = snprintf(route, sizeof route, "%u", gateway);

	buf_init(&bytes, LINK_BATCH_MAX);
	enum err e = channel_flush(&g->channel, collect, &bytes);
	must(e == OK);
	shard_receive(g->to->shard, span_of(route, (size_t)len), buf_span(&bytes), s->now_ns);
	buf_fini(&bytes);
	shard_turn(g->to->shard, s->now_ns, s->now_ns / NS_PER_MS);
}

const char *stage_heard(struct stage *s, unsigned gateway)
{
	static char text[HEARD_MAX];
	struct buf *heard = &s->gateways[gateway].heard;

	memcpy(text, heard->p ? heard->p : (const uint8_t *)"", heard->len);
	text[heard->len] = '\0';
	buf_clear(heard);
	return text;
}

const char *stage_heard_of(struct stage *s, unsigned gateway, const char *names)
{
	static char text[HEARD_MAX];
	struct span rest = span_str(stage_heard(s, gateway));
	size_t len = 0;

	text[0] = '\0';
	while (rest.len > 0) {
		struct span one = span_until(&rest, ';'), words = one;
		struct span name = span_until(&words, ' ');
		char wanted[32];

		if (name.len == 0) { /* after "; " */
			one = span_from(one, 1);
			name = span_until(&words, ' ');
		}
		snprintf(wanted, sizeof wanted, "%.*s", SPAN_ARGS(name));
		if (!strstr(names, wanted))
			continue;
		if (span_is(name, "EVENT"))
			span_until(&words, ' ');
		else
			words = span_from(one, name.len + 1);
		len += (size_t)snprintf(text + len, sizeof text - len, "%s%s%s%.*s",
					len > 0 ? "; " : "", wanted, words.len ? " " : "",
					SPAN_ARGS(words));
	}
	return text;
}

void stage_attach(struct stage *s, unsigned gateway, const char *members, uint64_t relay)
{
	attach(s, gateway, members, &(struct msg_attach){.relay = relay});
}

void stage_attach_from(struct stage *s, unsigned gateway, const char *members, uint64_t next)
{
	attach(s, gateway, members, &(struct msg_attach){.next = next});
}

static void attach(struct stage *s, unsigned gateway, const char *members,
		   const struct msg_attach *seen)
{
	const struct stage_gateway *g = &s->gateways[gateway];
	struct buf items;

	buf_init(&items, HEARD_MAX);
	put_members(&items, members);
	must(g->to);
	message_put_attach(
		stage_out(s, gateway),
		&(struct msg_attach){.room = SPAN(STAGE_ROOM),
				     .epoch = s->db.slots[slot_of(SPAN(STAGE_ROOM))].epoch,
				     .relay = seen->relay,
				     .next = seen->next,
				     .members = buf_span(&items)});
	buf_fini(&items);
	stage_say(s, gateway);
}

void stage_join(struct stage *s, unsigned gateway, const char *member)
{
	struct buf items;

	buf_init(&items, HEARD_MAX);
	put_members(&items, member);
	message_put_join(stage_out(s, gateway),
			 &(struct msg_join){.room = SPAN(STAGE_ROOM), .members = buf_span(&items)});
	buf_fini(&items);
	stage_say(s, gateway);
}

void stage_leave(struct stage *s, unsigned gateway, uint64_t session)
{
	message_put_leave(
		stage_out(s, gateway),
		&(struct msg_leave){.room = SPAN(STAGE_ROOM), .session = session, .conn_gen = 1});
	stage_say(s, gateway);
}

void stage_prove(struct stage *s, unsigned gateway, uint64_t session, uint64_t seq, bool lost)
{
	message_put_proved(stage_out(s, gateway), &(struct msg_proved){.room = SPAN(STAGE_ROOM),
								       .session = session,
								       .seq = seq,
								       .lost = lost});
	stage_say(s, gateway);
}

void stage_cast(struct stage *s, unsigned gateway, uint64_t session, const char *key, unsigned keep)
{
	message_put_cast(stage_out(s, gateway), &(struct msg_cast){.room = SPAN(STAGE_ROOM),
								   .session = session,
								   .key = span_str(key),
								   .keep = keep,
								   .body = SPAN("{}")});
	stage_say(s, gateway);
}

void stage_publish(struct stage *s, unsigned gateway, const char *room, uint64_t pseq)
{
	message_put_publish(stage_out(s, gateway), &(struct msg_publish){.room = span_str(room),
									 .producer = SPAN("p"),
									 .pseq = pseq,
									 .body = SPAN("{}")});
	stage_say(s, gateway);
}

static enum err send(void *owner, struct span route, struct span bytes)
{
	struct stage *s = owner;
	struct stage_gateway *g = &s->gateways[route.p[0] - '0'];
	struct span records;
	struct message m;

	if (!g->to || g->deaf)
		return OK;
	if (channel_take(&g->channel, bytes, &records) != OK)
		return OK; /* of an older generation */
	while (records.len > 0) {
		must(message_next(&records, &m) == OK);
		hear(g, &m);
	}
	return OK;
}

/* Then without it. */
static bool ends_with(struct span *s, char mark)
{
	bool does = s->p[s->len - 1] == (uint8_t)mark;

	s->len -= does;
	return does;
}

static void put_members(struct buf *items, const char *members)
{
	struct span rest = span_str(members), one;

	while ((one = span_until(&rest, ' ')).len > 0) {
		struct span conn_gen = span_until(&one, ':');
		struct span session = span_until(&conn_gen, '.');
		bool fresh = ends_with(&one, '!'), is_v0 = ends_with(&one, '~');
		uint64_t number = 0;

		for (size_t i = 0; i < session.len; i++)
			number = 10 * number + (uint64_t)(session.p[i] - '0');
		item_put_member(items,
				&(struct item_member){.session = number,
						      .conn_gen = conn_gen.len ? 2 : 1,
						      .user = one,
						      .name = one,
						      .email = one,
						      .since_ms = number,
						      .tail = is_v0 ? ROSTER_TAIL : ROSTER_NO_TAIL,
						      .fresh = fresh});
	}
}

static void hear_members(struct stage_gateway *g, struct span members)
{
	struct item_member m;
	const char *gap = "";

	buf_put_str(&g->heard, " [");
	while (item_next_member(&members, &m)) {
		buf_printf(&g->heard, "%s%" PRIu64 ":%.*s", gap, m.session, SPAN_ARGS(m.user));
		gap = " ";
	}
	buf_put_str(&g->heard, "]");
}

/* "HISTORY 7 1-9+: 2 3": first and head, whether there is more, and what it shows. */
static void hear_history(struct stage_gateway *g, const struct msg_history *h)
{
	struct span events = h->events;
	struct item_stored e;

	buf_printf(&g->heard, "HISTORY %" PRIu64, h->ask);
	if (h->code) {
		buf_printf(&g->heard, " %s", err_name((enum err)h->code));
		return;
	}
	buf_printf(&g->heard, " %" PRIu64 "-%" PRIu64 "%s:", h->first, h->head, h->more ? "+" : "");
	while (item_next_stored(&events, &e))
		buf_printf(&g->heard, " %" PRIu64, e.seq);
}

static void hear(struct stage_gateway *g, const struct message *m)
{
	size_t before = g->heard.len;

	if (m->type == MESSAGE_HEARTBEAT || m->type == MESSAGE_GREETING ||
	    (m->type == MESSAGE_HEAD && !g->hears_heads))
		return;
	if (before > 0)
		buf_put_str(&g->heard, "; ");
	switch ((int)m->type) {
	case MESSAGE_ATTACHED:
		buf_printf(&g->heard, "ATTACHED %" PRIu64, m->attached.relay);
		break;
	case MESSAGE_ROSTER:
		buf_printf(&g->heard, "%s %" PRIu64, m->roster.covered ? "ROSTER" : "PARTIAL",
			   m->roster.relay);
		hear_members(g, m->roster.members);
		break;
	case MESSAGE_MEMBER_JOINED:
		buf_printf(&g->heard, "JOINED %" PRIu64, m->member_joined.relay);
		hear_members(g, m->member_joined.members);
		break;
	case MESSAGE_MEMBER_LEFT:
		buf_printf(&g->heard, "LEFT %" PRIu64 " %" PRIu64, m->member_left.relay,
			   m->member_left.session);
		break;
	case MESSAGE_WELCOMED:
		buf_printf(&g->heard, "WELCOMED %" PRIu64 "+%" PRIu64 " %" PRIu64,
			   m->welcomed.relay, m->welcomed.count, m->welcomed.session);
		break;
	case MESSAGE_ROOM_STATE:
		buf_printf(&g->heard, "STATE %" PRIu64, m->room_state.relay);
		break;
	case MESSAGE_CAST_OUT:
		buf_printf(&g->heard, "CAST %" PRIu64 " %" PRIu64, m->cast_out.relay,
			   m->cast_out.session);
		break;
	case MESSAGE_ANSWER:
		buf_printf(&g->heard, "ANSWER %" PRIu64 " %" PRIu64, m->answer.ask, m->answer.code);
		hear_members(g, m->answer.members);
		if (m->answer.count)
			buf_printf(&g->heard, " of %" PRIu64, m->answer.count);
		break;
	case MESSAGE_KICKED:
		buf_printf(&g->heard, "KICKED %.*s %" PRIu64 " %.*s", SPAN_ARGS(m->kicked.user),
			   m->kicked.session, SPAN_ARGS(m->kicked.why));
		break;
	case MESSAGE_HISTORY:
		hear_history(g, &m->history);
		break;
	case MESSAGE_HOLD:
		buf_put_str(&g->heard, "HOLD");
		if (!g->keeps_held)
			message_put_held(channel_out(&g->channel),
					 &(struct msg_held){m->hold.move});
		break;
	case MESSAGE_EVENT:
		buf_printf(&g->heard, "EVENT %" PRIu64 " %" PRIu64 ":%" PRIu64, m->event.relay,
			   m->event.seq, m->event.pseq);
		if (m->event.session)
			buf_printf(&g->heard, "@%" PRIu64, m->event.session);
		break;
	case MESSAGE_HEAD:
		buf_printf(&g->heard, "HEAD %" PRIu64, m->head.seq);
		break;
	case MESSAGE_ACK:
		buf_printf(&g->heard, "ACK %" PRIu64 " %" PRIu64, m->ack.pseq, m->ack.seq);
		break;
	case MESSAGE_REFUSED:
		buf_printf(&g->heard, "REFUSED %" PRIu64 " %s", m->refused.pseq,
			   err_name((enum err)m->refused.code));
		if (m->refused.code == ERR_CONFLICT)
			buf_printf(&g->heard, " %" PRIu64 " %.*s", m->refused.seq,
				   SPAN_ARGS(m->refused.body));
		break;
	case MESSAGE_MOVED:
		buf_printf(&g->heard, "MOVED %.*s", SPAN_ARGS(m->moved.endpoint));
		break;
	default:
		buf_put_str(&g->heard, message_name(m->type));
	}
}
