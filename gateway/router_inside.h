/* SPDX-License-Identifier: Apache-2.0 */
/* What router.c (rooms, the turn) and router_view.c (owners, links) share. */
#pragma once

#include "gateway/route.h"
#include "gateway/router.h"
#include "gateway/speaking.h"
#include "gateway/suspects.h"

struct router_slot {
	struct list routes;
	int64_t held_ns; /* since when it is on hold; 0: it is not */
	bool changed;    /* since the last settling */
	bool moved;      /* the change was planned: its owner was asked for everything before */
};

struct router {
	struct router_setup setup;
	struct link_setup link_setup;
	struct view view;
	struct beat beat;
	struct speaking speaking;
	int64_t fold_ns;   /* when copies of rosters are looked at again */
	struct map links;  /* incarnation -> struct link */
	struct map routes; /* room key -> struct route */
	struct router_slot slots[SLOTS];
	struct route_shared shared;
	bool holding; /* some slot is on hold */
	bool changed; /* some slot has, since the last settling */
	struct suspects *suspects;
	int64_t lost_ns;      /* when a shard said last that it lost a gateway; 0: none has */
	int64_t confirmed_ns; /* when the view was what the database had */
};

struct link *router_owner_link(const struct router *, unsigned slot); /* NULL: none */
struct link_hooks router_link_hooks(struct router *);
