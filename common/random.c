/* SPDX-License-Identifier: Apache-2.0 */
/* getrandom(2), without giving up on a signal. */
#include "common/random.h"

#include <errno.h>
#include <sys/random.h>

void random_bytes(void *out, size_t len)
{
	uint8_t *to = out;

	while (len > 0) {
		ssize_t got = getrandom(to, len, 0);
		must(got > 0 || errno == EINTR);
		if (got <= 0)
			continue;
		to += got;
		len -= (size_t)got;
	}
}

uint64_t random_u64(void)
{
	uint64_t v = 0;

	while (v == 0)
		random_bytes(&v, sizeof(v));
	return v;
}
