/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/access.h"

#include <stdio.h>

#include "common/mem.h"
#include "tests/sim/store.h"
#include "tests/sim/world.h"

#define WHOAMI_NS (500 * NS_PER_MS) /* as in gateway/access.c */
#define ENTER_NS (2 * NS_PER_S)
#define GIVE_UP_NS (4 * NS_PER_S)
#define WHOAMI CLIENT_ROOMS_MAX /* in the place of a room */

struct inquiry {
	struct list node;
	struct access *access;
	access_fn *fn; /* NULL: answered, or forgotten */
	void *owner;
	unsigned user, room;
	int64_t asked_ns;
	struct timer timer;
};

struct access {
	struct node *node;
	struct store *store;
	struct timers *timers;
	struct list all;
	bool knows[FRAME_USERS_MAX][CLIENT_ROOMS_MAX + 1];
};

static void ask(struct access *, const struct inquiry *, int64_t patience_ns);
static void on_pulled(void *owner, enum err, const struct store_view *);
static void on_overdue(struct timer *, int64_t now_ns);
static bool answer_from_memory(struct inquiry *);
static void answer(struct inquiry *, enum access_refusal);
static unsigned user_of(struct span token);

struct access *access_of(struct node *gateway, struct store *store, struct timers *timers)
{
	struct access *a = mem_new(sizeof *a);

	a->node = gateway;
	a->store = store;
	a->timers = timers;
	list_init(&a->all);
	return a;
}

void access_end(struct access **pa)
{
	struct access *a = *pa;

	*pa = NULL;
	LIST_EACH (&a->all, it, ahead) {
		struct inquiry *q = container_of(it, struct inquiry, node);

		timers_disarm(a->timers, &q->timer);
		mem_free(q);
	}
	mem_free(a);
}

struct span access_put_token(char out[ACCESS_TOKEN_LEN], unsigned user)
{
	int len = snprintf(out, ACCESS_TOKEN_LEN, "t%u", user);

	return span_of(out, (size_t)len);
}

void access_ask(struct access *a, struct span token, enum room_kind kind, struct span room_id,
		access_fn *fn, void *owner)
{
	struct inquiry q = {.fn = fn, .owner = owner, .user = user_of(token)};

	must(kind == ROOM_SUBMISSION && room_id.len == 2);
	q.room = room_id.p[1] - '0';
	must(q.room < CLIENT_ROOMS_MAX);
	ask(a, &q, ENTER_NS);
}

void access_whoami(struct access *a, struct span token, access_fn *fn, void *owner)
{
	ask(a, &(struct inquiry){.fn = fn, .owner = owner, .user = user_of(token), .room = WHOAMI},
	    WHOAMI_NS);
}

void access_forget(struct access *a, const void *owner)
{
	LIST_EACH (&a->all, it, ahead) {
		struct inquiry *q = container_of(it, struct inquiry, node);

		if (q->owner == owner)
			q->fn = NULL;
	}
}

bool access_remembers(const struct access *a, struct span token, struct span room_key)
{
	return a->knows[user_of(token)][room_key.p[room_key.len - 1] - '0'];
}

/* The way to the database and what befalls it are those of any other statement: the view is asked
 * for, of which nothing is new. */
static void ask(struct access *a, const struct inquiry *what, int64_t patience_ns)
{
	struct inquiry *q = mem_new(sizeof *q);
	int64_t now_ns = a->node->world->sim.now_ns;

	*q = *what;
	q->access = a;
	q->asked_ns = now_ns;
	list_init(&q->node);
	list_add_last(&a->all, &q->node);
	list_init(&q->timer.node);
	timers_arm(a->timers, &q->timer, now_ns + patience_ns, on_overdue);
	store_pull(a->store, UINT64_MAX, on_pulled, q);
}

static void on_pulled(void *owner, enum err e, const struct store_view *v)
{
	struct inquiry *q = owner;
	struct access *a = q->access;

	(void)v;
	if (!e) {
		a->knows[q->user][q->room] = true;
		answer(q, ACCESS_GRANTED);
	} else if (!answer_from_memory(q)) {
		answer(q, ACCESS_BROKEN);
	}
	timers_disarm(a->timers, &q->timer);
	list_remove(&q->node);
	mem_free(q);
}

static void on_overdue(struct timer *t, int64_t now_ns)
{
	struct inquiry *q = container_of(t, struct inquiry, timer);

	timers_arm(q->access->timers, t, now_ns + WHOAMI_NS, on_overdue);
	if (!answer_from_memory(q) && now_ns - q->asked_ns >= GIVE_UP_NS)
		answer(q, ACCESS_BROKEN);
}

static bool answer_from_memory(struct inquiry *q)
{
	bool known = q->access->knows[q->user][q->room];

	if (known)
		answer(q, ACCESS_GRANTED);
	return known;
}

static void answer(struct inquiry *q, enum access_refusal refusal)
{
	access_fn *fn = q->fn;
	char user[8], name[8];
	int len = snprintf(user, sizeof user, "u%u", q->user);
	int name_len = snprintf(name, sizeof name, "U%u", q->user);
	struct user *who =
		user_new(span_of(user, (size_t)len), span_of(name, (size_t)name_len), SPAN_NONE);

	q->fn = NULL;
	if (fn)
		fn(q->owner, &(struct access_answer){
				     .refusal = refusal, .user = who, .role = SPAN("editor")});
	user_free(&who);
}

static unsigned user_of(struct span token)
{
	unsigned user = 0;

	for (size_t i = 1; i < token.len; i++)
		user = 10 * user + token.p[i] - '0';
	must(user < FRAME_USERS_MAX);
	return user;
}
