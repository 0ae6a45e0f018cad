/* SPDX-License-Identifier: Apache-2.0 */
/* What each record from a shard means at a gateway: one handler per TO_GATEWAY row of message.def,
 * found through an array; a row without a handler does not compile. Pure. */
#pragma once

#include "gateway/router.h"

void records_take(struct router *, struct link *, const struct message *, int64_t now_ns);
