/* SPDX-License-Identifier: Apache-2.0 */
/* Who native clients are told is there, looked at when a gateway sends it, and when the owner of
 * the room decided so: `presence` bears no time, so what gateways read of owners is read along. */
#pragma once

#include "common/map.h"
#include "tests/sim/network.h"

struct native_place;
struct told;

#define WORDS_USERS 32

struct words {            /* what gateways were told of users since they last told their clients */
	struct map users; /* by session: 1 + user */
	struct word_room {
		int64_t told_ns; /* when `told` was taken from `heard` */
		struct word {
			int64_t added_ns, removed_ns; /* the first of each; 0: none */
		} heard[WORDS_USERS], told[WORDS_USERS];
	} rooms[NETWORK_NODES_MAX][8];
};

void words_init(struct words *);
void words_fini(struct words *);
void words_add_session(struct words *, uint64_t session, unsigned user);
void words_on_read(struct words *, const struct node *gateway, struct span bytes);

void native_presence_on_sent(struct native_place *, const struct told *);
void native_presence_check(const struct native_place *); /* in the end */
