/* SPDX-License-Identifier: Apache-2.0 */
/* A room in which nothing happens is forgotten here, although people are in it: their gateways keep
 * the sockets and their copy of the roster, and attach again before they say anything of it. Two
 * steps, so that nothing that is on its way finds no room: HIBERNATE asks, and once every gateway
 * that shows the room has said HIBERNATED, nothing can come but an ATTACH. Whatever happens in
 * between calls it off. */
#include "proto/slot.h"
#include "roomd/room_inside.h"

#define AGAIN_NS NS_PER_S    /* something was under way, or somebody did not answer */
#define QUESTION_NS NS_PER_S /* a room that is here because somebody asked who is in it */

static int64_t idle_ns(const struct room *);
static bool may_go(const struct room *);
static bool is_calm(const struct room *, const struct attachment *);
static bool shows(const struct attachment *);

void room_stir(struct room *r, int64_t now_ns)
{
	r->rest.active_ns = now_ns;
	r->rest.is_awake = true;
	r->rest.is_going = false;
	heat_add(&r->rest.heat, now_ns);
}

/* Not all in one turn. */
void room_look_soon(struct room *r, int64_t now_ns)
{
	int64_t spread_ns = (int64_t)(slot_of(room_key(r)) % 1024) * NS_PER_MS;

	if (r->rest.look_ns <= now_ns + spread_ns)
		return;
	r->rest.look_ns = now_ns + spread_ns;
	room_settle(r);
}

void room_rest_now(struct room *r, int64_t now_ns)
{
	r->rest.active_ns = now_ns - idle_ns(r);
	r->rest.look_ns = now_ns;
	room_settle(r);
}

uint64_t room_heat(const struct room *r, int64_t now_ns)
{
	return heat_rate(&r->rest.heat, now_ns);
}

void room_call(struct room *r)
{
	r->rest.is_called = true;
}

void room_rest_attach(struct room *r, struct attachment *a)
{
	a->hibernates = false;
	r->rest.is_going = false;
}

void room_on_hibernated(struct room *r, struct feed *f)
{
	struct attachment *a = presence_find(&r->presence, f);

	if (!a)
		return;
	a->hibernates = true;
	room_settle(r);
}

/* Put off when it comes: each message that moved it would arm a timer. */
int64_t room_rest_next_ns(struct room *r)
{
	if (r->env->hibernate_ns == 0 || !r->presence.covered ||
	    roster_entries(&r->presence.roster) == 0)
		return INT64_MAX;
	if (r->rest.look_ns == 0)
		r->rest.look_ns = r->rest.active_ns + idle_ns(r);
	return r->rest.look_ns;
}

void room_rest_tick(struct room *r, int64_t now_ns)
{
	if (now_ns < room_rest_next_ns(r))
		return;
	r->rest.look_ns = r->rest.active_ns + idle_ns(r);
	if (r->rest.look_ns > now_ns)
		return;
	r->rest.look_ns = now_ns + AGAIN_NS;
	if (!may_go(r))
		return;
	r->rest.is_going = true;
	LIST_EACH (&r->presence.attachments, it, ahead) {
		struct attachment *a = container_of(it, struct attachment, of_room);

		a->hibernates = false;
		if (shows(a))
			message_put_hibernate(
				feed_out(a->feed),
				&(struct msg_hibernate){room_key(r), r->presence.relay});
	}
}

bool room_rest_is_over(const struct room *r)
{
	if (!r->rest.is_going || !may_go(r))
		return false;
	LIST_EACH (&r->presence.attachments, it, ahead) {
		const struct attachment *a = container_of(it, struct attachment, of_room);

		if (shows(a) && !a->hibernates)
			return false;
	}
	return true;
}

static int64_t idle_ns(const struct room *r)
{
	bool is_short = !r->rest.is_awake && QUESTION_NS < r->env->hibernate_ns;

	return is_short ? QUESTION_NS : r->env->hibernate_ns;
}

/* Everybody is where we think, has been told everything, and owes nothing. */
static bool may_go(const struct room *r)
{
	if (!r->presence.covered || r->presence.state_due || r->waiting.count > 0 ||
	    !room_replay_is_idle(r) || !r->head_known || r->reading ||
	    journal_has_staged(r->env->journal, room_key(r)))
		return false;
	LIST_EACH (&r->presence.attachments, it, ahead)
		if (!is_calm(r, container_of(it, struct attachment, of_room)))
			return false;
	return true;
}

static bool is_calm(const struct room *r, const struct attachment *a)
{
	if (!shows(a))
		return a->entries == 0;
	return a->feed->state == FEED_LIVE && !a->unconfirmed && a->event_placed &&
	       a->event_next > r->head;
}

static bool shows(const struct attachment *a)
{
	return a->attached && a->entries > 0;
}
