/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/account_in.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"

#define SPARED_BEFORE_NS NS_PER_S /* what was on its way when something was killed */

const char *const flaw_words[] = {
#define FLAW(NAME, word, help) #word,
#include "bench/flaw.def"
#undef FLAW
};

const char *const flaw_helps[] = {
#define FLAW(NAME, word, help) help,
#include "bench/flaw.def"
#undef FLAW
};

static void person_init(struct person *, struct room *);

struct account *account_new(const struct account_plan *plan)
{
	struct account *a = mem_new(sizeof *a);

	a->room_count = plan->rooms;
	a->merge_ns = plan->merge_ns;
	a->grace_ns = plan->grace_ns;
	a->rooms = mem_new(plan->rooms * sizeof *a->rooms);
	for (size_t i = 0; i < plan->rooms; i++) {
		struct room *r = &a->rooms[i];

		r->first = a->person_count;
		r->people = plan->people[i];
		r->casters = plan->casters && plan->casters < r->people ? plan->casters : r->people;
		a->person_count += r->people;
	}
	a->people = mem_new(a->person_count * sizeof *a->people);
	for (size_t i = 0; i < plan->rooms; i++)
		for (size_t k = 0; k < a->rooms[i].people; k++)
			person_init(&a->people[a->rooms[i].first + k], &a->rooms[i]);
	return a;
}

static void person_init(struct person *p, struct room *room)
{
	p->room = room;
	p->heard = mem_new(room->casters * sizeof *p->heard);
	p->known = mem_new((room->people + 63) / 64 * sizeof *p->known);
}

void account_free(struct account **taken)
{
	struct account *a = *taken;

	if (!a)
		return;
	for (size_t i = 0; i < a->person_count; i++) {
		mem_free(a->people[i].heard);
		mem_free(a->people[i].shown);
		mem_free(a->people[i].known);
	}
	for (size_t i = 0; i < a->room_count; i++)
		mem_free(a->rooms[i].stored);
	mem_free(a->rooms);
	mem_free(a->people);
	mem_free(a);
	*taken = NULL;
}

size_t account_pairs(const struct account_plan *plan)
{
	size_t pairs = 0;

	for (size_t i = 0; i < plan->rooms; i++) {
		size_t people = plan->people[i];

		pairs +=
			people * (plan->casters && plan->casters < people ? plan->casters : people);
	}
	return pairs;
}

void account_enter(struct account *a, size_t person, const struct account_entry *entry,
		   int64_t now_ns)
{
	struct person *p = account_person(a, person);
	bool was_gone = !p->was_in || (p->lost_ns && now_ns - p->lost_ns >= a->grace_ns);

	p->is_in = true;
	p->is_native = entry->is_native;
	p->since_ns = now_ns;
	p->lost_ns = 0;
	p->relay = 0;
	if (was_gone)
		p->came_ns = now_ns;
	if (was_gone && p->was_in)
		p->late_ns = now_ns;
	if (!p->has_seq) { /* a server that does not say it sends what comes from now on */
		p->seq = entry->has_seq ? entry->seq : p->room->shown;
		p->has_seq = entry->has_seq;
	}
	if (p->seq > p->room->shown && !p->was_in)
		p->room->shown = p->seq;
	if (!p->is_native && !p->shown)
		p->shown = mem_new(p->room->people * sizeof *p->shown);
	for (size_t i = 0; !p->is_native && !p->was_in && i < p->room->people; i++)
		p->shown[i] = a->people[p->room->first + i].published;
	p->was_in = true;
}

void account_leave(struct account *a, size_t person, int64_t now_ns)
{
	struct person *p = account_person(a, person);

	p->is_in = p->was_in = p->has_seq = false;
	p->gap_from = p->gap_to = 0;
	p->left_ns = now_ns;
	p->casts_doubted = p->casts;
}

void account_lose(struct account *a, size_t person, int64_t now_ns)
{
	struct person *p = account_person(a, person);

	p->is_in = false;
	p->casts_doubted = p->casts;
	if (!p->lost_ns)
		p->lost_ns = now_ns;
}

void account_slow(struct account *a, size_t person)
{
	account_person(a, person)->is_slow = true;
}

void account_spare(struct account *a, bool on, int64_t now_ns)
{
	size_t at = a->spare_count % SPARES_REMEMBERED;

	if (on == a->spares_now)
		return;
	a->spares_now = on;
	if (on) {
		a->spares[at].from_ns = now_ns - SPARED_BEFORE_NS;
		a->spares[at].to_ns = INT64_MAX;
	} else {
		a->spares[at].to_ns = now_ns;
		a->spare_count++;
	}
}

void account_garbled(struct account *a, size_t reader, struct span text)
{
	account_note(a, FLAW_GARBLED, 1, "%zu was told %.*s", reader,
		     (int)(text.len < 100 ? text.len : 100), (const char *)text.p);
}

void account_unanswered(struct account *a, size_t person, size_t count)
{
	account_note(a, FLAW_UNANSWERED, count, "%zu waits for %zu answers", person, count);
}

void account_close(struct account *a, int64_t now_ns)
{
	for (size_t i = 0; i < a->person_count; i++) {
		account_close_casts(a, i);
		account_close_events(a, i);
		account_close_presence(a, i, now_ns);
	}
}

bool account_is_settled(const struct account *a)
{
	for (size_t i = 0; i < a->person_count; i++)
		if (!account_casts_are_in(a, &a->people[i]) ||
		    !account_events_are_in(a, &a->people[i]))
			return false;
	return true;
}

uint64_t account_flaw(const struct account *a, enum flaw flaw)
{
	return a->flaws[flaw];
}

uint64_t account_flaws(const struct account *a)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < FLAW_COUNT; i++)
		sum += a->flaws[i];
	return sum;
}

uint64_t account_merged(const struct account *a)
{
	return a->merged;
}

uint64_t account_spared(const struct account *a)
{
	return a->spared;
}

const char *account_example(const struct account *a, size_t i)
{
	return i < a->example_count ? a->examples[i] : NULL;
}

void account_note(struct account *a, enum flaw flaw, uint64_t count, const char *fmt, ...)
{
	va_list args;

	if (!count)
		return;
	a->flaws[flaw] += count;
	if (a->example_count == EXAMPLES_MAX)
		return;
	char *to = a->examples[a->example_count++];
	int len = snprintf(to, EXAMPLE_LEN, "%s: ", flaw_words[flaw]);
	va_start(args, fmt);
	vsnprintf(to + len, EXAMPLE_LEN - (size_t)len, fmt, args);
	va_end(args);
}

struct person *account_person(struct account *a, size_t person)
{
	must(person < a->person_count);
	return &a->people[person];
}

bool account_same_room(const struct account *a, size_t one, size_t other)
{
	return other < a->person_count && a->people[one].room == a->people[other].room;
}
