/* SPDX-License-Identifier: Apache-2.0 */
/* What door.c (the port) and visitor.c (one connection in it) share. Internal to them. A visitor is
 * reading its request, waiting for its owner's answer, being answered, or lingering: its answer is
 * written and it is given time to read it. Owner: the door's list, until taken or dropped. */
#pragma once

#include "common/door.h"
#include "common/list.h"

struct door {
	struct loop *loop;
	struct door_options opt;
	int fd; /* -1: not listening any more */
	uint16_t port;
	struct watch *watch;
	struct timer resume; /* armed while accepting is paused for want of descriptors */
	bool said_short;     /* in the log; until all who waited are in */
	struct list visitors;
	size_t count, held_bytes;
};

enum visitor_state {
	VISITOR_READING,
	VISITOR_WAITING,
	VISITOR_ANSWERING,
	VISITOR_LINGERING,
	VISITOR_GONE,
};

struct visitor {
	struct list node;
	struct door *door;
	struct ip from;
	int fd;
	struct watch *watch; /* opened at the first would-block */
	struct timer timer;
	enum visitor_state state;
	size_t held_bytes; /* of the door's, those that came from here */
	struct buf in;     /* the request; stays in place while its owner may look at it */
	struct buf extra;  /* what came after it */
	struct buf out;
	size_t out_at;
	struct request request; /* its spans are good from the moment that all of it is there */
	bool is_head;           /* known before that */
	bool has_offered;       /* to continue, if that was expected */
	void *owner_state;
};

void visitor_open(struct door *, int fd, const struct ip *from); /* takes the fd */
void visitor_drop(struct visitor *); /* closes it; says nothing to anybody */
