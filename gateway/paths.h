/* SPDX-License-Identifier: Apache-2.0 */
/* Which part of the public HTTP interface a path names, and which methods it takes: one table.
 * Pure. Does not decode ids and does not judge them. */
#pragma once

#include "common/span.h"
#include "proto/slot.h"

enum path_target {
	PATH_PAGE,      /* nothing of the API: a file of the pages, or nothing */
	PATH_SOCKET,    /* a room's WebSocket, in the v0 dialect unless moot.v1 is asked for */
	PATH_NATIVE,    /* a WebSocket for moot.v1 alone */
	PATH_BROADCAST, /* POST: the application speaks to a room */
	PATH_ROOM,      /* who is in a room */
	PATH_TEST,      /* is there anybody */
	PATH_SESSION,   /* whose session is this */

	PATH_V1_ROOM,   /* the API of moot.v1: who is in a room, and where it is */
	PATH_V1_EVENTS, /* its log; POST: the application publishes */
	PATH_V1_KICK,   /* somebody is to leave a room */
	PATH_V1_REVOKE, /* a session has no rights any more */
	PATH_V1_NONE,   /* below /v1, and nothing is there */
};

struct path {
	enum path_target target;
	enum room_kind kind; /* SOCKET, BROADCAST, ROOM */
	struct span id;    /* still percent-encoded, not empty. V1: of a session, or a room's key */
	const char *allow; /* the value of an Allow header */
};

struct path path_read(struct span path);
bool path_is_v1(const struct path *);
bool path_takes(const struct path *, struct span method);
