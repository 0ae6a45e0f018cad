/* SPDX-License-Identifier: Apache-2.0 */
/* What stands before a door: connections whose proxy has yet to say for whom they are, and TLS
 * handshakes. Both are bounded in number and time; of the handshakes, which cost much of the
 * processor's time, only a few are taken further in one turn, so that nobody else waits for them.
 * Who gets through is admitted to the door. Owns the TLS connections of those. Thread: loop. */
#pragma once

#include "common/door.h"
#include "common/ip.h"

struct porch;
struct tls;

enum porch_end {
	PORCH_OK,     /* admitted, over TLS */
	PORCH_FAILED, /* no TLS, or nothing that both sides speak */
	PORCH_LATE,
	PORCH_FULL,
	PORCH_NO_HEADER, /* of the PROXY protocol */
};

typedef void porch_end_fn(void *owner, enum porch_end);

struct porch_options {                /* borrowed */
	struct tls *tls;              /* NULL: no handshake */
	const struct ip_set *proxies; /* who begins with a PROXY header; NULL: nobody does */
	int64_t shake_ns;             /* for all that comes before the door */
	size_t max_waiting;
	int sndbuf_bytes; /* of what is between a TLS connection and the door */
	porch_end_fn *on_end;
	void *owner;
};

MUST_USE struct porch *porch_new(struct loop *, const struct porch_options *);
door_before_fn porch_take;                         /* for door_options */
void porch_lead_to(struct porch *, struct door *); /* before the loop turns */
void porch_free(struct porch **);                  /* cuts everybody, TLS connections too */
size_t porch_streams(const struct porch *);        /* TLS connections behind it */
