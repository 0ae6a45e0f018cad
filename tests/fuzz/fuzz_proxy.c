/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes where a PROXY header should be. What is read ends where the header does: it takes no
 * byte more than it asked for, needs each of them, and never asks for more than the bound. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "common/mem.h"
#include "common/proxy.h"

/* On the heap alone, so that the sanitizer sees a read past the end. */
static enum err wants(const uint8_t *p, size_t len, size_t *more)
{
	void *copy = mem_copy(p, len);
	enum err e = proxy_wants(span_of(copy, len), more);

	mem_free(copy);
	return e;
}

static void check_whole(const uint8_t *p, size_t len)
{
	void *copy = mem_copy(p, len);
	struct ip from, again;
	enum err e = proxy_read(span_of(copy, len), &from);
	char text[IP_TEXT_MAX];

	must(e == OK || e == ERR_BAD_REQUEST);
	must(e == OK || !ip_is_known(&from));
	if (ip_is_known(&from)) {
		must(ip_read(span_str(ip_text(&from, text)), &again));
		must(!memcmp(&from, &again, sizeof from));
	}
	mem_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	size_t at = 0, more;

	while (wants(p, at, &more) == OK) {
		must(at + more <= PROXY_HEADER_MAX);
		if (more == 0)
			check_whole(p, at);
		if (more == 0 || at + more > len)
			return 0;
		at += more;
	}
	return 0;
}
