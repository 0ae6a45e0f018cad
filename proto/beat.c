/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/beat.h"

static unsigned alive(const struct view *, enum member_kind);

void beat_follow(struct beat *b, const struct view *view, int64_t cork_ns)
{
	unsigned shards = alive(view, MEMBER_SHARD), links;

	b->gateways = alive(view, MEMBER_GATEWAY);
	b->shards = shards ? shards : 1;
	links = b->shards * (b->gateways ? b->gateways : 1);
	b->period_ns = cork_ns * (links < BEAT_CORKS_MAX ? links : BEAT_CORKS_MAX);
}

int64_t beat_after(const struct beat *b, int64_t now_ns)
{
	if (b->period_ns == 0)
		return now_ns;
	return now_ns + b->period_ns - (now_ns + b->wall_ns) % b->period_ns;
}

static unsigned alive(const struct view *view, enum member_kind kind)
{
	const struct view_member *m;
	size_t at = 0;
	unsigned count = 0;

	while ((m = map_next(&view->members, &at)))
		count += m->kind == kind && m->state != MEMBER_DEAD;
	return count;
}
