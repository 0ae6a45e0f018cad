/* SPDX-License-Identifier: Apache-2.0 */
/* Who is there. What a reader is told of somebody is held against what that person did lately; at
 * the end each reader's list is held against who is there. */
#include "bench/account_in.h"

#define TOLD_WITHIN_NS (10 * NS_PER_S) /* so long may it take until a coming or going is shown */

static bool is_gone_for(const struct account *, const struct person *, int64_t now_ns);
static void know(struct account *, size_t reader, size_t person, bool is_there);
static bool knows(const struct person *, size_t place);

void account_list_begin(struct account *a, size_t reader)
{
	struct person *p = account_person(a, reader);

	for (size_t i = 0; i < (p->room->people + 63) / 64; i++)
		p->known[i] = 0;
	p->has_list = true;
	p->is_unlisted = false;
}

void account_listed(struct account *a, size_t reader, size_t person)
{
	if (account_same_room(a, reader, person))
		know(a, reader, person, true);
}

void account_unlisted(struct account *a, size_t reader)
{
	account_person(a, reader)->is_unlisted = true;
}

void account_came(struct account *a, size_t reader, size_t person, int64_t now_ns)
{
	if (!account_same_room(a, reader, person))
		return;
	struct person *of = account_person(a, person);
	bool was_known = knows(&a->people[reader], person - of->room->first);
	if (was_known && now_ns - of->came_ns > TOLD_WITHIN_NS)
		account_note(a, FLAW_FALSE_PRESENCE, 1, "%zu was told that %zu came, who was there",
			     reader, person);
	know(a, reader, person, true);
}

void account_went(struct account *a, size_t reader, size_t person, int64_t now_ns)
{
	if (!account_same_room(a, reader, person))
		return;
	struct person *of = account_person(a, person);
	bool left = of->left_ns && (!of->was_in || now_ns - of->left_ns <= TOLD_WITHIN_NS);
	if (of->was_in && !left && !is_gone_for(a, of, now_ns))
		account_note(a, FLAW_FALSE_PRESENCE, 1, "%zu was told that %zu went, who is there",
			     reader, person);
	know(a, reader, person, false);
}

/* Lost for so long that it may be shown; or just back after that. */
static bool is_gone_for(const struct account *a, const struct person *p, int64_t now_ns)
{
	if (p->lost_ns)
		return now_ns - p->lost_ns >= a->grace_ns;
	return p->late_ns && now_ns - p->late_ns <= TOLD_WITHIN_NS;
}

void account_close_presence(struct account *a, size_t reader, int64_t now_ns)
{
	const struct person *p = account_person(a, reader);

	for (size_t i = 0; p->is_in && p->has_list && !p->is_unlisted && i < p->room->people; i++) {
		const struct person *of = &a->people[p->room->first + i];
		bool is_known = knows(p, i);

		if (!is_known && of->is_in)
			account_note(a, FLAW_FALSE_PRESENCE, 1,
				     "%zu does not know that %zu is there", reader,
				     p->room->first + i);
		if (is_known && !of->was_in && now_ns - of->left_ns > NS_PER_S)
			account_note(a, FLAW_FALSE_PRESENCE, 1,
				     "%zu does not know that %zu is gone", reader,
				     p->room->first + i);
	}
}

static void know(struct account *a, size_t reader, size_t person, bool is_there)
{
	struct person *p = account_person(a, reader);
	size_t place = person - p->room->first;
	uint64_t bit = UINT64_C(1) << (place % 64);

	p->known[place / 64] = is_there ? p->known[place / 64] | bit : p->known[place / 64] & ~bit;
}

static bool knows(const struct person *p, size_t place)
{
	return p->known[place / 64] >> (place % 64) & 1;
}
