/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/quota.h"

#include "gateway/metrics.h"

enum { OF_CONNECTION, OF_USER, OF_ROOM, OF_SERVICE }; /* as metrics.def lists them */

static struct rate_limit of_user(const struct quota *);
static int64_t refuse(unsigned whose, int64_t wait_ns);

void quota_init(struct quota *q, const struct gateway_options *opt)
{
	q->opt = opt;
	rate_set_init(&q->users);
	rate_set_init(&q->rooms);
	rate_set_init(&q->services);
}

void quota_fini(struct quota *q)
{
	rate_set_fini(&q->users);
	rate_set_fini(&q->rooms);
	rate_set_fini(&q->services);
}

int64_t quota_take(struct quota *q, struct rate *own, struct span user, size_t bytes,
		   int64_t now_ns)
{
	const struct rate_limit limit = {q->opt->limits_rate, (int64_t)q->opt->limits_bytes};
	int64_t cost_ns = rate_cost_ns(limit, bytes, 1);
	int64_t user_cost_ns = user.len > 0 ? rate_cost_ns(of_user(q), bytes, 1) : 0;
	int64_t wait_ns = rate_wait_ns(own, cost_ns, now_ns);

	if (wait_ns)
		return refuse(OF_CONNECTION, wait_ns);
	wait_ns = user_cost_ns ? rate_set_wait_ns(&q->users, user, user_cost_ns, now_ns) : 0;
	if (wait_ns)
		return refuse(OF_USER, wait_ns);
	rate_take(own, cost_ns, now_ns);
	if (user_cost_ns)
		rate_set_take(&q->users, user, user_cost_ns, now_ns);
	return 0;
}

int64_t quota_take_room(struct quota *q, const struct quota_word *w, int64_t now_ns)
{
	const struct rate_limit limit = {q->opt->limits_room_rate,
					 (int64_t)q->opt->limits_room_bytes};
	int64_t cost_ns = rate_cost_ns(limit, w->bytes, w->recipients ? w->recipients : 1);
	int64_t wait_ns = cost_ns ? rate_set_wait_ns(&q->rooms, w->room_key, cost_ns, now_ns) : 0;

	if (wait_ns)
		return refuse(OF_ROOM, wait_ns);
	if (cost_ns)
		rate_set_take(&q->rooms, w->room_key, cost_ns, now_ns);
	return 0;
}

int64_t quota_take_post(struct quota *q, const struct quota_post *p, int64_t now_ns)
{
	const struct rate_limit service = {.messages = q->opt->limits_service_rate};
	struct rate_set *set = p->is_service ? &q->services : &q->users;
	int64_t cost_ns = rate_cost_ns(p->is_service ? service : of_user(q), p->word.bytes, 1);
	int64_t wait_ns = rate_set_wait_ns(set, p->who, cost_ns, now_ns);

	if (wait_ns)
		return refuse(p->is_service ? OF_SERVICE : OF_USER, wait_ns);
	wait_ns = quota_take_room(q, &p->word, now_ns);
	if (!wait_ns)
		rate_set_take(set, p->who, cost_ns, now_ns);
	return wait_ns;
}

void quota_tick(struct quota *q, int64_t now_ns)
{
	rate_set_sweep(&q->users, now_ns);
	rate_set_sweep(&q->rooms, now_ns);
	rate_set_sweep(&q->services, now_ns);
}

static struct rate_limit of_user(const struct quota *q)
{
	return (struct rate_limit){q->opt->limits_user_rate, (int64_t)q->opt->limits_user_bytes};
}

static int64_t refuse(unsigned whose, int64_t wait_ns)
{
	metrics_add(METRIC_too_fast + whose, 1);
	return wait_ns;
}
