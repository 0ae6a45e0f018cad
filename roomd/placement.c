/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/placement.h"

#include <stdlib.h>

#include "common/mem.h"

#define BUCKET (UINT64_MAX / SLOTS + 1) /* of scores */

struct candidate {
	incarnation_id id;
	unsigned load;
};

struct hold { /* how firmly rendezvous holds a slot at its owner */
	uint64_t score;
	unsigned slot;
};

struct plan {
	struct candidate *shards; /* by id, so that every shard sees the same order */
	unsigned count;
	unsigned fair, most, least; /* slots */
	int owner[SLOTS];           /* index of the shard; -1: nobody */
	bool is_ordered;
	struct hold order[SLOTS]; /* the loosest first */
};

static bool gather(struct plan *, const struct view *);
static void keep_owners(struct plan *, const struct view *);
static void put_in_order(struct plan *, const struct view *);
static void shed_surplus(struct plan *, const struct view *);
static void place_free(struct plan *);
static void feed_hungry(struct plan *, const struct view *);
static unsigned surplus(const struct plan *, unsigned level);
static void move(struct plan *, unsigned slot, int to);
static int find(const struct plan *, incarnation_id);
static int best_below(const struct plan *, unsigned slot, unsigned limit);
static uint64_t score(unsigned slot, incarnation_id);
static int by_id(const void *, const void *);
static bool is_looser(const struct hold *, const struct hold *);
static void swap(struct hold *, struct hold *);

void placement_targets(const struct view *v, incarnation_id targets[SLOTS])
{
	struct plan *p = mem_new(sizeof(*p));

	for (unsigned slot = 0; slot < SLOTS; slot++)
		targets[slot] = (incarnation_id){0};
	if (gather(p, v)) {
		keep_owners(p, v);
		shed_surplus(p, v);
		place_free(p);
		feed_hungry(p, v);
		for (unsigned slot = 0; slot < SLOTS; slot++)
			targets[slot] = p->shards[p->owner[slot]].id;
	}
	mem_free(p->shards);
	mem_free(p);
}

static bool gather(struct plan *p, const struct view *v)
{
	const struct view_member *m;
	size_t at = 0;

	if (v->members.len == 0)
		return false;
	p->shards = mem_new(v->members.len * sizeof(p->shards[0]));
	while ((m = map_next(&v->members, &at)))
		if (m->kind == MEMBER_SHARD && m->state == MEMBER_ACTIVE)
			p->shards[p->count++] = (struct candidate){m->id, 0};
	if (p->count == 0)
		return false;
	qsort(p->shards, p->count, sizeof(p->shards[0]), by_id);
	p->fair = (SLOTS + p->count - 1) / p->count;
	p->most = p->fair + SLOTS / p->count / 10;
	p->least = SLOTS / p->count - SLOTS / p->count / 10;
	return true;
}

static void keep_owners(struct plan *p, const struct view *v)
{
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		p->owner[slot] = find(p, v->slots[slot].owner);
		if (p->owner[slot] >= 0)
			p->shards[p->owner[slot]].load++;
	}
}

/* Only when some slot must go: most views ask for nothing. Scores are hashes, so they spread evenly
 * over as many buckets as there are slots, and what is left to sort are neighbours. */
static void put_in_order(struct plan *p, const struct view *v)
{
	unsigned ends[SLOTS] = {0}, all = 0;
	uint64_t scores[SLOTS];

	if (p->is_ordered)
		return;
	p->is_ordered = true;
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		scores[slot] = score(slot, v->slots[slot].owner);
		ends[scores[slot] / BUCKET]++;
	}
	for (unsigned i = 0; i < SLOTS; i++)
		all = ends[i] += all;
	for (unsigned slot = SLOTS; slot-- > 0;)
		p->order[--ends[scores[slot] / BUCKET]] = (struct hold){scores[slot], slot};
	for (unsigned i = 1; i < SLOTS; i++)
		for (unsigned at = i; at > 0 && is_looser(&p->order[at], &p->order[at - 1]); at--)
			swap(&p->order[at], &p->order[at - 1]);
}

static void shed_surplus(struct plan *p, const struct view *v)
{
	if (surplus(p, p->most) == 0)
		return;
	put_in_order(p, v);
	for (unsigned i = 0; i < SLOTS; i++) {
		unsigned slot = p->order[i].slot;

		if (p->owner[slot] >= 0 && p->shards[p->owner[slot]].load > p->most)
			move(p, slot, -1);
	}
}

/* There is room below `fair`: the loads and the free slots together make SLOTS. */
static void place_free(struct plan *p)
{
	for (unsigned slot = 0; slot < SLOTS; slot++)
		if (p->owner[slot] < 0)
			move(p, slot, best_below(p, slot, p->fair));
}

/* Give to those below `least` what lies above a level, the highest that yields enough. */
static void feed_hungry(struct plan *p, const struct view *v)
{
	unsigned missing = 0, level = p->most;

	for (unsigned i = 0; i < p->count; i++)
		if (p->shards[i].load < p->least)
			missing += p->least - p->shards[i].load;
	if (missing == 0)
		return;
	while (surplus(p, level) < missing)
		level--;
	put_in_order(p, v);
	for (unsigned i = 0; i < SLOTS && missing > 0; i++) {
		unsigned slot = p->order[i].slot;

		if (p->shards[p->owner[slot]].load > level) {
			move(p, slot, best_below(p, slot, p->least));
			missing--;
		}
	}
}

static unsigned surplus(const struct plan *p, unsigned level)
{
	unsigned above = 0;

	for (unsigned i = 0; i < p->count; i++)
		if (p->shards[i].load > level)
			above += p->shards[i].load - level;
	return above;
}

static void move(struct plan *p, unsigned slot, int to)
{
	if (p->owner[slot] >= 0)
		p->shards[p->owner[slot]].load--;
	p->owner[slot] = to;
	if (to >= 0)
		p->shards[to].load++;
}

/* They are few, and asked for once a slot: one after the other is faster than halving. */
static int find(const struct plan *p, incarnation_id id)
{
	for (unsigned i = 0; i < p->count; i++)
		if (p->shards[i].id.v == id.v)
			return (int)i;
	return -1;
}

static int best_below(const struct plan *p, unsigned slot, unsigned limit)
{
	uint64_t best_score = 0;
	int best = -1;

	for (unsigned i = 0; i < p->count; i++) {
		uint64_t s = score(slot, p->shards[i].id);

		if (p->shards[i].load < limit && (best < 0 || s > best_score)) {
			best = (int)i;
			best_score = s;
		}
	}
	must(best >= 0);
	return best;
}

static uint64_t score(unsigned slot, incarnation_id id)
{
	uint64_t key[2] = {slot, id.v};

	return span_hash(span_of(key, sizeof(key)));
}

static int by_id(const void *a, const void *b)
{
	uint64_t x = ((const struct candidate *)a)->id.v, y = ((const struct candidate *)b)->id.v;

	return (x > y) - (x < y);
}

static bool is_looser(const struct hold *a, const struct hold *b)
{
	return a->score != b->score ? a->score < b->score : a->slot < b->slot;
}

static void swap(struct hold *a, struct hold *b)
{
	struct hold was = *a;

	*a = *b;
	*b = was;
}
