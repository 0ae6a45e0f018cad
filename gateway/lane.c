/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/lane.h"

#include <string.h>

#include "common/mem.h"
#include "common/mono.h"
#include "gateway/link.h"

#define AGAIN_NS (1 * NS_PER_S) /* without an answer */

static bool is_new(const struct lane *, const struct link *way);
static void renew(struct lane *, const struct link *way);
static bool may_go(const struct lane *, const struct lane_publish *, int64_t now_ns);
static void say(struct lane_publish *, struct link *way, int64_t now_ns);

struct lane *lane_new(struct span key, size_t room_len)
{
	struct lane *lane = mem_new(sizeof *lane + key.len);

	memcpy(lane->key, key.p, key.len);
	lane->key_len = key.len;
	lane->room = span_of(lane->key, room_len);
	list_init(&lane->node);
	list_init(&lane->publishes);
	return lane;
}

void lane_free(struct lane **plane)
{
	struct lane *lane = *plane;

	must(list_is_empty(&lane->publishes));
	*plane = NULL;
	list_remove(&lane->node);
	mem_free(lane);
}

struct span lane_key(const struct lane *lane)
{
	return span_of(lane->key, lane->key_len);
}

void lane_add(struct lane *lane, struct lane_publish *p, struct link *way, int64_t now_ns)
{
	list_init(&p->of_lane);
	list_add_last(&lane->publishes, &p->of_lane);
	if (!way || is_new(lane, way))
		lane_say(lane, way, now_ns);
	else if (!lane->is_blocked && may_go(lane, p, now_ns))
		say(p, way, now_ns);
	else
		lane->is_blocked = true;
}

void lane_say(struct lane *lane, struct link *way, int64_t now_ns)
{
	if (!way) {
		lane->is_blocked = true;
		return;
	}
	if (is_new(lane, way))
		renew(lane, way);
	lane->is_blocked = false;
	LIST_EACH (&lane->publishes, it, ahead) {
		struct lane_publish *p = container_of(it, struct lane_publish, of_lane);

		if (p->is_said && now_ns < p->said_ns + AGAIN_NS)
			continue;
		lane->is_blocked = !may_go(lane, p, now_ns);
		if (lane->is_blocked)
			break;
		say(p, way, now_ns);
	}
}

void lane_refuse(struct lane *lane, struct lane_publish *p, int64_t retry_ns)
{
	p->is_said = false;
	p->is_refused = true;
	p->retry_ns = retry_ns;
	lane->is_blocked = true;
}

static bool is_new(const struct lane *lane, const struct link *way)
{
	return lane->link != way || lane->generation != link_generation(way);
}

/* Nothing was said over it yet, and whoever is at its end has refused nothing. */
static void renew(struct lane *lane, const struct link *way)
{
	lane->link = way;
	lane->generation = link_generation(way);
	LIST_EACH (&lane->publishes, it, ahead) {
		struct lane_publish *p = container_of(it, struct lane_publish, of_lane);

		p->is_said = p->is_refused = false;
		p->retry_ns = 0;
	}
}

static bool may_go(const struct lane *lane, const struct lane_publish *p, int64_t now_ns)
{
	bool is_first = lane->publishes.next == &p->of_lane;

	return p->record.len > 0 && now_ns >= p->retry_ns && (is_first || !p->is_refused);
}

static void say(struct lane_publish *p, struct link *way, int64_t now_ns)
{
	p->is_said = true;
	p->is_refused = false;
	p->said_ns = now_ns;
	buf_put_span(link_out(way), p->record);
}
