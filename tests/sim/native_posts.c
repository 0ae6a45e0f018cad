/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "tests/sim/native_client.h"
#include "tests/sim/world.h"

#define PENDING_MAX 12 /* of one room */
#define HOLD_MIN_NS (50 * NS_PER_MS)
#define BASED_PER_MILLE 60 /* of the publishes */

static void send(struct native_place *, uint64_t n);
static void renumber(struct native_client *, uint64_t n);
static struct native_post *find(struct native_place *, uint64_t n);
static struct sim *sim_of(const struct native_place *);

/* New ones wait behind one that was refused, and for a room that is joined anew. */
void native_publish(struct native_place *place)
{
	struct native_client *p = place->line->client;
	struct native_room *room = &p->rooms[place->room];
	struct sim *s = sim_of(place);

	if (p->last_n == POSTS_MAX || native_posts_pending(p, place->room) >= PENDING_MAX)
		return;
	struct publication *what = publication_new(&p->world->publications, place->room);
	if (!what)
		return;
	what->native = p;
	what->session = p->session;
	what->n = ++p->last_n;
	p->posts[what->n - 1] = (struct native_post){.room = place->room, .publication = what};
	if (room->knows && room->applied > 0 && !p->world->ending &&
	    sim_chance(s, SIM_CLIENT, BASED_PER_MILLE))
		p->posts[what->n - 1].base = room->applied;
	if (!room->hold_ns)
		send(place, what->n);
}

void native_posts_send_again(struct native_place *place, uint64_t from_n)
{
	struct native_client *p = place->line->client;
	uint64_t last_n = p->last_n;

	p->rooms[place->room].hold_ns = 0;
	p->rooms[place->room].again_n = 0;
	for (uint64_t n = from_n; n <= last_n; n++) {
		const struct native_post *one = &p->posts[n - 1];

		if (one->room != place->room || one->state != POST_PENDING)
			continue;
		if (mutant_is(p->world->mutant, MUTANT_RESENT_RENUMBERED) &&
		    p->last_n < POSTS_MAX) {
			renumber(p, n);
			send(place, p->last_n);
		} else {
			send(place, n);
		}
	}
}

void native_posts_on_ack(struct native_place *place, const struct told *t)
{
	struct native_client *p = place->line->client;
	struct publications *all = &p->world->publications;
	struct native_post *one = find(place, t->n);

	if (!one)
		return;
	if (one->publication->seq != t->seq)
		sim_violate(sim_of(place), "acked-is-stored",
			    "native %u: %" PRIu64 " is %" PRIu64 ", not %" PRIu64, p->index, t->n,
			    one->publication->seq, t->seq);
	if (one->state == POST_REFUSED)
		sim_violate(sim_of(place), "answered-once",
			    "native %u: %" PRIu64 " was refused for good before", p->index, t->n);
	one->state = POST_ACKED;
	if (t->seq > all->acked[place->room])
		all->acked[place->room] = t->seq;
}

void native_posts_on_refused(struct native_place *place, const struct told *t)
{
	struct native_client *p = place->line->client;
	struct native_room *room = &p->rooms[place->room];
	struct native_post *one = find(place, t->n);
	int64_t until_ns =
		sim_of(place)->now_ns + (t->retry_ns > HOLD_MIN_NS ? t->retry_ns : HOLD_MIN_NS);

	if (!one || one->state != POST_PENDING)
		return;
	if (err_retryable(t->code) || t->code == ERR_NOT_JOINED) {
		if (until_ns > room->hold_ns)
			room->hold_ns = until_ns;
		if (!room->again_n || t->n < room->again_n)
			room->again_n = t->n;
		return;
	}
	if (t->code != ERR_CONFLICT || !one->base || t->seq <= one->base ||
	    t->seq > p->world->publications.last[place->room])
		sim_violate(sim_of(place), "refused-for-good",
			    "native %u: %" PRIu64 " of base %" PRIu64 ": %s, %" PRIu64, p->index,
			    t->n, one->base, err_name(t->code), t->seq);
	if (one->publication->seq)
		sim_violate(sim_of(place), "refused-is-not-stored",
			    "native %u: %" PRIu64 " is %" PRIu64, p->index, t->n,
			    one->publication->seq);
	one->state = POST_REFUSED;
	one->publication->refused = true;
}

void native_posts_forget(struct native_client *p)
{
	for (uint64_t n = 1; n <= p->last_n; n++)
		p->posts[n - 1].publication->native = NULL;
	p->last_n = 0;
}

size_t native_posts_pending(const struct native_client *p, unsigned room)
{
	size_t count = 0;

	for (uint64_t n = 1; n <= p->last_n; n++)
		count += p->posts[n - 1].room == room && p->posts[n - 1].state == POST_PENDING;
	return count;
}

void native_posts_on_stored(struct native_client *p, const struct publication *what)
{
	if (what->refused)
		sim_violate(&p->world->sim, "refused-is-not-stored",
			    "native %u: %" PRIu64 " is stored", p->index, what->n);
	for (uint64_t n = what->n + 1; n <= p->last_n; n++) {
		const struct native_post *later = &p->posts[n - 1];

		if (later->room == what->room && later->publication != what &&
		    later->publication->seq)
			sim_violate(&p->world->sim, "published-in-order",
				    "native %u: %" PRIu64 " is stored in r%u after %" PRIu64,
				    p->index, what->n, what->room, n);
	}
}

static void send(struct native_place *place, uint64_t n)
{
	struct native_client *p = place->line->client;
	const struct native_post *one = &p->posts[n - 1];
	char base[32] = "";

	if (one->base)
		snprintf(base, sizeof base, ",\"base\":%" PRIu64, one->base);
	NATIVE_SAY(place,
		   "{\"type\":\"publish\",\"room\":\"submission:r%u\",\"n\":%" PRIu64
		   ",\"event\":\"comment_added\",\"data\":{\"e\":%" PRIu64 "}%s}",
		   place->room, n, one->publication->number, base);
}

/* A mutant: it goes out again as if it were another one. */
static void renumber(struct native_client *p, uint64_t n)
{
	p->posts[p->last_n] = p->posts[n - 1];
	p->posts[n - 1].state = POST_REFUSED;
	p->posts[p->last_n].publication->n = p->last_n + 1;
	p->last_n++;
}

static struct native_post *find(struct native_place *place, uint64_t n)
{
	struct native_client *p = place->line->client;
	struct native_post *one = n > 0 && n <= p->last_n ? &p->posts[n - 1] : NULL;

	if (one && one->room == place->room)
		return one;
	sim_violate(sim_of(place), "answered-once",
		    "native %u: %" PRIu64 " in r%u, which it never "
		    "published",
		    p->index, n, place->room);
	return NULL;
}

static struct sim *sim_of(const struct native_place *place)
{
	return &place->line->client->world->sim;
}
