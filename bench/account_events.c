/* SPDX-License-Identifier: Apache-2.0 */
/* Events: numbered by the server, without holes, the same for everybody. A reader who is there when
 * the run ends must have been shown each one since he first came, once and in order. */
#include "bench/account_in.h"

#include <inttypes.h>

#include "common/mem.h"

#define SHOWN_AGAIN_NS (5 * NS_PER_S) /* v0: after a reconnect, what was not proved comes again */

static void room_take(struct account *, struct room *, uint64_t seq, uint64_t id);
static void room_order(struct account *, size_t sender, uint32_t number);
static uint64_t id_of(size_t person, uint32_t number);

uint32_t account_publish(struct account *a, size_t person)
{
	return ++account_person(a, person)->published;
}

void account_ack(struct account *a, size_t person, uint32_t number, uint64_t seq)
{
	struct room *room = account_person(a, person)->room;

	room_take(a, room, seq, id_of(person, number));
	if (seq > room->acked)
		room->acked = seq;
}

void account_refuse(struct account *a, size_t person, uint32_t number)
{
	(void)number;
	account_person(a, person)->refused++;
}

void account_event(struct account *a, size_t reader, uint64_t seq, size_t sender, uint32_t number)
{
	struct person *p = account_person(a, reader);

	if (!account_same_room(a, reader, sender) || number == 0 ||
	    number > a->people[sender].published) {
		account_note(a, FLAW_GARBLED, 1, "%zu saw event %u of %zu, which was not said",
			     reader, number, sender);
		return;
	}
	if (!p->has_seq)
		p->seq = seq - 1;
	p->has_seq = true;
	if (seq > p->seq) {
		if (seq > p->seq + 1) {
			p->gap_from = p->seq + 1;
			p->gap_to = seq - 1;
			account_note(a, FLAW_LOST, seq - p->seq - 1,
				     "%zu saw event %" PRIu64 " after %" PRIu64, reader, seq,
				     p->seq);
		}
		p->seq = seq;
	} else if (seq >= p->gap_from && seq <= p->gap_to) { /* late, not lost */
		a->flaws[FLAW_LOST]--;
		p->gap_from = seq + 1;
		account_note(a, FLAW_REORDERED, 1, "%zu saw event %" PRIu64 " after %" PRIu64,
			     reader, seq, p->seq);
	} else {
		account_note(a, FLAW_DUPLICATED, 1, "%zu saw event %" PRIu64 " twice", reader, seq);
	}
	room_take(a, p->room, seq, id_of(sender, number));
	if (seq > p->room->shown) {
		p->room->shown = seq;
		room_order(a, sender, number);
	}
}

/* Whoever tells first what a number is, by an event or by an ack, binds all others. */
static void room_take(struct account *a, struct room *room, uint64_t seq, uint64_t id)
{
	if (!room->stored)
		room->stored = mem_new(EVENTS_REMEMBERED * sizeof *room->stored);
	struct stored *at = &room->stored[seq % EVENTS_REMEMBERED];
	if (at->seq < seq)
		*at = (struct stored){seq, id};
	else if (at->seq == seq && at->id != id)
		account_note(a, FLAW_FORKED, 1,
			     "in the room of %zu number %" PRIu64 " is %" PRIx64 " and %" PRIx64,
			     room->first, seq, at->id, id);
}

/* Each person's are stored once, in the order in which he said them. */
static void room_order(struct account *a, size_t sender, uint32_t number)
{
	struct person *from = account_person(a, sender);

	if (number > from->stored) {
		from->stored = number;
		return;
	}
	account_note(a, number == from->stored ? FLAW_DUPLICATED : FLAW_REORDERED, 1,
		     "publish %u of %zu is stored after %u", number, sender, from->stored);
}

bool account_shown(struct account *a, size_t reader, size_t sender, uint32_t number, int64_t now_ns)
{
	struct person *p = account_person(a, reader);

	if (!account_same_room(a, reader, sender) || number == 0 ||
	    number > a->people[sender].published || !p->shown) {
		account_note(a, FLAW_GARBLED, 1, "%zu saw event %u of %zu, which was not said",
			     reader, number, sender);
		return false;
	}
	uint32_t *last = &p->shown[sender - p->room->first];
	if (number <= *last) {
		if (now_ns - p->since_ns > SHOWN_AGAIN_NS)
			account_note(a, number == *last ? FLAW_DUPLICATED : FLAW_REORDERED, 1,
				     "%zu saw publish %u of %zu after %u", reader, number, sender,
				     *last);
		return false;
	}
	if (number > *last + 1 && !a->people[sender].refused)
		account_note(a, FLAW_LOST, number - *last - 1, "%zu saw publish %u of %zu after %u",
			     reader, number, sender, *last);
	*last = number;
	return true;
}

void account_relay(struct account *a, size_t reader, uint64_t relay)
{
	struct person *p = account_person(a, reader);

	if (relay <= p->relay)
		account_note(a, FLAW_REORDERED, 1, "%zu was told %" PRIu64 " after %" PRIu64,
			     reader, relay, p->relay);
	p->relay = relay;
}

void account_gap(struct account *a, size_t reader, uint64_t from, uint64_t to)
{
	account_note(a, FLAW_LOST, to - from + 1,
		     "%zu was told that events %" PRIu64 " to %" PRIu64 " are gone", reader, from,
		     to);
	account_person(a, reader)->seq = to;
}

/* Who lost his connection and never came back has missed them, too; who left has not. */
void account_close_events(struct account *a, size_t reader)
{
	struct person *p = account_person(a, reader);
	uint64_t last = p->room->shown > p->room->acked ? p->room->shown : p->room->acked;

	if (!p->was_in)
		return;
	if (p->is_native && p->seq < last)
		account_note(a, FLAW_LOST, last - p->seq,
			     "%zu saw events up to %" PRIu64 " of %" PRIu64, reader, p->seq, last);
	for (size_t i = 0; !p->is_native && i < p->room->people; i++) {
		uint32_t stored = a->people[p->room->first + i].stored;

		if (p->shown[i] < stored)
			account_note(a, FLAW_LOST, stored - p->shown[i],
				     "%zu saw publishes of %zu up to %u of %u", reader,
				     p->room->first + i, p->shown[i], stored);
	}
}

bool account_events_are_in(const struct account *a, const struct person *p)
{
	if (!p->was_in)
		return true;
	if (p->is_native)
		return p->seq >= p->room->shown && p->seq >= p->room->acked;
	for (size_t i = 0; i < p->room->people; i++)
		if (p->shown[i] < a->people[p->room->first + i].stored)
			return false;
	return true;
}

static uint64_t id_of(size_t person, uint32_t number)
{
	return (uint64_t)(person + 1) << 32 | number;
}
