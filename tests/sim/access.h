/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the place of gateway/access.c: asks the model database over the gateway's own connection
 * and waits, remembers and gives up as that does. Everybody may enter every room; whose token it
 * is, the token says. */
#pragma once

#include "common/timers.h"
#include "gateway/access.h"

struct node;
struct store;

MUST_USE struct access *access_of(struct node *gateway, struct store *, struct timers *);
void access_end(struct access **); /* after the store is closed; calls nobody back */

/* What a client shows, and who it is then. */
#define ACCESS_TOKEN_LEN 8
struct span access_put_token(char out[ACCESS_TOKEN_LEN], unsigned user);
