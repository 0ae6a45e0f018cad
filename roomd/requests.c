/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/requests.h"

#include <string.h>

#include "common/json.h"
#include "common/log.h"
#include "proto/slot.h"
#include "roomd/notice.h"

typedef enum err request_fn(const struct requests *, struct feed *, const struct message *,
			    int64_t now_ns);

#define MESSAGE(id, NAME, name, direction, since, doc) DECLARE_##direction(name)
#define DECLARE_TO_SHARD(name) static request_fn on_##name;
#define DECLARE_BOTH(name) static request_fn on_##name;
#define DECLARE_TO_GATEWAY(name)
#define ITEM(name, doc)
#define FIELD(kind, name, doc)
#define END(name)
#include "proto/message.def"
#undef MESSAGE

#define MESSAGE(id, NAME, name, direction, since, doc) HANDLE_##direction(id, name)
#define HANDLE_TO_SHARD(id, name) [id] = on_##name,
#define HANDLE_BOTH(id, name) [id] = on_##name,
#define HANDLE_TO_GATEWAY(id, name)
static request_fn *const handlers[256] = {
#include "proto/message.def"
};
#undef MESSAGE
#undef ITEM
#undef FIELD
#undef END

static enum err on_room_message(const struct requests *, struct feed *, const struct message *,
				struct span key, int64_t now_ns);
static enum err on_question(const struct requests *, struct feed *, const struct message *,
			    struct span key, int64_t now_ns);
static uint64_t ask_of(const struct message *question);
static bool is_ours(const struct requests *, struct span key, uint64_t epoch);
static uint64_t epoch_of(const struct requests *, struct span key);
static bool is_key(struct span key);
static bool is_publish(const struct msg_publish *);
static void say_not_owner(const struct requests *, struct feed *, struct span key);

enum err requests_take(const struct requests *q, struct feed *f, const struct message *m,
		       int64_t now_ns)
{
	unsigned type = (unsigned)m->type;

	if (type >= ARRAY_LEN(handlers) || !handlers[type])
		return ERR_BAD_MESSAGE; /* a row that only a shard may say */
	return handlers[type](q, f, m, now_ns);
}

/* Opening a generation is feed_set's; a second one within it makes no sense. */
static enum err on_hello(const struct requests *q, struct feed *f, const struct message *m,
			 int64_t now_ns)
{
	(void)q, (void)f, (void)m, (void)now_ns;
	return ERR_BAD_MESSAGE;
}

static enum err on_heartbeat(const struct requests *q, struct feed *f, const struct message *m,
			     int64_t now_ns)
{
	(void)f, (void)now_ns;
	membership_on_hint(q->membership, m->heartbeat.view);
	return OK;
}

static enum err on_goodbye(const struct requests *q, struct feed *f, const struct message *m,
			   int64_t now_ns)
{
	(void)q, (void)m;
	feed_lose(f, OK, now_ns);
	return OK;
}

static enum err on_suspect(const struct requests *q, struct feed *f, const struct message *m,
			   int64_t now_ns)
{
	membership_on_suspect(q->membership, f, (incarnation_id){m->suspect.shard}, now_ns);
	return OK;
}

static enum err on_attach(const struct requests *q, struct feed *f, const struct message *m,
			  int64_t now_ns)
{
	struct span key = m->attach.room;

	if (!is_key(key) || m->attach.relay > RELAY_MAX)
		return ERR_BAD_MESSAGE;
	if (!is_ours(q, key, m->attach.epoch)) {
		if (!q->is_final && m->attach.epoch > epoch_of(q, key))
			return ERR_NOT_OWNER;
		if (!is_ours(q, key, 0)) {
			say_not_owner(q, f, key);
			return OK;
		}
	}
	/* It was on its way while the slot was another's: whom it names may be long gone. */
	if (m->attach.epoch < journal_since(q->journal, slot_of(key))) {
		say_not_owner(q, f, key);
		return OK;
	}
	struct room *r = room_set_find(q->rooms, key);
	if (!r && m->attach.members.len == 0)
		return OK; /* nothing to detach from */
	if (!r) {
		r = room_set_get(q->rooms, key, epoch_of(q, key), now_ns);
		room_stir(r, now_ns);
	}
	room_on_attach(r, f, &m->attach, now_ns);
	return OK;
}

static enum err on_solicit_done(const struct requests *q, struct feed *f, const struct message *m,
				int64_t now_ns)
{
	struct room *r = room_set_find(q->rooms, m->solicit_done.room);

	if (r)
		room_on_solicit_done(r, f, now_ns);
	return OK;
}

static enum err on_hibernated(const struct requests *q, struct feed *f, const struct message *m,
			      int64_t now_ns)
{
	struct room *r = room_set_find(q->rooms, m->hibernated.room);

	(void)now_ns;
	if (r)
		room_on_hibernated(r, f);
	return OK;
}

static enum err on_join(const struct requests *q, struct feed *f, const struct message *m,
			int64_t now_ns)
{
	return on_room_message(q, f, m, m->join.room, now_ns);
}

static enum err on_leave(const struct requests *q, struct feed *f, const struct message *m,
			 int64_t now_ns)
{
	struct room *r = room_set_find(q->rooms, m->leave.room);

	if (r)
		room_on_message(r, f, m, now_ns);
	return OK;
}

static enum err on_cast(const struct requests *q, struct feed *f, const struct message *m,
			int64_t now_ns)
{
	return on_room_message(q, f, m, m->cast.room, now_ns);
}

static enum err on_inspect(const struct requests *q, struct feed *f, const struct message *m,
			   int64_t now_ns)
{
	return on_question(q, f, m, m->inspect.room, now_ns);
}

static enum err on_proved(const struct requests *q, struct feed *f, const struct message *m,
			  int64_t now_ns)
{
	struct room *r = room_set_find(q->rooms, m->proved.room);

	(void)f;
	if (r)
		room_on_proved(r, &m->proved, now_ns);
	return OK;
}

static enum err on_kick(const struct requests *q, struct feed *f, const struct message *m,
			int64_t now_ns)
{
	return on_question(q, f, m, m->kick.room, now_ns);
}

static enum err on_read(const struct requests *q, struct feed *f, const struct message *m,
			int64_t now_ns)
{
	if (!is_key(m->read.room))
		return ERR_BAD_MESSAGE;
	if (is_ours(q, m->read.room, 0)) {
		pages_ask(q->pages, f, &m->read, now_ns);
		return OK;
	}
	if (!q->is_final)
		return ERR_NOT_OWNER;
	pages_refuse(f, m->read.ask, ERR_NOT_OWNER);
	return OK;
}

/* The room need not be in memory: those who show it attach, and are told from the log. */
static enum err on_publish(const struct requests *q, struct feed *f, const struct message *m,
			   int64_t now_ns)
{
	const struct msg_publish *p = &m->publish;
	const struct store_event event = {
		.producer = p->producer,
		.pseq = p->pseq,
		.type = p->type,
		.actor = p->actor,
		.name = p->name,
		.body = p->body,
		.shape = (unsigned)p->shape,
		.field = p->field,
		.base = p->base,
		.at_ms = now_ns / NS_PER_MS + q->wall_offset_ms,
	};
	const struct journal_asker asker = {f->gateway, p->room, &event};

	if (!is_key(p->room) || !is_publish(p))
		return ERR_BAD_MESSAGE;
	if (is_ours(q, p->room, 0)) {
		enum err e = journal_stage(q->journal, &asker, now_ns);

		if (e)
			requests_refuse(f, &asker, e, &(struct store_newer){0});
		return OK;
	}
	if (!q->is_final)
		return ERR_NOT_OWNER;
	requests_refuse(f, &asker, ERR_NOT_OWNER, &(struct store_newer){0});
	return OK;
}

static enum err on_held(const struct requests *q, struct feed *f, const struct message *m,
			int64_t now_ns)
{
	membership_on_held(q->membership, f, m->held.move, now_ns);
	return OK;
}

/* JOIN and CAST follow an ATTACH over the same link; one that was refused takes them with it. */
static enum err on_room_message(const struct requests *q, struct feed *f, const struct message *m,
				struct span key, int64_t now_ns)
{
	if (!is_key(key))
		return ERR_BAD_MESSAGE;
	struct room *r = room_set_find(q->rooms, key);
	if (r && room_is_attached(r, f)) {
		room_on_message(r, f, m, now_ns);
		return OK;
	}
	log_debug("not_owner", kv_str("of", message_name(m->type)), kv_hex("gateway", f->gateway.v),
		  kv_u64("slot", slot_of(key)));
	say_not_owner(q, f, key);
	return OK;
}

static enum err on_question(const struct requests *q, struct feed *f, const struct message *m,
			    struct span key, int64_t now_ns)
{
	if (!is_key(key))
		return ERR_BAD_MESSAGE;
	if (is_ours(q, key, 0)) {
		room_on_message(room_set_get(q->rooms, key, epoch_of(q, key), now_ns), f, m,
				now_ns);
		return OK;
	}
	if (!q->is_final)
		return ERR_NOT_OWNER;
	notice_answer(f, &(struct msg_answer){.ask = ask_of(m), .code = ERR_NOT_OWNER}, NULL);
	return OK;
}

static uint64_t ask_of(const struct message *m)
{
	return m->type == MESSAGE_KICK ? m->kick.ask : m->inspect.ask;
}

/* `epoch`: as the gateway knows it; one that we have not heard of yet may name another owner. */
static bool is_ours(const struct requests *q, struct span key, uint64_t epoch)
{
	return membership_owns(q->membership, slot_of(key)) && epoch <= epoch_of(q, key);
}

static uint64_t epoch_of(const struct requests *q, struct span key)
{
	return membership_view(q->membership)->slots[slot_of(key)].epoch;
}

static bool is_key(struct span key)
{
	enum room_kind kind;
	struct span id;

	return room_key_read(key, &kind, &id) == OK;
}

/* What the database would choke on must not get into a batch with what others said. */
/* What is stored is shown for ever: a body that no reader of JSON takes does not get in. */
static bool is_publish(const struct msg_publish *p)
{
	enum json_kind kind;
	const struct span texts[] = {p->producer, p->type, p->actor, p->name, p->field, p->body};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (texts[i].len > 0 && memchr(texts[i].p, 0, texts[i].len))
			return false;
	return p->producer.len > 0 && p->producer.len <= PRODUCER_MAX &&
	       p->type.len <= EVENT_TYPE_MAX && p->actor.len <= USER_ID_MAX &&
	       p->name.len <= USER_NAME_MAX && p->field.len <= EVENT_FIELD_MAX &&
	       p->base <= EVENT_BASE_MAX && p->shape <= SHAPE_DATA &&
	       json_check(p->body, &kind) == OK && (p->shape == SHAPE_DATA || kind == JSON_OBJECT);
}

void requests_refuse(struct feed *f, const struct journal_asker *asker, enum err why,
		     const struct store_newer *newer)
{
	struct buf *out = feed_out(f);

	if (out)
		message_put_refused(out, &(struct msg_refused){
						 .room = asker->room,
						 .producer = asker->event->producer,
						 .pseq = asker->event->pseq,
						 .code = why,
						 .retry_after_ms = JOURNAL_RETRY_MS,
						 .seq = newer->seq,
						 .body = newer->body,
					 });
}

static void say_not_owner(const struct requests *q, struct feed *f, struct span key)
{
	struct buf *out = feed_out(f);

	if (out)
		message_put_not_owner(out, &(struct msg_not_owner){key, epoch_of(q, key)});
}
