/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/fake_shards.h"

#include <string.h>

static enum err port_open(void *owner, struct link *link, const char *endpoint, struct span id,
			  void **port)
{
	struct fake_shards *all = owner;
	struct fake_shard *s = &all->of[endpoint[strlen("fake:")] - '0'];

	if (s->refuses)
		return ERR_SYSTEM;
	must(!s->link && id.len < sizeof s->routing_id);
	s->link = link;
	s->opened++;
	s->generation = link_generation(link);
	memcpy(s->routing_id, id.p, id.len);
	s->routing_id[id.len] = '\0';
	channel_init(&s->channel, s->id, (incarnation_id){0}, s->generation);
	*port = s;
	return OK;
}

static enum err port_send(void *port, struct span bytes)
{
	struct fake_shard *s = port;
	struct span records;

	if (s->cut)
		return OK;
	enum err e = channel_take(&s->channel, bytes, &records);
	must(e == OK);
	buf_put_span(&s->inbox, records);
	must(!s->inbox.over);
	return OK;
}

static void port_close(void *owner, void *port)
{
	struct fake_shard *s = port;

	(void)owner;
	s->link = NULL;
	channel_fini(&s->channel);
}

static void port_pause(void *port, bool is_paused)
{
	((struct fake_shard *)port)->paused = is_paused;
}

static enum err collect(void *owner, struct span bytes)
{
	buf_put_span(owner, bytes);
	return OK;
}

static enum err lose(void *owner, struct span bytes)
{
	(void)owner, (void)bytes;
	return OK;
}

void fake_shards_init(struct fake_shards *all)
{
	*all = (struct fake_shards){0};
	for (unsigned i = 0; i < FAKE_SHARDS; i++) {
		all->of[i].id.v = 100 + i;
		buf_init(&all->of[i].inbox, LINK_BATCH_MAX);
	}
}

void fake_shards_fini(struct fake_shards *all)
{
	for (unsigned i = 0; i < FAKE_SHARDS; i++)
		buf_fini(&all->of[i].inbox);
}

struct link_bus fake_bus(struct fake_shards *all)
{
	return (struct link_bus){port_open, port_send, port_close, all, port_pause};
}

struct message fake_next(struct fake_shard *s)
{
	struct message m = {0};

	while (s->looked < s->inbox.len) {
		struct span rest = span_from(buf_span(&s->inbox), s->looked);
		enum err e = message_next(&rest, &m);

		must(e == OK);
		s->looked = s->inbox.len - rest.len;
		if (m.type != MESSAGE_HEARTBEAT)
			return m;
	}
	return (struct message){0};
}

void fake_skip(struct fake_shard *s)
{
	buf_clear(&s->inbox);
	s->looked = 0;
}

struct buf *fake_out(struct fake_shard *s)
{
	must(s->link);
	return channel_out(&s->channel);
}

/* One batch at a time, delivered after the channel has let go of it: reading it may end the
 * channel. */
void fake_say(struct fake_shard *s, int64_t now_ns)
{
	struct buf bytes;

	buf_init(&bytes, LINK_BATCH_MAX);
	enum err e = channel_flush(&s->channel, collect, &bytes);
	must(e == OK);
	if (bytes.len)
		link_on_bytes(s->link, buf_span(&bytes), now_ns);
	buf_fini(&bytes);
}

void fake_lose_next(struct fake_shard *s)
{
	enum err e = channel_flush(&s->channel, lose, NULL);

	must(e == OK);
}
