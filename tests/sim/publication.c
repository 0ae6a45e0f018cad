/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/publication.h"

#include <inttypes.h>

#include "common/mem.h"
#include "gateway/questions.h"
#include "tests/sim/gateway_process.h"
#include "tests/sim/world.h"

#define PAUSE_MEAN_NS (120 * NS_PER_MS)
#define ANSWER_NS (7 * NS_PER_S) /* the patience of questions.c, and what may be late */

struct post { /* an HTTP request on its way into a gateway */
	struct input input;
	struct publication *publication;
};

static void on_next(struct event *);
static void publish(struct publications *, unsigned room);
static void take_post(struct input *, struct node *);
static void drop_post(struct input *);
static void on_answered(void *owner, const struct answer *);
static void check_answer(struct publications *, const struct publication *);
static unsigned room_of(struct span key);

void publications_init(struct publications *all, struct world *w)
{
	*all = (struct publications){.world = w};
	sim_in(&w->sim, &all->next, WORLD_START_NS / 2, on_next);
}

void publications_fini(struct publications *all)
{
	sim_cancel(&all->world->sim, &all->next);
}

void publications_end(struct publications *all)
{
	sim_cancel(&all->world->sim, &all->next);
	for (unsigned room = 0; room < all->world->plan.rooms; room++)
		publish(all, room);
}

void publications_check(struct publications *all)
{
	struct world *w = all->world;

	for (uint64_t i = 0; i < all->count; i++)
		check_answer(all, &all->all[i]);
	for (unsigned i = 0; i < w->plan.clients; i++) {
		const struct connection *c = w->clients[i].now;

		if (c && c->welcomed && c->event_seq != all->last[c->room])
			sim_violate(&w->sim, "event-arrives",
				    "connection %u at %s was shown events of r%u up to %" PRIu64
				    " of %" PRIu64,
				    c->number, c->gateway->name, c->room, c->event_seq,
				    all->last[c->room]);
	}
}

struct publication *publication_new(struct publications *all, unsigned room)
{
	struct publication *p = &all->all[all->count];

	if (all->count == PUBLICATIONS_MAX)
		return NULL;
	*p = (struct publication){.world = all->world,
				  .number = ++all->count,
				  .room = room,
				  .asked_ns = all->world->sim.now_ns,
				  .floor = all->acked[room]};
	return p;
}

/* Each once, each after what had been acknowledged before it was asked for. */
void publication_on_stored(struct publications *all, struct span room, uint64_t seq,
			   struct span body)
{
	struct sim *s = &all->world->sim;
	uint64_t number = shown_event_number(body);

	must(number > 0 && number <= all->count);
	struct publication *p = &all->all[number - 1];
	if (p->seq)
		sim_violate(s, "stored-once", "event %" PRIu64 " is %" PRIu64 " and %" PRIu64,
			    p->number, p->seq, seq);
	if (seq <= p->floor)
		sim_violate(s, "stored-in-order",
			    "event %" PRIu64 " is %" PRIu64 ", after %" PRIu64 " was acknowledged",
			    p->number, seq, p->floor);
	p->seq = seq;
	if (p->native)
		native_posts_on_stored(p->native, p);
	all->last[room_of(room)] = seq;
	sim_trace(s, "event %" PRIu64 " is stored in r%u as %" PRIu64, p->number, p->room, seq);
}

/* Only what is stored, each once, in the order in which it is stored, without a gap. */
void publication_on_frame(struct publications *all, struct connection *c, const struct frame *f)
{
	struct sim *s = &all->world->sim;
	const struct publication *p = &all->all[f->number - 1];

	must(f->number > 0 && f->number <= all->count);
	if (p->seq == 0)
		sim_violate(s, "seen-is-stored", "connection %u was shown event %" PRIu64,
			    c->number, p->number);
	if (p->room != c->room)
		sim_violate(s, "seen-in-its-room", "event %" PRIu64 " of r%u in r%u", p->number,
			    p->room, c->room);
	if (c->event_seq && p->seq != c->event_seq + 1)
		sim_violate(s, "event-order", "connection %u was shown %" PRIu64 " after %" PRIu64,
			    c->number, p->seq, c->event_seq);
	c->event_seq = p->seq;
}

static void on_next(struct event *e)
{
	struct publications *all = container_of(e, struct publications, next);
	struct sim *s = &all->world->sim;

	sim_in(s, e, sim_wait(s, SIM_CLIENT, PAUSE_MEAN_NS), on_next);
	publish(all, (unsigned)sim_below(s, SIM_CLIENT, all->world->plan.rooms));
}

static void publish(struct publications *all, unsigned room)
{
	struct world *w = all->world;
	struct node *gateway = &w->gateways[sim_below(&w->sim, SIM_CLIENT, w->plan.gateways)];

	if (!node_runs(gateway) || !gateway_accepts(gateway))
		return;
	struct publication *p = publication_new(all, room);
	if (!p)
		return;
	p->gateway = gateway->id;
	struct post *post = mem_new(sizeof *post);
	post->input = (struct input){.take = take_post, .drop = drop_post};
	post->publication = p;
	sim_trace(&w->sim, "event %" PRIu64 " is published in r%u through %s", p->number, room,
		  gateway->name);
	node_give(gateway, &post->input);
}

static void take_post(struct input *in, struct node *gateway)
{
	struct post *post = container_of(in, struct post, input);
	struct publication *p = post->publication;
	char text[FRAME_CAST_LEN];

	questions_publish(gateway_process_questions(gateway->gateway), world_room_key(p->room),
			  &(struct question_event){
				  .type = SPAN("comment_added"),
				  .actor = SPAN("u0"),
				  .body = shown_put_event(text, p->number),
			  },
			  on_answered, p);
	mem_free(post);
}

static void drop_post(struct input *in)
{
	mem_free(container_of(in, struct post, input));
}

static void on_answered(void *owner, const struct answer *answer)
{
	struct publication *p = owner;
	struct publications *all = &p->world->publications;

	p->answered = true;
	p->acked = answer->err == OK;
	sim_trace(&p->world->sim, "event %" PRIu64 " is answered: %s", p->number,
		  err_name(answer->err));
	if (!p->acked)
		return;
	if (p->seq == 0)
		sim_violate(&p->world->sim, "acked-is-stored", "event %" PRIu64, p->number);
	if (p->seq > all->acked[p->room])
		all->acked[p->room] = p->seq;
}

/* Those of the end, when all is well, must be stored; the others at least told about. */
static void check_answer(struct publications *all, const struct publication *p)
{
	struct world *w = all->world;
	const struct node *gateway = p->session ? NULL : world_node(w, p->gateway);
	bool is_last = w->settled && p->number + w->plan.rooms > all->count;

	if (!gateway)
		return;
	if (!p->answered && (is_last || w->sim.now_ns - p->asked_ns > ANSWER_NS))
		sim_violate(&w->sim, "answered", "event %" PRIu64 " through %s", p->number,
			    gateway->name);
	if (is_last && !p->acked)
		sim_violate(&w->sim, "event-arrives", "event %" PRIu64 " was refused", p->number);
}

static unsigned room_of(struct span key)
{
	unsigned room = 0;

	while (!span_eq(key, world_room_key(room)))
		must(++room < CLIENT_ROOMS_MAX);
	return room;
}
