/* SPDX-License-Identifier: Apache-2.0 */
/* The processes behind internal.urls, and what each answered to one question. */
#pragma once

#include "deploy/ctl/client.h"
#include "deploy/ctl/command.h"

struct peer {
	struct address at;
	struct client_reply reply;
	bool answered;  /* with JSON, whatever the status */
	struct buf why; /* not: why */
};

struct peers {
	struct peer *all;
	size_t count;
};

/* Finds them and asks each for `path`, one after the other. False: said why; none is open then. */
MUST_USE bool peers_ask(struct ctl *, const char *path, struct peers *);
void peers_close(struct peers *);
bool peer_is_well(const struct peer *); /* it answered 200 */
struct span peer_json(const struct peer *);
/* POST to one of them; the reply is freed by the caller. False: said why. */
MUST_USE bool peer_order(struct ctl *, const struct peer *, const char *path,
			 struct client_reply *);
/* Says why from what a process or the API answered: its error and its hint. */
int peers_fail(struct ctl *, struct span json);
/* One line on standard error for each that did not answer: what is shown is not all there is. */
void peers_warn(const struct peers *);
