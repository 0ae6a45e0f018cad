/* SPDX-License-Identifier: Apache-2.0 */
/* The dialect moot.v1. */
#include "gateway/session_inside.h"

const struct dialect dialect_native = {.name = "moot.v1", .session_size = sizeof(struct session)};
