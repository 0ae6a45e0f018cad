/* SPDX-License-Identifier: Apache-2.0 */
/* People whose clients speak moot.v1: one session over one connection after the other, in several
 * rooms at once, at whatever gateway takes it. They resume, join with the last event they have,
 * send again what was not acknowledged under its old number, and hold back what comes after a
 * publish that was refused until that one is sent again. Files: native_client.c (connections),
 * native_place.c (a room over one connection: what it is shown), native_posts.c (what it
 * publishes), native_presence.c (who it is told is there). */
#pragma once

#include "tests/sim/publication.h"
#include "tests/sim/told.h"

#define NATIVES_MAX 8
#define POSTS_MAX 1024 /* of one session */

struct native_client;

enum place_state { PLACE_OUT, PLACE_JOINING, PLACE_IN, PLACE_LEAVING };

struct native_place { /* one room over one connection */
	struct native_line *line;
	unsigned room;
	enum place_state state;
	struct connection *c; /* NULL: out */
	struct told_list
		*list; /* who it was told is there, as the gateway sent it; NULL: nothing */
	int64_t asked_ns, again_ns;
	uint64_t next; /* seq of the event that must come next; 0: whichever */
	bool reading;  /* a page */
	uint64_t read_after, read_limit;
};

struct native_line {      /* one connection */
	struct list node; /* once it is over */
	struct native_client *client;
	struct line *line;
	struct node *gateway;
	bool welcomed, draining;
	int64_t opened_ns, heard_ns;
	struct native_place places[CLIENT_ROOMS_MAX];
};

struct native_room { /* what a client knows of a room, whatever its connections do */
	bool wanted;
	bool knows; /* `applied` means something */
	uint64_t applied;
	uint64_t state;   /* the number it last set */
	int64_t hold_ns;  /* publishes wait until then; 0: they do not */
	uint64_t again_n; /* the first that is to be sent again then */
};

enum post_state { POST_PENDING, POST_ACKED, POST_REFUSED };

struct native_post {
	enum post_state state;
	unsigned room;
	uint64_t base; /* 0: none */
	struct publication *publication;
};

struct native_client {
	struct world *world;
	unsigned index, user;
	uint64_t session; /* 0: none yet */
	char resume[80];
	struct native_line *now, *old; /* old: of a move under way */
	struct native_room rooms[CLIENT_ROOMS_MAX];
	struct native_post posts[POSTS_MAX]; /* by n - 1 */
	uint64_t last_n;
	struct list graves; /* connections that are over */
	struct event act;
};

void native_client_init(struct native_client *, struct world *, unsigned index);
void native_client_fini(struct native_client *);
void native_client_settle(struct native_client *); /* comes back if it is away, and stays */
void native_client_end(struct native_client *);    /* a last cast and a last event in each room */
void native_client_check(struct native_client *);  /* a few seconds later */

/* ---- native_place.c ---- */
void native_place_join(struct native_place *);
void native_place_leave(struct native_place *);
void native_place_end(struct native_place *, bool clean, int64_t lost_ns); /* 0: just now */
void native_place_on_told(struct native_place *, const struct told *);
void native_place_cast(struct native_place *, bool kept);
void native_place_set_state(struct native_place *);
void native_place_read(struct native_place *);
void native_place_check(const struct native_place *);
bool native_place_is_in(const struct native_place *); /* and not on its way out */

/* ---- native_posts.c ---- */
void native_publish(struct native_place *);
void native_posts_send_again(struct native_place *, uint64_t from_n); /* all that wait, in order */
void native_posts_on_ack(struct native_place *, const struct told *);
void native_posts_on_refused(struct native_place *, const struct told *);
void native_posts_forget(
	struct native_client *); /* with the session: what became of them is open */
size_t native_posts_pending(const struct native_client *, unsigned room);
/* It is committed: none of a greater number may be before it. */
void native_posts_on_stored(struct native_client *, const struct publication *);

#define NATIVE_SAY(place, ...) native_say((place)->line, __VA_ARGS__)
void native_say(struct native_line *, const char *fmt, ...) PRINTF_LIKE(2, 3);
