/* SPDX-License-Identifier: Apache-2.0 */
/* A stamp is not written as people read it but as a plain number of milliseconds: that is cheap,
 * and lets an invariant see when the owner of a room decided what a frame tells. */
#include "tests/sim/clock.h"

static int64_t now;

void clock_set(int64_t now_ns)
{
	now = now_ns;
}

int64_t clock_unix_ms(int64_t now_ns)
{
	return now_ns / NS_PER_MS;
}

int64_t clock_read_ms(const uint8_t iso[ISO_TIME_LEN])
{
	int64_t ms = 0;

	for (int i = 0; i < ISO_TIME_LEN; i++) {
		if (iso[i] < '0' || iso[i] > '9')
			return -1;
		ms = 10 * ms + iso[i] - '0';
	}
	return ms;
}

int64_t mono_now_ns(void)
{
	return now;
}

int64_t wall_unix_ms(void)
{
	return clock_unix_ms(now);
}

void wall_iso(char out[ISO_TIME_LEN + 1], int64_t unix_ms)
{
	for (int i = ISO_TIME_LEN - 1; i >= 0; i--) {
		out[i] = (char)('0' + unix_ms % 10);
		unix_ms /= 10;
	}
	out[ISO_TIME_LEN] = '\0';
}
