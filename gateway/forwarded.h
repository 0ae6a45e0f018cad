/* SPDX-License-Identifier: Apache-2.0 */
/* Where a request comes from. Pure. */
#pragma once

#include "common/ip.h"
#include "common/request.h"

/* What a trusted proxy says in X-Forwarded-For, read from its end up to the first address that is
 * not a trusted proxy's too: what stands before that, anybody may have written. `from` itself when
 * it is none of the proxies, or nothing better is known. */
struct ip forwarded_for(const struct request *, const struct ip *from,
			const struct ip_set *proxies);
