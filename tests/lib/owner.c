/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/telling.h"
#include "tests/lib/owner.h"

struct event_text { /* what an event borrows */
	char body[24];
	char producer[PRODUCER_LEN + 1];
};

static struct item_stored event(uint64_t seq, uint64_t session, struct event_text *);
static void say(struct gateway *);

struct item_member owner_member(uint64_t session, const char *user)
{
	return (struct item_member){
		.session = session,
		.conn_gen = 1,
		.user = span_str(user),
		.name = span_str(user),
		.email = SPAN("x@example.org"),
		.since_ms = OWNER_AT_MS,
	};
}

void owner_say_attached(struct gateway *g, uint64_t epoch)
{
	message_put_attached(fake_out(g->shard),
			     &(struct msg_attached){.room = ROOM, .epoch = epoch});
	say(g);
}

void owner_say_joined(struct gateway *g, const struct item_member *m)
{
	struct buf items;

	buf_init(&items, 1024);
	item_put_member(&items, m);
	message_put_member_joined(
		fake_out(g->shard),
		&(struct msg_member_joined){.room = ROOM, .relay = 1, .members = buf_span(&items)});
	buf_fini(&items);
	say(g);
}

void owner_say_welcomed(struct gateway *g, uint64_t session)
{
	message_put_welcomed(
		fake_out(g->shard),
		&(struct msg_welcomed){.room = ROOM, .relay = 2, .count = 2, .session = session});
	say(g);
}

void owner_say_left(struct gateway *g, uint64_t session)
{
	message_put_member_left(fake_out(g->shard),
				&(struct msg_member_left){.room = ROOM, .session = session});
	say(g);
}

void owner_say_head(struct gateway *g, uint64_t seq, uint64_t first)
{
	message_put_head(fake_out(g->shard),
			 &(struct msg_head){.room = ROOM, .seq = seq, .first = first});
	say(g);
}

void owner_say_event(struct gateway *g, uint64_t seq, uint64_t session)
{
	struct event_text text;
	struct item_stored e = event(seq, session, &text);

	message_put_event(fake_out(g->shard), &(struct msg_event){
						      .room = ROOM,
						      .seq = e.seq,
						      .producer = e.producer,
						      .pseq = e.pseq,
						      .type = e.type,
						      .actor = e.actor,
						      .at_ms = e.at_ms,
						      .body = e.body,
						      .name = e.name,
						      .shape = e.shape,
					      });
	say(g);
}

void owner_say_cast(struct gateway *g, uint64_t session, const char *key, const char *to)
{
	message_put_cast_out(fake_out(g->shard), &(struct msg_cast_out){
							 .room = ROOM,
							 .relay = 9,
							 .session = session,
							 .key = span_str(key),
							 .body = SPAN("1"),
							 .type = span_str(key),
							 .shape = SHAPE_DATA,
							 .to = span_str(to),
						 });
	say(g);
}

void owner_say_ack(struct gateway *g, uint64_t session, uint64_t n, uint64_t seq)
{
	char producer[PRODUCER_LEN + 1];

	producer_write((session_id){session}, producer);
	message_put_ack(fake_out(g->shard), &(struct msg_ack){ROOM, span_str(producer), n, seq});
	say(g);
}

void owner_say_refused(struct gateway *g, uint64_t session, const struct msg_refused *m)
{
	struct msg_refused mine = *m;
	char producer[PRODUCER_LEN + 1];

	producer_write((session_id){session}, producer);
	mine.room = ROOM;
	mine.producer = span_str(producer);
	message_put_refused(fake_out(g->shard), &mine);
	say(g);
}

void owner_say_page(struct gateway *g, uint64_t ask, const struct owner_page *p)
{
	struct buf items;

	buf_init(&items, 1 << 16);
	for (uint64_t seq = p->from; seq && seq <= p->to; seq++) {
		struct event_text text;
		struct item_stored e = event(seq, p->author, &text);

		item_put_stored(&items, &e);
	}
	message_put_history(fake_out(g->shard), &(struct msg_history){
							.ask = ask,
							.code = p->code,
							.first = p->first,
							.head = p->head,
							.more = p->to < p->head,
							.events = buf_span(&items),
						});
	buf_fini(&items);
	say(g);
}

void owner_say_kicked(struct gateway *g, const char *user)
{
	message_put_kicked(fake_out(g->shard),
			   &(struct msg_kicked){.room = ROOM, .user = span_str(user)});
	say(g);
}

struct message owner_next(struct gateway *g, enum message_type type)
{
	struct message m;

	do
		m = fake_next(g->shard);
	while (m.type && m.type != type);
	if (m.type != type)
		fail_msg("the owner did not hear %s", message_name(type));
	return m;
}

bool owner_has_heard(struct gateway *g, enum message_type type)
{
	struct message m;
	bool found = false;

	while ((m = fake_next(g->shard)).type)
		found = found || m.type == type;
	return found;
}

static struct item_stored event(uint64_t seq, uint64_t session, struct event_text *text)
{
	snprintf(text->body, sizeof text->body, "%u", (unsigned)seq);
	producer_write((session_id){session}, text->producer);
	return (struct item_stored){
		.seq = seq,
		.producer = session ? span_str(text->producer) : SPAN("an application"),
		.pseq = 10 * seq,
		.type = SPAN("saved"),
		.actor = SPAN("u9"),
		.name = SPAN("Nina"),
		.at_ms = OWNER_AT_MS,
		.shape = SHAPE_DATA,
		.body = span_str(text->body),
	};
}

static void say(struct gateway *g)
{
	fake_say(g->shard, g->now_ns);
	lobby_flush(g);
}
