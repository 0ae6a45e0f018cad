/* SPDX-License-Identifier: Apache-2.0 */
/* The rooms that are in memory, as JSON for operators: the hottest, or the fullest. Pure. */
#pragma once

#include "roomd/room_set.h"

enum survey_order { SURVEY_BY_RATE, SURVEY_BY_CONNECTIONS, SURVEY_BY_SEQ };

#define SURVEY_MAX 256 /* rooms of one answer */

bool survey_order_of(struct span name, enum survey_order *out);
/* The first `limit` in this order, the greatest first: [{"room":...},...]. Walks all rooms. */
void survey_put(const struct room_set *, enum survey_order, size_t limit, int64_t now_ns,
		struct buf *out);
