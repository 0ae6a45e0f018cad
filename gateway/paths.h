/* SPDX-License-Identifier: Apache-2.0 */
/* Which part of the public HTTP interface a path names, and which methods it takes: one table.
 * Pure. Does not decode the room id and does not judge it. */
#pragma once

#include "common/span.h"
#include "proto/slot.h"

enum path_target {
	PATH_PAGE,      /* nothing of the API: a file of the demo page, or nothing */
	PATH_SOCKET,    /* a room's WebSocket, in the v0 dialect unless moot.v1 is asked for */
	PATH_NATIVE,    /* a WebSocket for moot.v1 alone */
	PATH_BROADCAST, /* POST: the application speaks to a room */
	PATH_ROOM,      /* who is in a room */
	PATH_TEST,      /* is there anybody */
	PATH_SESSION,   /* whose session is this */
};

struct path {
	enum path_target target;
	enum room_kind kind; /* SOCKET, BROADCAST, ROOM */
	struct span id;      /* the same: still percent-encoded, not empty */
	const char *allow;   /* the value of an Allow header */
};

struct path path_read(struct span path);
bool path_takes(const struct path *, struct span method);
