/* SPDX-License-Identifier: Apache-2.0 */
/* Every error a function, a peer or a client can be told: the table is err.def. */
#pragma once

#include "common/base.h"

enum err {
#define ERR(name, number, retryable, http, close, text) ERR_##name = (number),
#include "common/err.def"
#undef ERR
};

#define OK ERR_NONE

const char *err_name(enum err); /* "NOT_OWNER"; "UNKNOWN" for a number that is not in the table */
const char *err_text(enum err); /* a sentence for people, without a full stop */
bool err_retryable(enum err);
unsigned err_http(enum err);  /* HTTP status */
unsigned err_close(enum err); /* WebSocket close code; 0: does not close */
