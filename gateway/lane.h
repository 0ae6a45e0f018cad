/* SPDX-License-Identifier: Apache-2.0 */
/* The publishes of one producer in one room on their way to its owner: said in the order in which
 * they were asked, over the way of this moment, and all again in that order over the next one. One
 * that has to wait for its next attempt holds back those after it. Pure. Owner: questions. */
#pragma once

#include "common/buf.h"
#include "common/list.h"

struct link;

/* One of them; memory of the owner's, which adds and removes it. */
struct lane_publish {
	struct list of_lane;
	struct span
		record;  /* a whole PUBLISH; empty: never to be said, it only holds back others */
	bool is_said;    /* over the way of this moment, and not refused since */
	bool is_refused; /* the last time: it goes again only once all before it are answered */
	int64_t said_ns, retry_ns;
};

struct lane {
	struct list node; /* the owner's */
	struct span room; /* key; points into `key` */
	const struct link *link;
	uint64_t generation; /* of the link: both together are the way */
	struct list publishes;
	bool is_blocked; /* something in it waits */
	size_t key_len;
	uint8_t key[];
};

/* `key` begins with the room key. */
MUST_USE struct lane *lane_new(struct span key, size_t room_len);
void lane_free(struct lane **); /* must be empty */
struct span lane_key(const struct lane *);

/* Add the last one, and say it unless something before it waits. `way`: NULL: there is none. */
void lane_add(struct lane *, struct lane_publish *, struct link *way, int64_t now_ns);
/* Say whatever may be said now: after a change of the way, and from time to time. */
void lane_say(struct lane *, struct link *way, int64_t now_ns);
void lane_refuse(struct lane *, struct lane_publish *, int64_t retry_ns);
