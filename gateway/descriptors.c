/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/descriptors.h"

#include <sys/resource.h>

#include "common/log.h"

#define OWN 10240 /* ports, visitors of the doors, links, the database */

void descriptors_provide(size_t connections)
{
	struct rlimit limit;
	rlim_t want = connections + OWN;

	must(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = want < limit.rlim_max ? want : limit.rlim_max;
	must(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	descriptors_check(connections);
}

void descriptors_check(size_t connections)
{
	struct rlimit limit;

	must(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	if (limit.rlim_cur < connections) /* less than a little short: the door copes with that */
		log_warn("descriptors_few", kv_u64("limit", limit.rlim_cur),
			 kv_u64("wanted", connections + OWN),
			 kv_str("hint",
				"raise the limit of open files (ulimit -n, LimitNOFILE) and "
				"restart the gateway, or lower limits.connections"));
}
