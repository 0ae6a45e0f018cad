/* SPDX-License-Identifier: Apache-2.0 */
/* What is said to one connection within a turn of the loop, to leave at its end in one write.
 * (`link.cork` does the like on the way to shards: router.c.) Pure. Owner: outflow. */
#pragma once

#include "common/list.h"
#include "gateway/bundle.h"

struct outflow;

struct cork {
	struct list of_all;      /* of the set: all that were spoken to in this turn */
	struct outflow *outflow; /* whose it is */
	struct bundle bundle;    /* its payloads are referenced here */
};

MUST_USE struct cork *cork_new(struct outflow *);
void cork_free(struct cork **);                 /* drops what is in it */
void cork_add(struct cork *, struct payload *); /* takes a reference of its own */
bool cork_is_full(const struct cork *);         /* more would be more than one write */
