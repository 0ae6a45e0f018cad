/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/verdicts.h"

#include "common/log.h"
#include "common/mem.h"
#include "roomd/suspicion.h"

#define RETRY_NS (200 * NS_PER_MS)
#define GONE_NS (5 * NS_PER_S) /* after its entries left: it may be on its way to us */

struct verdicts {
	struct verdicts_setup setup;
	struct suspicion *suspicion;
	bool asking;
	int64_t now_ns, retry_at_ns;
};

static bool judge_shards(struct verdicts *, const struct view *);
static void forget_silent(struct verdicts *);
static bool judge_gateways(struct verdicts *, const struct view *);
static void declare(struct verdicts *, incarnation_id);
static void on_declared(void *owner, enum err, uint64_t version);

struct verdicts *verdicts_new(const struct verdicts_setup *setup)
{
	struct verdicts *v = mem_new(sizeof(*v));

	v->setup = *setup;
	v->suspicion = suspicion_new(setup->vote_ns);
	return v;
}

void verdicts_free(struct verdicts **pv)
{
	struct verdicts *v = *pv;

	if (!v)
		return;
	*pv = NULL;
	suspicion_free(&v->suspicion);
	mem_free(v);
}

void verdicts_on_suspect(struct verdicts *v, struct feed *f, incarnation_id shard, int64_t now_ns)
{
	if (shard.v != v->setup.self.v)
		suspicion_vote(v->suspicion, f->gateway, shard, now_ns);
}

void verdicts_tick(struct verdicts *v, const struct view *view, int64_t now_ns)
{
	v->now_ns = now_ns;
	suspicion_expire(v->suspicion, now_ns);
	if (v->asking || now_ns < v->retry_at_ns || !store_is_up(v->setup.store))
		return;
	if (!judge_shards(v, view))
		(void)judge_gateways(v, view);
}

static bool judge_shards(struct verdicts *v, const struct view *view)
{
	unsigned voters = feed_set_voters(v->setup.feeds, v->now_ns);
	incarnation_id shard;

	forget_silent(v);
	shard = suspicion_verdict(v->suspicion, view, v->setup.self, voters);
	if (shard.v == 0)
		return false;
	log_warn("shard_declared_dead", kv_hex("shard", shard.v),
		 kv_str("name", view_member(view, shard)->name),
		 kv_u64("votes", suspicion_votes(v->suspicion, shard)), kv_u64("voters", voters));
	declare(v, shard);
	return true;
}

/* A gateway that has gone counts no more among those whose votes it takes, so its own must not. */
static void forget_silent(struct verdicts *v)
{
	LIST_EACH (feed_set_all(v->setup.feeds), it, ahead) {
		const struct feed *f = container_of(it, struct feed, of_set);

		if (!feed_set_is_voter(f, v->now_ns))
			suspicion_forget(v->suspicion, f->gateway);
	}
}

/* Once per absence: one that lives registers again, and is then only out of our reach. Its feed is
 * remembered for that as long as the view remembers the gateway. */
static bool judge_gateways(struct verdicts *v, const struct view *view)
{
	LIST_EACH (feed_set_all(v->setup.feeds), it, ahead) {
		struct feed *f = container_of(it, struct feed, of_set);
		const struct view_member *m = view_member(view, f->gateway);

		f->declared = f->declared && m;
		if (f->state != FEED_GONE || f->declared || v->now_ns - f->gone_ns < GONE_NS ||
		    !m || m->state == MEMBER_DEAD)
			continue;
		f->declared = true;
		log_warn("gateway_declared_dead", kv_hex("gateway", f->gateway.v),
			 kv_str("name", m->name));
		declare(v, f->gateway);
		return true;
	}
	return false;
}

static void declare(struct verdicts *v, incarnation_id member)
{
	v->asking = true;
	store_set_state(v->setup.store, member, MEMBER_DEAD, on_declared, v);
}

static void on_declared(void *owner, enum err e, uint64_t version)
{
	struct verdicts *v = owner;

	(void)version; /* another one may have said it first */
	v->asking = false;
	v->retry_at_ns = v->now_ns + (e ? RETRY_NS : 0);
	v->setup.on_declared(v->setup.owner);
}
