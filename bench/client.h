/* SPDX-License-Identifier: Apache-2.0 */
/* One person of a load: connects, enters a room, stays in it whatever happens to the connection,
 * and says what the crowd lets him say. What is written and read is the dialect's (native.c, v0.c).
 * Owner: the crowd. */
#pragma once

#include "bench/conn.h"
#include "bench/told.h"
#include "common/timers.h"

#define OWED_MAX 64 /* publishes that wait for an answer: limits.pending of the servers */
#define RESUME_MAX 128

struct crowd;
struct client;

enum client_state {
	CLIENT_AWAY,       /* not there, and does not want to be yet */
	CLIENT_WAITING,    /* for the next try */
	CLIENT_CONNECTING, /* until it is in the room */
	CLIENT_IN,
	CLIENT_LEAVING, /* until its connection has ended */
	CLIENT_GONE,    /* turned away for good */
};

enum publish_kind { PUBLISH_COMMENT, PUBLISH_APPROVE };

struct owed { /* a publish that has no answer yet */
	uint64_t n;
	uint32_t number;
	enum publish_kind kind;
	int64_t due_ns;
};

struct dialect {
	const char *server; /* the word of --server, when it is no Moothall: it knows casts alone */
	const char *protocol; /* NULL: none */
	bool is_native;
	void (*put_path)(const struct client *, struct buf *);
	void (*on_open)(struct client *);
	void (*on_text)(struct client *, struct span text);
	void (*put_cast)(const struct client *, const struct mark *, struct buf *);
	void (*put_state)(const struct client *, bool is_typing, struct buf *); /* NULL: none */
	const char *ping;
};

extern const struct dialect dialect_native, dialect_v0;
extern const struct dialect dialect_limit, dialect_socketio, dialect_centrifugo;

/* Of another server than Moothall; NULL: nobody is called so. */
const struct dialect *dialect_find(const char *server);

struct client {
	struct conn conn;
	struct crowd *crowd;
	const struct dialect *dialect;
	size_t person, room;
	enum client_state state;
	bool was_in; /* since it last came: then it is not ready, but back */
	bool is_slow, is_typing, was_silent;
	unsigned tries;  /* since it was in the room last */
	int64_t from_ns; /* when it should have begun to connect, or lost its connection */
	int64_t ping_ns;
	char resume[RESUME_MAX + 1];
	uint64_t seq; /* of the last event */
	bool has_seq;
	uint64_t n;        /* of the last publish of this session */
	struct owed *owed; /* in order */
	size_t owed_count;
	struct timer timer; /* of its state */
	struct timer pace;  /* a slow reader's next pause */
	struct timer again; /* what was refused for now is said again */
};

void client_init(struct client *, struct crowd *, size_t person);
void client_fini(struct client *);

/* It begins to connect; latency counts from `due_ns`. */
void client_come(struct client *, int64_t due_ns);
void client_leave(struct client *); /* on purpose, and back after a while; must be in */
void client_cut(struct client *);   /* its connection is lost; must be in */
void client_end(struct client *);   /* for good, and nobody counts it any more */

bool client_cast(struct client *, int64_t due_ns); /* false: it is not there, or cannot */
bool client_state_change(struct client *, int64_t due_ns);
bool client_publish(struct client *, enum publish_kind, int64_t due_ns);

/* For the dialects. */
struct account_entry;
void client_is_in(struct client *, const struct account_entry *);
void client_say(struct client *, struct span text);
void client_lost(struct client *, unsigned code);       /* its connection is closed already */
void client_hear(struct client *, const struct mark *); /* a cast */
void client_answered(struct client *, uint64_t n, uint64_t seq); /* seq 0: refused for good */
void client_say_again(struct client *);                          /* all that is owed, in order */
void client_refused_for_now(struct client *, int64_t wait_ns);   /* then all of that again */
void client_forget(struct client *); /* another session: who knows what became of what is owed */
struct span client_user(const struct client *, char out[32]); /* also its session token */
bool client_person_of(const struct client *, struct span user, size_t *person);
void client_put_publish(struct client *, const struct owed *, struct buf *);
