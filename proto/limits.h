/* SPDX-License-Identifier: Apache-2.0 */
/* Every number both sides of a wire respect, with its unit and reason. */
#pragma once

#include "common/base.h"

#define SLOTS 4096 /* the unit of ownership; fixed for ever: it is in the database */

#define ROOM_KEY_MAX 300   /* bytes: "submission:" or "document:" + an id */
#define ROOM_ID_MAX 256    /* bytes of a submission or document id */
#define TOKEN_MAX 512      /* bytes of a session token */
#define USER_ID_MAX 320    /* bytes: an e-mail address serves as an id (RFC 5321: 64 + 1 + 255) */
#define USER_NAME_MAX 512  /* bytes */
#define USER_EMAIL_MAX 320 /* bytes */

#define PRODUCER_MAX 64     /* bytes of the name under which somebody numbers his publishes */
#define EVENT_TYPE_MAX 256  /* bytes of what happened */
#define EVENT_FIELD_MAX 256 /* bytes of the name of the field that an event is about */
#define SHAPE_V0 0          /* PUBLISH.shape */
#define SHAPE_DATA 1
#define EVENT_TYPES_MAX 4096     /* bytes of a list of types, as READ has it */
#define EVENT_BASE_MAX INT64_MAX /* what the database can hold */
#define CONFLICT_BODY_MAX                                                                          \
	(64u << 10) /* bytes of the newer event's body that a conflict shows; a longer one is to   \
		       be read */
#define HISTORY_EVENTS_MAX 256         /* of one page of the log */
#define HISTORY_BYTES_MAX (256u << 10) /* of bodies, after which a page ends */

/* The native protocol. What a client counts stays a number that JavaScript holds exactly. */
#define FRAME_NUMBER_MAX ((UINT64_C(1) << 53) - 1)
#define RESUME_MAX 128            /* bytes of a resume token */
#define CAST_KEY_MAX 128          /* bytes of what a cast is about */
#define STATE_MAX (4u << 10)      /* bytes of a connection's presence state: everybody gets it */
#define STATE_MEMBERS_MAX 64      /* of such a state: merging compares each with each */
#define READ_LIMIT_MAX 500        /* events of one page of the log */
#define READ_LIMIT_DEFAULT 100    /* when the client names none */
#define READ_NAMES_MAX 16         /* names of events that one read asks for */
#define ROOMS_PER_CONNECTION 64   /* rooms at once */
#define PENDING_PER_CONNECTION 64 /* publishes that wait for their ack */
#define PENDING_BYTES_MAX (64u << 10) /* of these together */

#define CLIENT_MESSAGE_MAX                                                                         \
	(2u << 20) /* bytes; the default of limits.message: a 1 MiB document and its envelope */
#define CLIENT_MESSAGE_CEILING (8u << 20) /* bytes; what the setting may be raised to */
#define KEPT_BODY_MAX (16u << 10)         /* bytes of one kept state (a cursor, an editing mark) */
#define KEPT_PER_SESSION 8                /* states one connection may leave for late joiners */

/* The greatest relay number that a gateway may bring back to a room: what grows from there still is
 * a number that JavaScript holds exactly. */
#define RELAY_MAX (UINT64_C(1) << 52)

/* A link. The window must hold several of the largest messages; the batch must fit one of them. */
#define LINK_BATCH_MAX (16u << 20) /* bytes of one ZeroMQ message; MAXMSGSIZE */
#define LINK_BATCH_AIM (64u << 10) /* bytes after which a batch is sealed within a turn */
#define LINK_WINDOW (32u << 20)    /* bytes in flight per direction before credit returns */
#define LINK_QUEUE_MAX (64u << 20) /* bytes waiting for credit before the link is reset */
#define LINK_HIGH_WATER 20000      /* messages; above what the window can hold in practice */

#define MESSAGE_DEPTH_MAX                                                                          \
	4 /* nesting of one msgpack record; lists are blobs, so records are flat */
