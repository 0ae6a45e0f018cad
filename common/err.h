/* SPDX-License-Identifier: Apache-2.0 */
/* Every error a function, a peer or a client can be told: the table is err.def. */
#pragma once

#include "common/base.h"

enum err {
#define ERR(name, number, retryable, http, close, text, hint) ERR_##name = (number),
#include "common/err.def"
#undef ERR
};

#define OK ERR_NONE

const char *err_name(enum err); /* "NOT_OWNER"; "UNKNOWN" for a number that is not in the table */
const char *err_text(enum err); /* a sentence for people, without a full stop */
const char *err_hint(enum err); /* a sentence for operators: what to do about it */
enum err err_of_name(const char *name); /* in any case; OK: no error has it */
bool err_retryable(enum err);
unsigned err_http(enum err);  /* HTTP status */
unsigned err_close(enum err); /* WebSocket close code; 0: does not close */
