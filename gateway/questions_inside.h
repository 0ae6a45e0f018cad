/* SPDX-License-Identifier: Apache-2.0 */
/* What questions.c (asking and answering) and questions_publish.c (those that have an order) share.
 */
#pragma once

#include "common/map.h"
#include "gateway/lane.h"
#include "gateway/questions.h"

#define QUESTION_HEAD_MAX 4096              /* bytes of a record beside its long field */
#define QUESTION_RETRY_NS (100 * NS_PER_MS) /* after an owner said that it is none */

struct asker {
	struct list node;
	question_fn *fn; /* NULL: forgotten */
	void *owner;
	int64_t until_ns;
	enum err late; /* what it is told then; OK: whatever is known */
};

struct question {
	struct list node;
	struct list askers;
	struct lane *lane; /* PUBLISH */
	struct lane_publish publish;
	uint64_t ask;            /* the others */
	const struct link *link; /* the way it went; NULL: not sent */
	uint64_t generation;
	int64_t asked_ns, retry_ns;
	enum err why; /* the owner's last refusal */
	int64_t wait_ns;
	size_t key_len, record_len;
	uint8_t bytes[]; /* key: the room's, for a PUBLISH with producer and number; record */
};

struct questions {
	struct router *router;
	char producer[24];
	struct map by_ask, by_publish; /* question */
	struct map by_lane;            /* lane */
	struct list lanes;
	struct list all; /* oldest first */
	uint64_t last_ask;
	size_t asked, bytes;
	int64_t now_ns;
};

/* questions.c */
/* One that is new; the key is copied. One too many gets no record, for its asker to be told so. */
struct question *questions_add(struct questions *, struct span key, const struct buf *record);
void questions_join(struct questions *, struct question *, const struct asker *);
void questions_finish(struct questions *, struct question *, const struct answer *);

/* questions_publish.c */
struct question *questions_find_publish(const struct questions *, const struct msg_ack *);
void questions_on_refused(struct questions *, const struct msg_refused *);
void questions_say_lane(struct questions *, struct lane *);
void questions_leave_lane(struct questions *, struct question *);
/* It ends unanswered: so do those after it, if somebody numbered them. */
void questions_hold_back(struct questions *, const struct question *);
