/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/debts.h"

#include <string.h>

#include "common/mem.h"

static void remove_some(struct debts *, size_t at, size_t count);
static size_t find(const struct debts *, uint64_t n);

bool debts_add(struct debts *d, uint64_t n)
{
	size_t at = find(d, n);

	if (at < d->count && d->of[at].n == n) {
		d->of[at].told = ++d->told;
		return true;
	}
	if (d->count == DEBTS_MAX)
		return false;
	d->of = mem_grow(d->of, (d->count + 1) * sizeof d->of[0]);
	memmove(&d->of[at + 1], &d->of[at], (d->count - at) * sizeof d->of[0]);
	d->of[at] = (struct debt){n, ++d->told};
	d->count++;
	return true;
}

bool debts_forbid(const struct debts *d, uint64_t n)
{
	size_t at = find(d, n);
	uint64_t told = at < d->count && d->of[at].n == n ? d->of[at].told : 0;

	for (size_t i = 0; i < at; i++)
		if (d->of[i].told > told)
			return true;
	return false;
}

void debts_clear(struct debts *d)
{
	mem_free(d->of);
	*d = (struct debts){0};
}

void debts_settle(struct debts *d, uint64_t n)
{
	size_t at = find(d, n);

	if (at < d->count && d->of[at].n == n)
		remove_some(d, at, 1);
}

void debts_settle_up_to(struct debts *d, uint64_t n)
{
	size_t count = find(d, n + 1);

	if (count > 0)
		remove_some(d, 0, count);
}

static void remove_some(struct debts *d, size_t at, size_t count)
{
	d->count -= count;
	memmove(&d->of[at], &d->of[at + count], (d->count - at) * sizeof d->of[0]);
	if (d->count > 0)
		return;
	mem_free(d->of);
	d->of = NULL;
}

/* Where `n` is, or would be. */
static size_t find(const struct debts *d, uint64_t n)
{
	size_t at = d->count;

	while (at > 0 && d->of[at - 1].n >= n)
		at--;
	return at;
}
