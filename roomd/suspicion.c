/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/suspicion.h"

#include "common/list.h"
#include "common/mem.h"

#define VOTES_NEEDED 2

struct vote {
	struct list node;
	incarnation_id gateway, shard;
	int64_t until_ns;
};

struct suspicion {
	int64_t vote_ns;
	struct list votes;
	size_t count;
};

static void drop(struct suspicion *, struct vote *);
static struct vote *find(const struct suspicion *, incarnation_id gateway, incarnation_id shard);
static bool most_are_suspected(const struct suspicion *, const struct view *, incarnation_id self);
static bool is_other(const struct view_member *, incarnation_id self);

struct suspicion *suspicion_new(int64_t vote_ns)
{
	struct suspicion *s = mem_new(sizeof(*s));

	s->vote_ns = vote_ns;
	list_init(&s->votes);
	return s;
}

void suspicion_free(struct suspicion **ps)
{
	struct suspicion *s = *ps;

	if (!s)
		return;
	*ps = NULL;
	suspicion_expire(s, INT64_MAX);
	mem_free(s);
}

void suspicion_vote(struct suspicion *s, incarnation_id gateway, incarnation_id shard,
		    int64_t now_ns)
{
	struct vote *v = find(s, gateway, shard);

	if (!v && s->count >= VOTES_MAX)
		return;
	if (!v) {
		v = mem_new(sizeof(*v));
		v->gateway = gateway;
		v->shard = shard;
		list_add_last(&s->votes, &v->node);
		s->count++;
	}
	v->until_ns = now_ns + s->vote_ns;
}

void suspicion_forget(struct suspicion *s, incarnation_id gateway)
{
	LIST_EACH (&s->votes, it, ahead) {
		struct vote *v = container_of(it, struct vote, node);

		if (v->gateway.v == gateway.v)
			drop(s, v);
	}
}

void suspicion_expire(struct suspicion *s, int64_t now_ns)
{
	LIST_EACH (&s->votes, it, ahead) {
		struct vote *v = container_of(it, struct vote, node);

		if (v->until_ns <= now_ns)
			drop(s, v);
	}
}

unsigned suspicion_votes(const struct suspicion *s, incarnation_id shard)
{
	unsigned votes = 0;

	LIST_EACH (&s->votes, it, ahead)
		votes += container_of(it, struct vote, node)->shard.v == shard.v;
	return votes;
}

incarnation_id suspicion_verdict(const struct suspicion *s, const struct view *view,
				 incarnation_id self, unsigned voters)
{
	unsigned needed = voters < VOTES_NEEDED ? voters : VOTES_NEEDED;
	const struct view_member *m;
	size_t at = 0;

	if (s->count == 0 || voters == 0)
		return (incarnation_id){0};
	if (most_are_suspected(s, view, self) && needed < voters / 2 + 1)
		needed = voters / 2 + 1;
	while ((m = map_next(&view->members, &at)))
		if (is_other(m, self) && suspicion_votes(s, m->id) >= needed)
			return m->id;
	return (incarnation_id){0};
}

static void drop(struct suspicion *s, struct vote *v)
{
	list_remove(&v->node);
	mem_free(v);
	s->count--;
}

static struct vote *find(const struct suspicion *s, incarnation_id gateway, incarnation_id shard)
{
	LIST_EACH (&s->votes, it, ahead) {
		struct vote *v = container_of(it, struct vote, node);

		if (v->gateway.v == gateway.v && v->shard.v == shard.v)
			return v;
	}
	return NULL;
}

static bool most_are_suspected(const struct suspicion *s, const struct view *view,
			       incarnation_id self)
{
	const struct view_member *m;
	unsigned others = 0, suspected = 0;
	size_t at = 0;

	while ((m = map_next(&view->members, &at))) {
		if (!is_other(m, self))
			continue;
		others++;
		suspected += suspicion_votes(s, m->id) > 0;
	}
	return 2 * suspected > others;
}

static bool is_other(const struct view_member *m, incarnation_id self)
{
	return m->kind == MEMBER_SHARD && m->id.v != self.v &&
	       (m->state == MEMBER_ACTIVE || m->state == MEMBER_DRAINING);
}
