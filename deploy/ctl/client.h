/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP/1.1 request after the other, each waited for: a tool has nothing else to do. The only
 * file here that speaks to sockets. */
#pragma once

#include "deploy/ctl/address.h"

#define CLIENT_BODY_MAX (64u << 20)
#define CLIENT_PEERS_MAX 256

struct client_request {
	const struct address *to;
	const char *method, *path; /* path: with its query, encoded */
	const char *headers;       /* each ended by CRLF; NULL: none */
	struct span body;
	int64_t timeout_ns;
};

struct client_reply {
	unsigned status;
	struct buf body;
};

/* False: `why` says what to do, naming the address. The reply's body is freed by its caller, also
 * then. */
MUST_USE bool client_ask(const struct client_request *, struct client_reply *, struct buf *why);
/* All addresses that a name stands for, as numbers. How many; 0: `why` says why. */
size_t client_resolve(const struct address *, struct address out[CLIENT_PEERS_MAX],
		      struct buf *why);
