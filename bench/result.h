/* SPDX-License-Identifier: Apache-2.0 */
/* All that is known about a run when it is over, and whether it was a good one. What reports are
 * made of; borrows everything. */
#pragma once

#include "bench/account.h"
#include "bench/scenario.h"
#include "bench/course.h"

#define BUSY_SHARE 0.85 /* of a core: above it moot-bench may be what is slow */

struct stretch { /* of a run */
	int64_t long_ns, servers_cpu_ns, own_cpu_ns;
	uint64_t delivered, opened;
};

struct result {
	const char *name, *label; /* of the scenario; what the servers are called */
	const struct scenario *scenario;
	const struct tally *tally;   /* without the warm-up */
	const struct course *course; /* with it */
	const struct account *account;
	const struct refusal *refusals; /* REFUSALS of them */
	size_t people, rooms, gone;
	unsigned gone_code; /* the last one: status or close code */
	struct stretch connect, quiet, load;
	int64_t empty_bytes, full_bytes; /* servers, before anybody came and with everybody in */
	unsigned busy_seconds;           /* of the load, with moot-bench above BUSY_SHARE */
	bool is_settled, has_servers;
	double found_rate;      /* search: a second; 0: none was good */
	double found_delivered; /* what that delivered, a second */
	bool found_is_ours;     /* the search ended because moot-bench was busy */
};

struct limit_row { /* a limit of the scenario */
	const char *name;
	enum measure measure;
	size_t offset; /* of its member */
};
#define LIMIT_ROWS 5
extern const struct limit_row limit_rows[LIMIT_ROWS];

/* Is every limit that the scenario sets kept by this tally? */
bool result_is_within(const struct scenario *, const struct tally *);
/* Why it was not good, a line each; nothing: it was. */
void result_put_complaints(const struct result *, struct buf *out);
