/* SPDX-License-Identifier: Apache-2.0 */
/* The cluster's key for resume tokens, read from the database once: every gateway has the same, and
 * it outlives them all. Owner: gateway. Thread: loop. */
#pragma once

#include "common/pg.h"
#include "gateway/resume.h"

struct keyring {
	struct pg *pg;
	struct resume_key resume;
	bool asking;
};

void keyring_init(struct keyring *, struct pg *);
void keyring_fetch(struct keyring *); /* unless it is there or on its way; to be said often */
bool keyring_is_ready(const struct keyring *);
