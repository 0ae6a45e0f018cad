/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an INI file: either the options stay within their ranges, or one sentence says why
 * not. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "tests/unit/options_sample.h"

static const struct option_table table = {
	.program = "fuzz_ini",
	.summary = "",
	.version = "",
	.rows = rows,
	.count = ARRAY_LEN(rows),
	.struct_size = sizeof(struct sample),
};

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct sample s;
	struct buf why;

	buf_init(&why, 65536);
	options_init(&table, &s);
	enum err e = options_read_ini(&table, span_of(p, len), "fuzz.ini", &s, &why);
	must((e != OK) == (why.len > 0));
	must(!why.over);
	must(s.public_port >= 0 && s.public_port <= 65535);
	must(s.public_sndbuf >= 4096 && s.public_sndbuf <= 1048576);
	must(s.drain_spread_ns >= 0 && s.drain_spread_ns <= 600 * NS_PER_S);
	must(strlen(s.public_host) <= len + strlen("0.0.0.0"));
	must(strlen(s.database_url) <= len);
	options_fini(&table, &s);
	buf_fini(&why);
	return 0;
}
