/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/histogram.h"

static size_t step_of(uint64_t us)
{
	if (us < HISTOGRAM_STEPS)
		return (size_t)us;
	unsigned log2 = 63u - (unsigned)__builtin_clzll(us);
	unsigned doubling = log2 - 5;
	size_t step = (size_t)doubling * HISTOGRAM_STEPS / 2 + (size_t)(us >> doubling);
	size_t last = HISTOGRAM_DOUBLINGS * HISTOGRAM_STEPS - 1;
	return step < last ? step : last;
}

static uint64_t upper_us(size_t step)
{
	if (step < HISTOGRAM_STEPS)
		return step;
	size_t doubling = (step - HISTOGRAM_STEPS / 2) / (HISTOGRAM_STEPS / 2);
	size_t low = step - doubling * HISTOGRAM_STEPS / 2;
	return ((uint64_t)low + 1) << doubling;
}

void histogram_add(struct histogram *h, int64_t ns)
{
	if (ns < 0)
		ns = 0;
	h->counts[step_of((uint64_t)ns / 1000)]++;
	h->total++;
	if (ns > h->greatest_ns)
		h->greatest_ns = ns;
}

void histogram_add_all(struct histogram *to, const struct histogram *from)
{
	for (size_t i = 0; i < ARRAY_LEN(to->counts) && from->total; i++)
		to->counts[i] += from->counts[i];
	to->total += from->total;
	if (from->greatest_ns > to->greatest_ns)
		to->greatest_ns = from->greatest_ns;
}

int64_t histogram_at(const struct histogram *h, double share)
{
	uint64_t below = 0;
	uint64_t wanted = (uint64_t)((double)h->total * share + 0.5);

	for (size_t i = 0; i < ARRAY_LEN(h->counts) && h->total; i++) {
		below += h->counts[i];
		if (below && below >= wanted) {
			int64_t upper_ns = (int64_t)upper_us(i) * 1000;

			return upper_ns < h->greatest_ns ? upper_ns : h->greatest_ns;
		}
	}
	return h->greatest_ns;
}

bool histogram_next(const struct histogram *h, size_t *at, int64_t *upper_ns, uint64_t *count)
{
	while (*at < ARRAY_LEN(h->counts) && !h->counts[*at])
		(*at)++;
	if (*at == ARRAY_LEN(h->counts))
		return false;
	*upper_ns = (int64_t)upper_us(*at) * 1000;
	*count = h->counts[(*at)++];
	return true;
}
