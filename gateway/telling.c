/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/telling.h"

#include <inttypes.h>
#include <stdio.h>

#include "proto/bridge.h"

void producer_write(session_id id, char out[PRODUCER_LEN + 1])
{
	snprintf(out, PRODUCER_LEN + 1, "s%016" PRIx64, id.v);
}

session_id producer_read(struct span producer)
{
	session_id id = {0};
	char again[PRODUCER_LEN + 1];

	if (producer.len != PRODUCER_LEN)
		return id;
	for (size_t i = 1; i < PRODUCER_LEN; i++) {
		uint8_t c = producer.p[i];

		id.v = id.v << 4 | (uint64_t)(c >= 'a' ? c - 'a' + 10 : c - '0') % 16;
	}
	producer_write(id, again); /* what was no hex digit does not come back */
	return span_is(producer, again) ? id : (session_id){0};
}

struct told_event telling_of(const struct item_stored *e, struct buf *scratch)
{
	bool is_v0 = e->shape == BODY_V0;

	buf_clear(scratch);
	if (is_v0)
		bridge_put_type(scratch, e->body);
	return (struct told_event){
		.seq = e->seq,
		.event = scratch->len > 0 ? buf_span(scratch) : e->type,
		.from = {e->actor, e->name, producer_read(e->producer).v},
		.data = is_v0 ? bridge_data(e->body) : e->body,
		.at = (int64_t)e->at_ms,
	};
}

struct item_stored telling_stored(const struct msg_event *m)
{
	return (struct item_stored){
		.seq = m->seq,
		.producer = m->producer,
		.pseq = m->pseq,
		.type = m->type,
		.actor = m->actor,
		.name = m->name,
		.at_ms = m->at_ms,
		.shape = m->shape,
		.body = m->body,
	};
}

void telling_put_history(struct buf *out, struct span room, const struct msg_history *m)
{
	struct span events = m->events;
	struct item_stored e;
	struct buf list, type;

	buf_init(&list, out->max);
	buf_init(&type, EVENT_TYPE_MAX);
	while (item_next_stored(&events, &e)) {
		struct told_event told = telling_of(&e, &type);

		frame_add_stored(&list, &(struct told_stored){told.seq, told.event, told.from,
							      told.data, told.at});
	}
	frame_put_history(out, &(struct told_history){
				       .room = room,
				       .events = buf_span(&list),
				       .first = m->first,
				       .head = m->head,
				       .more = m->more,
			       });
	if (list.over)
		out->over = true;
	buf_fini(&type);
	buf_fini(&list);
}
