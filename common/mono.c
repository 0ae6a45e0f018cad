/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the two clocks, and wall time as people write it. */
#include "common/mono.h"

#include <time.h>

#define YEAR_10000_MS INT64_C(253402300800000)

static void put_digits(char *to, int value, int width);

int64_t mono_now_ns(void)
{
	struct timespec t;

	must(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t wall_unix_ms(void)
{
	struct timespec t;

	must(clock_gettime(CLOCK_REALTIME, &t) == 0);
	return t.tv_sec * 1000 + t.tv_nsec / NS_PER_MS;
}

int64_t wall_offset_ns(void)
{
	struct timespec t;

	must(clock_gettime(CLOCK_REALTIME, &t) == 0);
	return t.tv_sec * NS_PER_S + t.tv_nsec - mono_now_ns();
}

void wall_iso(char out[ISO_TIME_LEN + 1], int64_t unix_ms)
{
	static const char shape[] = "0000-00-00T00:00:00.000Z";
	struct tm t;

	_Static_assert(sizeof(shape) == ISO_TIME_LEN + 1, "the shape is the format");
	if (unix_ms < 0 || unix_ms >= YEAR_10000_MS)
		unix_ms = 0;
	time_t s = unix_ms / 1000;
	must(gmtime_r(&s, &t));
	for (size_t i = 0; i < sizeof(shape); i++)
		out[i] = shape[i];
	put_digits(out, t.tm_year + 1900, 4);
	put_digits(out + 5, t.tm_mon + 1, 2);
	put_digits(out + 8, t.tm_mday, 2);
	put_digits(out + 11, t.tm_hour, 2);
	put_digits(out + 14, t.tm_min, 2);
	put_digits(out + 17, t.tm_sec, 2);
	put_digits(out + 20, (int)(unix_ms % 1000), 3);
}

static void put_digits(char *to, int value, int width)
{
	for (int i = width - 1; i >= 0; i--) {
		to[i] = (char)('0' + value % 10);
		value /= 10;
	}
}
