/* SPDX-License-Identifier: Apache-2.0 */
/* One message as the other dialect shows it. What v0 clients and applications say is stored and
 * passed on as a whole v0 object (BODY_V0); what native clients say is the bare data of a named
 * event or cast (BODY_DATA). Pure. */
#pragma once

#include "proto/v0.h"

enum body_shape { BODY_V0, BODY_DATA }; /* `shape` of proto/message.def */

/* The data of a v0 object: its member `data`, or all of it. Borrowed from `body`, which is checked.
 */
struct span bridge_data(struct span body);
/* Its type, unescaped into `out`; empty when there is none. */
void bridge_put_type(struct buf *out, struct span body);
/* A whole v0 object of bare data; v0_put_seq gives it its number. */
void bridge_put_v0(struct buf *out, struct span type, const struct v0_identity *, struct span data,
		   int64_t at_ms);
