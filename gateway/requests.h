/* SPDX-License-Identifier: Apache-2.0 */
/* The v0 dialect: one room per socket, entered when the socket opens; one handler per action of
 * proto/v0.def. Thread: loop. */
#pragma once

#include "gateway/dialect.h"

struct visit;

/* What a visit would say if it still could: that it stopped what others think it is doing. */
void requests_farewell(struct visit *, const char *kept_key);
