/* SPDX-License-Identifier: Apache-2.0 */
/* Casts: each person's are numbered, and of those a reader was not shown each is merged, spared or
 * lost. A number that is missing is judged when a later one comes, or at the end. */
#include "bench/account_in.h"

static void judge_missing(struct account *, size_t reader, size_t sender, uint32_t number);
static bool is_excused(struct account *, const struct person *reader, const struct person *sender,
		       uint32_t number);
static bool is_merged(const struct account *, const struct person *sender, uint32_t number);
static bool may_be_lost(const struct account *, const struct person *sender, uint32_t number);
static bool is_spared_at(const struct account *, int64_t at_ns);
static int64_t said_at(const struct person *, uint32_t number);
static bool is_owed(const struct account *, const struct person *reader,
		    const struct person *sender, uint32_t heard);

uint32_t account_cast(struct account *a, size_t person, int64_t now_ns)
{
	struct person *p = account_person(a, person);

	p->casts++;
	p->cast_at_ns[p->casts % CASTS_REMEMBERED] = now_ns;
	return p->casts;
}

bool account_hear(struct account *a, size_t reader, size_t sender, uint32_t number)
{
	if (!account_same_room(a, reader, sender)) {
		account_note(a, FLAW_GARBLED, 1, "%zu heard %zu, who is elsewhere", reader, sender);
		return false;
	}
	struct person *p = account_person(a, reader);
	struct person *from = account_person(a, sender);
	size_t place = sender - p->room->first;
	if (place >= p->room->casters || number == 0 || number > from->casts) {
		account_note(a, FLAW_GARBLED, 1, "%zu heard cast %u of %zu, which was not said",
			     reader, number, sender);
		return false;
	}
	bool is_kept = !p->is_native && said_at(from, number) <= p->since_ns;
	uint32_t last = p->heard[place];
	if (is_kept && number <= last)
		return false;
	if (number == last) {
		account_note(a, FLAW_DUPLICATED, 1, "%zu heard cast %u of %zu twice", reader,
			     number, sender);
	} else if (number < last) {
		account_note(a, FLAW_REORDERED, 1, "%zu heard cast %u of %zu after %u", reader,
			     number, sender, last);
	} else {
		for (uint32_t missing = last + 1; missing < number; missing++)
			judge_missing(a, reader, sender, missing);
		p->heard[place] = number;
	}
	return !is_kept;
}

static void judge_missing(struct account *a, size_t reader, size_t sender, uint32_t number)
{
	struct person *p = account_person(a, reader);
	struct person *from = account_person(a, sender);

	if (is_excused(a, p, from, number))
		return;
	if (p->is_slow || is_merged(a, from, number))
		a->merged++;
	else
		account_note(a, FLAW_LOST, 1, "%zu did not hear cast %u of %zu", reader, number,
			     sender);
}

/* Said before the reader was there, or while somebody may not have been able to say or hear it. */
static bool is_excused(struct account *a, const struct person *reader, const struct person *sender,
		       uint32_t number)
{
	if (said_at(sender, number) <= reader->since_ns)
		return true;
	if (!may_be_lost(a, sender, number))
		return false;
	a->spared++;
	return true;
}

static bool may_be_lost(const struct account *a, const struct person *sender, uint32_t number)
{
	return number <= sender->casts_doubted || is_spared_at(a, said_at(sender, number));
}

/* Was the next one said so soon that it may have taken its place? */
static bool is_merged(const struct account *a, const struct person *sender, uint32_t number)
{
	return number < sender->casts &&
	       said_at(sender, number + 1) - said_at(sender, number) <= a->merge_ns;
}

static bool is_spared_at(const struct account *a, int64_t at_ns)
{
	size_t count = a->spare_count + a->spares_now;

	if (count > SPARES_REMEMBERED)
		count = SPARES_REMEMBERED;
	for (size_t i = 0; i < count; i++)
		if (at_ns >= a->spares[i].from_ns && at_ns <= a->spares[i].to_ns)
			return true;
	return false;
}

/* What is longer ago than is remembered: estimated by the pace of what is. */
static int64_t said_at(const struct person *p, uint32_t number)
{
	uint32_t oldest = p->casts > CASTS_REMEMBERED - 1 ? p->casts - (CASTS_REMEMBERED - 1) : 1;
	int64_t oldest_ns = p->cast_at_ns[oldest % CASTS_REMEMBERED];

	if (number >= oldest)
		return p->cast_at_ns[number % CASTS_REMEMBERED];
	int64_t span_ns = p->cast_at_ns[p->casts % CASTS_REMEMBERED] - oldest_ns;
	return oldest_ns - span_ns / (CASTS_REMEMBERED - 2) * (int64_t)(oldest - number);
}

void account_close_casts(struct account *a, size_t reader)
{
	struct person *p = account_person(a, reader);

	for (size_t i = 0; p->is_in && i < p->room->casters; i++) {
		size_t sender = p->room->first + i;
		uint32_t said = a->people[sender].casts;

		if (sender != reader)
			for (uint32_t missing = p->heard[i] + 1; missing <= said; missing++)
				judge_missing(a, reader, sender, missing);
	}
}

bool account_casts_are_in(const struct account *a, const struct person *p)
{
	for (size_t i = 0; p->is_in && i < p->room->casters; i++) {
		const struct person *from = &a->people[p->room->first + i];

		if (from != p && is_owed(a, p, from, p->heard[i]))
			return false;
	}
	return true;
}

/* One of those after `heard`. */
static bool is_owed(const struct account *a, const struct person *reader,
		    const struct person *sender, uint32_t heard)
{
	for (uint32_t number = sender->casts; number > heard; number--) {
		if (said_at(sender, number) <= reader->since_ns)
			return false;
		if (!may_be_lost(a, sender, number))
			return true;
	}
	return false;
}
