/* SPDX-License-Identifier: Apache-2.0 */
/* Mistakes around native sessions, made where the model hands them something. */
#pragma once

#include "common/span.h"

struct session;
struct world;

void mutant_native_look(struct world *, struct session *);  /* before it is given a message */
bool mutant_native_drops(struct world *, struct span text); /* it does not send this one */
/* What a client is given to resume with. */
void mutant_native_token(const struct world *, uint64_t session, unsigned user, char *resume);
