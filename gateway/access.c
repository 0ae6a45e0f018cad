/* SPDX-License-Identifier: Apache-2.0 */
/* Equal questions in flight are asked once. The database's answer always wins when it comes in
 * time; what is remembered serves when it does not. */
#include "gateway/access.h"

#include <string.h>

#include "common/json.h"
#include "common/log.h"
#include "common/map.h"
#include "common/mem.h"
#include "common/mono.h"
#include "gateway/access_cache.h"
#include "gateway/access_rows.h"
#include "gateway/metrics.h"

#define WHOAMI_NS (500 * NS_PER_MS) /* then memory answers */
#define ENTER_NS (2 * NS_PER_S)     /* the same for a room */
#define GIVE_UP_NS (4 * NS_PER_S)   /* nothing is remembered: then it is broken */
#define SLOW_NS (50 * NS_PER_MS)    /* is written down */
#define KEY_MAX (TOKEN_MAX + 1 + ROOM_KEY_MAX)

struct asker {
	struct list node;
	access_fn *fn; /* NULL: forgotten */
	void *owner;
	bool no_room; /* its id cannot be one, but who asks still comes first */
};

struct inquiry { /* one question in flight */
	struct list node;
	struct access *access;
	struct list askers;
	struct timer timer;
	int64_t asked_ns;
	bool mapped; /* who asks the same may join */
	size_t token_len, key_len;
	uint8_t key[KEY_MAX]; /* as in access_cache.h */
};

struct access {
	struct pg *pg;
	struct loop *loop;
	struct access_cache cache;
	struct map by_key;   /* inquiries */
	struct map by_owner; /* askers; each owner asks one question at a time */
	struct list all;
};

static void ask_about_room(struct access *, struct span token, enum room_kind, struct span room_id,
			   const struct asker *);
static void ask(struct access *, struct span token, struct span room_key, int64_t patience_ns,
		const struct asker *);
static struct inquiry *inquiry_new(struct access *, struct span key, size_t token_len);
static void query(struct access *, struct inquiry *, struct span room_key);
static void note_time(int64_t took_ns);
static void on_rows(void *owner, enum err, const struct pg_rows *, const char *why);
static void say_failed(const struct inquiry *, const char *why);
static void on_overdue(struct timer *, int64_t now_ns);
static bool answer_from_memory(struct inquiry *);
static void answer_all(struct inquiry *, const struct access_answer *);
static void tell(struct access *, struct asker *, const struct access_answer *);
static void asker_remove(struct access *, struct asker *);
static void unmap(struct inquiry *);
static void finish(struct inquiry *);
static bool is_token(struct span token);
static struct span session_of(struct span token);
static size_t make_key(uint8_t out[KEY_MAX], struct span token, struct span room_key);

struct access *access_new(struct pg *pg, struct loop *loop, size_t max_remembered)
{
	struct access *a = mem_new(sizeof *a);

	a->pg = pg;
	a->loop = loop;
	access_cache_init(&a->cache, max_remembered);
	map_init(&a->by_key);
	map_init(&a->by_owner);
	list_init(&a->all);
	return a;
}

void access_free(struct access **pa)
{
	struct access *a = *pa;

	if (!a)
		return;
	*pa = NULL;
	LIST_EACH (&a->all, it, ahead) {
		struct inquiry *q = container_of(it, struct inquiry, node);

		pg_forget(a->pg, q);
		finish(q);
	}
	access_cache_fini(&a->cache);
	map_fini(&a->by_key);
	map_fini(&a->by_owner);
	mem_free(a);
}

void access_ask(struct access *a, struct span token, enum room_kind kind, struct span room_id,
		access_fn *fn, void *owner)
{
	ask_about_room(a, session_of(token), kind, room_id,
		       &(struct asker){.fn = fn, .owner = owner});
}

void access_ask_key(struct access *a, struct span key, enum room_kind kind, struct span room_id,
		    access_fn *fn, void *owner)
{
	const struct asker asker = {.fn = fn, .owner = owner};

	must(access_is_key(key));
	if (room_id.p)
		ask_about_room(a, key, kind, room_id, &asker);
	else
		ask(a, key, SPAN_NONE, WHOAMI_NS, &asker);
}

bool access_is_key(struct span token)
{
	return span_starts(token, ACCESS_KEY_PREFIX);
}

void access_whoami(struct access *a, struct span token, access_fn *fn, void *owner)
{
	ask(a, session_of(token), SPAN_NONE, WHOAMI_NS, &(struct asker){.fn = fn, .owner = owner});
}

void access_forget(struct access *a, const void *owner)
{
	struct asker *one = map_remove_u64(&a->by_owner, (uintptr_t)owner);

	if (one)
		one->fn = NULL;
}

void access_revoked(struct access *a, struct span payload)
{
	access_cache_revoke(&a->cache, payload);
}

bool access_remembers(const struct access *a, struct span token, struct span room_key)
{
	uint8_t key[KEY_MAX];

	must(room_key.len <= ROOM_KEY_MAX);
	return is_token(token) &&
	       access_cache_has(&a->cache, span_of(key, make_key(key, token, room_key)));
}

static void ask_about_room(struct access *a, struct span token, enum room_kind kind,
			   struct span room_id, const struct asker *blank)
{
	struct asker asker = *blank;
	char key[ROOM_KEY_MAX];
	size_t len = 0;

	asker.no_room = room_key_write(kind, room_id, key, &len) != OK;
	if (asker.no_room)
		ask(a, token, SPAN_NONE, WHOAMI_NS, &asker);
	else
		ask(a, token, span_of(key, len), ENTER_NS, &asker);
}

static void ask(struct access *a, struct span token, struct span room_key, int64_t patience_ns,
		const struct asker *blank)
{
	uint8_t bytes[KEY_MAX];

	if (!is_token(token))
		token = SPAN_NONE; /* nobody's session */
	struct span key = span_of(bytes, make_key(bytes, token, room_key));
	struct inquiry *q = map_find(&a->by_key, key);
	struct asker *one = mem_new(sizeof *one);
	*one = *blank;
	if (!q) {
		q = inquiry_new(a, key, token.len);
		timers_arm(loop_timers(a->loop), &q->timer, loop_now_ns(a->loop) + patience_ns,
			   on_overdue);
		query(a, q, room_key);
	}
	list_init(&one->node);
	list_add_last(&q->askers, &one->node);
	map_add_u64(&a->by_owner, (uintptr_t)one->owner, one);
}

static struct inquiry *inquiry_new(struct access *a, struct span key, size_t token_len)
{
	struct inquiry *q = mem_new(sizeof *q);

	q->access = a;
	q->asked_ns = loop_now_ns(a->loop);
	q->token_len = token_len;
	q->key_len = key.len;
	memcpy(q->key, key.p, key.len);
	list_init(&q->askers);
	list_init(&q->node);
	list_add_last(&a->all, &q->node);
	map_add(&a->by_key, span_of(q->key, q->key_len), q);
	q->mapped = true;
	return q;
}

static void query(struct access *a, struct inquiry *q, struct span room_key)
{
	struct span token = span_of(q->key, q->token_len);
	struct span id = room_key;
	struct span kind = span_until(&id, ':');
	bool is_key = access_is_key(token);

	if (!room_key.len && !is_key)
		pg_ask(a->pg, access_whoami_sql, &token, 1, on_rows, q);
	else
		pg_ask(a->pg, is_key ? access_key_sql : access_authorize_sql,
		       (const struct span[]){token, kind, id}, 3, on_rows, q);
}

static void note_time(int64_t took_ns)
{
	metrics_observe_ns(METRIC_access, took_ns);
	if (took_ns >= SLOW_NS)
		log_info(LOG_SLOW, kv_str("op", "authorize"), kv_i64("ms", took_ns / NS_PER_MS));
}

static void on_rows(void *owner, enum err e, const struct pg_rows *rows, const char *why)
{
	struct inquiry *q = owner;
	struct access *a = q->access;
	struct access_answer answer = {.refusal = ACCESS_BROKEN};

	unmap(q);
	if (e == ERR_DB_REFUSED)
		say_failed(q, why);
	if (!e && access_rows_read(rows, &answer) == OK) {
		access_cache_put(&a->cache, span_of(q->key, q->key_len), access_rows_mark(rows),
				 &answer);
		metrics_add(METRIC_access_answers, 1);
		note_time(loop_now_ns(a->loop) - q->asked_ns);
		answer_all(q, &answer);
		user_free(&answer.user);
	} else if (!answer_from_memory(q)) {
		metrics_add(METRIC_access_answers + 2, 1);
		answer_all(q, &answer);
	}
	finish(q);
}

/* A function of the application may name the session in its complaint: not in our log. */
static void say_failed(const struct inquiry *q, const char *why)
{
	struct span token = span_of(q->key, q->token_len);
	const char *hit = token.len ? memmem(why, strlen(why), token.p, token.len) : NULL;

	log_error("access_failed",
		  kv_str("why", hit ? "it names the session: see the log of PostgreSQL" : why));
}

/* The query goes on, and its answer will be remembered; who asks meanwhile need not wait as long.
 */
static void on_overdue(struct timer *t, int64_t now_ns)
{
	struct inquiry *q = container_of(t, struct inquiry, timer);

	timers_arm(loop_timers(q->access->loop), t, now_ns + WHOAMI_NS, on_overdue);
	if (answer_from_memory(q) || now_ns - q->asked_ns < GIVE_UP_NS || list_is_empty(&q->askers))
		return;
	metrics_add(METRIC_access_answers + 2, 1);
	answer_all(q, &(struct access_answer){.refusal = ACCESS_BROKEN});
}

static bool answer_from_memory(struct inquiry *q)
{
	struct access_answer answer;

	if (!access_cache_find(&q->access->cache, span_of(q->key, q->key_len), wall_unix_ms(),
			       &answer))
		return false;
	if (!list_is_empty(&q->askers)) {
		metrics_add(METRIC_access_answers + 1, 1);
		answer_all(q, &answer);
	}
	return true;
}

static void answer_all(struct inquiry *q, const struct access_answer *answer)
{
	while (!list_is_empty(&q->askers)) {
		struct asker *one = container_of(q->askers.next, struct asker, node);

		tell(q->access, one, answer);
	}
}

/* Unlinked first: the owner may ask again from inside its callback. */
static void tell(struct access *a, struct asker *one, const struct access_answer *answer)
{
	struct access_answer mine = *answer;

	if (one->no_room && mine.refusal == ACCESS_GRANTED)
		mine.refusal = ACCESS_NO_ROOM;
	asker_remove(a, one);
	if (one->fn)
		one->fn(one->owner, &mine);
	mem_free(one);
}

static void asker_remove(struct access *a, struct asker *one)
{
	list_remove(&one->node);
	if (one->fn) /* else its owner may be gone, and another one be at its address */
		(void)map_remove_u64(&a->by_owner, (uintptr_t)one->owner);
}

static void unmap(struct inquiry *q)
{
	if (q->mapped)
		(void)map_remove(&q->access->by_key, span_of(q->key, q->key_len));
	q->mapped = false;
}

static void finish(struct inquiry *q)
{
	timers_disarm(loop_timers(q->access->loop), &q->timer);
	LIST_EACH (&q->askers, it, ahead) {
		struct asker *one = container_of(it, struct asker, node);

		asker_remove(q->access, one);
		mem_free(one);
	}
	list_remove(&q->node);
	unmap(q);
	mem_free(q);
}

/* What could be one in the database: text without NULs, of bounded length. */
static bool is_token(struct span token)
{
	return token.len <= TOKEN_MAX && json_is_utf8(token) &&
	       (!token.len || !memchr(token.p, 0, token.len));
}

/* A key is nobody's session. */
static struct span session_of(struct span token)
{
	return access_is_key(token) ? SPAN_NONE : token;
}

static size_t make_key(uint8_t out[KEY_MAX], struct span token, struct span room_key)
{
	if (token.len)
		memcpy(out, token.p, token.len);
	out[token.len] = 0;
	if (room_key.len)
		memcpy(out + token.len + 1, room_key.p, room_key.len);
	return token.len + 1 + room_key.len;
}
