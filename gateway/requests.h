/* SPDX-License-Identifier: Apache-2.0 */
/* What each message from a client means: one handler per action of proto/v0.def. Thread: loop. */
#pragma once

#include "gateway/session.h"

enum request_outcome { REQUEST_RELAYED, REQUEST_ANSWERED, REQUEST_REFUSED };

/* `text` is a whole message of valid UTF-8. */
enum request_outcome requests_take(struct session *, struct span text);
/* What a session would say if it still could: that it stopped what others think it is doing. */
void requests_farewell(struct session *, const char *kept_key);
