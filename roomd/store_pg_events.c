/* SPDX-License-Identifier: Apache-2.0 */
/* Events and the taking of slots; schema/0006 and 0010 have the statements. Batches go as
 * arrays in their text form, because text parameters are what pg.h has. */
#include "roomd/store_pg_inside.h"

#include <string.h>

#include "common/buf.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/mono.h"
#include "roomd/metrics.h"

#define ARRAYS 14
#define SLOW_NS (50 * NS_PER_MS) /* is written down */

typedef void put_fn(struct buf *, const struct store_append *);

static void put_slots(struct buf *slots, struct buf *epochs, const struct store_batch *);
static void put_events(struct buf *, const struct store_batch *, put_fn *);
static void on_appended(void *owner, enum err, const struct pg_rows *, const char *why);
static void read_stored(const struct pg_rows *, size_t row, struct store_stored *);
static void on_heads(void *owner, enum err, const struct pg_rows *, const char *why);
static void on_page(void *owner, enum err, const struct pg_rows *, const char *why);
static void read_event(const struct pg_rows *, size_t row, struct store_event *);

static void put_slot(struct buf *b, const struct store_append *a)
{
	store_put_number(b, a->room.slot);
}

static void put_room(struct buf *b, const struct store_append *a)
{
	store_put_text(b, a->room.key);
}

static void put_head(struct buf *b, const struct store_append *a)
{
	store_put_number(b, a->head);
}

static void put_producer(struct buf *b, const struct store_append *a)
{
	store_put_text(b, a->event.producer);
}

static void put_pseq(struct buf *b, const struct store_append *a)
{
	store_put_number(b, a->event.pseq);
}

static void put_type(struct buf *b, const struct store_append *a)
{
	store_put_text(b, a->event.type);
}

static void put_actor(struct buf *b, const struct store_append *a)
{
	store_put_text(b, a->event.actor);
}

static void put_body(struct buf *b, const struct store_append *a)
{
	store_put_text(b, a->event.body);
}

static void put_at(struct buf *b, const struct store_append *a)
{
	store_put_number(b, (uint64_t)a->event.at_ms);
}

static void put_name(struct buf *b, const struct store_append *a)
{
	store_put_text(b, a->event.name);
}

static void put_shape(struct buf *b, const struct store_append *a)
{
	store_put_number(b, a->event.shape);
}

static void put_field(struct buf *b, const struct store_append *a)
{
	store_put_text(b, a->event.field);
}

static void put_base(struct buf *b, const struct store_append *a)
{
	store_put_number(b, a->event.base);
}

static void put_publication(struct buf *b, const struct store_append *a)
{
	store_put_number(b, a->event.publication);
}

void store_take(struct store *s, const struct store_claim *claim, store_assigned_fn *taken,
		void *owner)
{
	char self_text[NUMBER_LEN], seen_text[NUMBER_LEN];
	struct call *c = store_call_new(s, owner);
	struct buf array;

	buf_init(&array, (size_t)SLOTS * NUMBER_LEN);
	for (size_t i = 0; i < claim->count; i++) {
		store_open_array(&array, claim->count, i);
		store_put_number(&array, claim->slots[i]);
	}
	buf_put_str(&array, claim->count > 0 ? "}" : "{}");
	must(!array.over);
	c->assigned = taken;
	pg_query(s->pg,
		 "SELECT slot, owner, epoch, version FROM moot_take($1::bigint, $2::int[], "
		 "$3::bigint)",
		 (const struct span[]){store_number(self_text, claim->owner.v), buf_span(&array),
				       store_number(seen_text, claim->seen)},
		 3, store_on_assigned, c);
	buf_fini(&array);
}

void store_append(struct store *s, const struct store_batch *batch, store_appended_fn *appended,
		  void *owner)
{
	static put_fn *const puts[ARRAYS] = {
		put_slot, put_room, put_head, put_producer, put_pseq,  put_type, put_actor,
		put_body, put_at,   put_name, put_shape,    put_field, put_base, put_publication};
	char self_text[NUMBER_LEN], most[NUMBER_LEN];
	struct call *c = store_call_new(s, owner);
	struct buf columns[2 + ARRAYS];
	struct span params[1 + 2 + ARRAYS + 1];

	must(batch->count > 0);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		buf_init(&columns[i], 4 * LINK_BATCH_MAX);
	put_slots(&columns[0], &columns[1], batch);
	for (size_t i = 0; i < ARRAYS; i++)
		put_events(&columns[2 + i], batch, puts[i]);
	params[0] = store_number(self_text, batch->owner.v);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		params[1 + i] = buf_span(&columns[i]);
	params[ARRAY_LEN(params) - 1] = store_number(most, CONFLICT_BODY_MAX);
	c->appended = appended;
	c->count = batch->count;
	pg_query(s->pg,
		 "SELECT place, seq, known, newer, newer_body"
		 " FROM moot_append($1::bigint, $2::int[], $3::bigint[],"
		 " $4::int[], $5::text[], $6::bigint[], $7::text[], $8::bigint[], $9::text[],"
		 " $10::text[], $11::text[], $12::bigint[], $13::text[], $14::int[], $15::text[],"
		 " $16::bigint[], $17::bigint[], $18::int)",
		 params, ARRAY_LEN(params), on_appended, c);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		buf_fini(&columns[i]);
}

void store_forget(struct store *s, int64_t age_ms, unsigned limit, store_done_fn *done, void *owner)
{
	char age[NUMBER_LEN], most[NUMBER_LEN];
	struct call *c = store_call_new(s, owner);

	c->done = done;
	pg_query(s->pg, "SELECT moot_forget($1::bigint, $2::int)",
		 (const struct span[]){store_number(age, (uint64_t)age_ms),
				       store_number(most, limit)},
		 2, store_on_done, c);
}

void store_heads(struct store *s, const struct store_room *rooms, size_t count,
		 store_heads_fn *heads, void *owner)
{
	struct call *c = store_call_new(s, owner);
	struct buf slots, keys;

	must(count > 0);
	buf_init(&slots, count * NUMBER_LEN);
	buf_init(&keys, count * (2 * ROOM_KEY_MAX + 4));
	for (size_t i = 0; i < count; i++) {
		store_open_array(&slots, count, i);
		store_open_array(&keys, count, i);
		store_put_number(&slots, rooms[i].slot);
		store_put_text(&keys, rooms[i].key);
	}
	buf_put_u8(&slots, '}');
	buf_put_u8(&keys, '}');
	must(!slots.over && !keys.over);
	c->heads = heads;
	c->count = count;
	pg_query(s->pg, "SELECT place, seq, first FROM moot_heads($1::int[], $2::text[])",
		 (const struct span[]){buf_span(&slots), buf_span(&keys)}, 2, on_heads, c);
	buf_fini(&slots);
	buf_fini(&keys);
}

void store_read(struct store *s, const struct store_range *range, store_page_fn *page, void *owner)
{
	char slot[NUMBER_LEN], after[NUMBER_LEN], before[NUMBER_LEN], most[NUMBER_LEN];
	char bytes[NUMBER_LEN];
	struct call *c = store_call_new(s, owner);
	struct span key = range->room.key;

	c->page = page;
	c->room = mem_new(key.len + 1);
	memcpy(c->room, key.p, key.len);
	pg_query(s->pg,
		 "SELECT first, head, more, seq, producer, pseq, type, actor, name, at_ms, shape,"
		 " field, body FROM moot_page($1::int, $2::text, $3::bigint, $4::bigint, $5::text,"
		 " $6::int, $7::bigint)",
		 (const struct span[]){
			 store_number(slot, range->room.slot), key,
			 store_number(after, range->after), store_number(before, range->before),
			 range->types.p ? range->types : SPAN(""), store_number(most, range->limit),
			 store_number(bytes,
				      range->max_bytes ? range->max_bytes : HISTORY_BYTES_MAX)},
		 7, on_page, c);
}

static void put_slots(struct buf *slots, struct buf *epochs, const struct store_batch *batch)
{
	for (size_t i = 0; i < batch->slot_count; i++) {
		store_open_array(slots, batch->slot_count, i);
		store_open_array(epochs, batch->slot_count, i);
		store_put_number(slots, batch->slots[i].slot);
		store_put_number(epochs, batch->slots[i].epoch);
	}
	buf_put_u8(slots, '}');
	buf_put_u8(epochs, '}');
	must(!slots->over && !epochs->over);
}

static void put_events(struct buf *b, const struct store_batch *batch, put_fn *put)
{
	for (size_t i = 0; i < batch->count; i++) {
		store_open_array(b, batch->count, i);
		put(b, &batch->events[i]);
	}
	buf_put_u8(b, '}');
	must(!b->over);
}

void store_open_array(struct buf *b, size_t count, size_t at)
{
	must(at < count);
	buf_put_u8(b, at == 0 ? '{' : ',');
}

void store_put_number(struct buf *b, uint64_t v)
{
	char text[NUMBER_LEN];

	buf_put_span(b, store_number(text, v));
}

/* In quotes, so that it may hold commas, braces and the word NULL; runs between escapes at once. */
void store_put_text(struct buf *b, struct span text)
{
	size_t from = 0;

	buf_put_u8(b, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] != '"' && text.p[i] != '\\')
			continue;
		buf_put(b, text.p + from, i - from);
		buf_put_u8(b, '\\');
		from = i;
	}
	buf_put_span(b, span_from(text, from));
	buf_put_u8(b, '"');
}

static void on_appended(void *owner, enum err e, const struct pg_rows *rows, const char *why)
{
	struct call *c = owner;
	struct store_stored *stored = mem_new(c->count * sizeof(*stored));
	int64_t took_ns = mono_now_ns() - c->asked_ns;

	metrics_observe_ns(METRIC_append, took_ns);
	if (took_ns >= SLOW_NS)
		log_info(LOG_SLOW, kv_str("op", "append"), kv_i64("ms", took_ns / NS_PER_MS),
			 kv_u64("events", c->count));
	if (e)
		store_refused(STORE_APPEND, e, why);
	for (size_t row = 0; !e && row < pg_count(rows); row++) {
		size_t place = (size_t)pg_int(rows, row, 0);

		if (!pg_is_null(rows, row, 0) && place >= 1 && place <= c->count)
			read_stored(rows, row, &stored[place - 1]);
	}
	c->appended(c->owner, e, e ? NULL : stored, c->count);
	mem_free(stored);
	store_call_free(c);
}

static void read_stored(const struct pg_rows *rows, size_t row, struct store_stored *stored)
{
	*stored = (struct store_stored){
		.seq = (uint64_t)pg_int(rows, row, 1),
		.known = span_is(pg_text(rows, row, 2), "t"),
		.newer = {(uint64_t)pg_int(rows, row, 3), pg_text(rows, row, 4)},
	};
}

static void on_heads(void *owner, enum err e, const struct pg_rows *rows, const char *why)
{
	struct call *c = owner;
	struct store_head *heads = mem_new(c->count * sizeof(*heads));

	if (e)
		store_refused(STORE_HEADS, e, why);
	for (size_t row = 0; !e && row < pg_count(rows); row++) {
		size_t place = (size_t)pg_int(rows, row, 0);

		if (place >= 1 && place <= c->count)
			heads[place - 1] = (struct store_head){(uint64_t)pg_int(rows, row, 1),
							       (uint64_t)pg_int(rows, row, 2)};
	}
	c->heads(c->owner, e, e ? NULL : heads, c->count);
	mem_free(heads);
	store_call_free(c);
}

static void on_page(void *owner, enum err e, const struct pg_rows *rows, const char *why)
{
	struct call *c = owner;
	struct store_page page = {.room = span_str(c->room)};
	size_t count = e ? 0 : pg_count(rows);
	struct store_event *events = mem_new((count + 1) * sizeof(*events));

	if (e)
		store_refused(STORE_READ, e, why);
	for (size_t row = 0; row < count; row++)
		if (!pg_is_null(rows, row, 3))
			read_event(rows, row, &events[page.count++]);
	page.events = events;
	if (count > 0) {
		page.first = (uint64_t)pg_int(rows, 0, 0);
		page.head = (uint64_t)pg_int(rows, 0, 1);
		page.more = span_is(pg_text(rows, 0, 2), "t");
	}
	c->page(c->owner, e, &page);
	mem_free(events);
	store_call_free(c);
}

static void read_event(const struct pg_rows *rows, size_t row, struct store_event *e)
{
	*e = (struct store_event){
		.seq = (uint64_t)pg_int(rows, row, 3),
		.producer = pg_text(rows, row, 4),
		.pseq = (uint64_t)pg_int(rows, row, 5),
		.type = pg_text(rows, row, 6),
		.actor = pg_text(rows, row, 7),
		.name = pg_text(rows, row, 8),
		.at_ms = pg_int(rows, row, 9),
		.shape = (unsigned)pg_int(rows, row, 10),
		.field = pg_text(rows, row, 11),
		.body = pg_text(rows, row, 12),
	};
}
