/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/feed.h"

#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "proto/limits.h"

static void close_channel(struct feed *);
static void copy_name(struct feed *, struct span name);

struct feed *feed_new(incarnation_id gateway, int64_t now_ns)
{
	struct feed *f = mem_new(sizeof(*f));

	list_init(&f->of_set);
	list_init(&f->attachments);
	f->gateway = gateway;
	f->away_ns = now_ns;
	buf_init(&f->parked, FEED_PARKED_MAX);
	return f;
}

void feed_free(struct feed **pf)
{
	struct feed *f = *pf;

	if (!f)
		return;
	*pf = NULL;
	must(list_is_empty(&f->attachments));
	close_channel(f);
	buf_fini(&f->parked);
	list_remove(&f->of_set);
	mem_free(f);
}

void feed_open(struct feed *f, struct channel *channel, struct span route, struct span name,
	       int64_t now_ns)
{
	must(route.len <= FEED_ROUTE_MAX);
	close_channel(f);
	f->generation = channel->generation;
	channel_init(&f->channel, channel->self, channel->peer, channel->generation);
	f->channel.received_seq = channel->received_seq;
	f->channel.peer_consumed_bytes = channel->peer_consumed_bytes;
	f->channel.consumed_bytes = channel->consumed_bytes;
	memcpy(f->route, route.p, route.len);
	f->route_len = route.len;
	copy_name(f, name);
	f->state = FEED_LIVE;
	f->opened_ns = f->heard_ns = f->said_ns = f->facts_ns = now_ns;
	f->doubted = !list_is_empty(&f->attachments);
	f->asked = f->declared = false;
	f->hold_told = f->held = 0;
	log_info("feed_open", kv_hex("gateway", f->gateway.v), kv_str("name", f->name),
		 kv_u64("generation", f->generation));
}

void feed_lose(struct feed *f, enum err why, int64_t now_ns)
{
	if (f->state != FEED_LIVE)
		return;
	log_info("feed_lost", kv_hex("gateway", f->gateway.v), kv_str("name", f->name),
		 kv_u64("generation", f->generation), kv_str("why", err_name(why)));
	close_channel(f);
	f->state = FEED_AWAY;
	f->untold = true;
	f->away_ns = now_ns;
}

struct buf *feed_out(struct feed *f)
{
	return f->state == FEED_LIVE ? channel_out(&f->channel) : NULL;
}

bool feed_is_choked(const struct feed *f)
{
	return f->state == FEED_LIVE && channel_queued(&f->channel) > FEED_CHOKED;
}

bool feed_is_live(const struct feed *f)
{
	return f->state == FEED_LIVE;
}

bool feed_is_expected(const struct feed *f)
{
	return f->state == FEED_LIVE || (f->state == FEED_AWAY && f->listed);
}

bool feed_is_remembered(const struct feed *f)
{
	return f->state != FEED_GONE;
}

static void close_channel(struct feed *f)
{
	if (f->state == FEED_LIVE)
		channel_fini(&f->channel);
	buf_clear(&f->parked);
}

static void copy_name(struct feed *f, struct span name)
{
	size_t len = name.len < FEED_NAME_LEN - 1 ? name.len : FEED_NAME_LEN - 1;

	memcpy(f->name, name.p, len);
	f->name[len] = '\0';
}
