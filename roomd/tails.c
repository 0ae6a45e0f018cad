/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/tails.h"

#include <string.h>

#include "common/mem.h"

struct tail {
	struct list node;
	uint64_t session, proved;
	int64_t until_ns;
	bool claimed; /* kept until then: its gateway may name it again */
	size_t user_len;
	uint8_t user[];
};

static struct tail *find(const struct tails *, uint64_t session);
static struct tail *first_of(const struct tails *);
static void drop(struct tails *, struct tail *);

void tails_init(struct tails *t)
{
	list_init(&t->all);
	t->count = 0;
}

void tails_fini(struct tails *t)
{
	while (t->count > 0)
		drop(t, first_of(t));
}

void tails_note(struct tails *t, uint64_t session, struct span user, uint64_t proved,
		int64_t until_ns)
{
	struct tail *one = find(t, session);

	if (one) {
		one->proved = proved > one->proved ? proved : one->proved;
		return;
	}
	if (t->count == TAILS_MAX)
		drop(t, first_of(t));
	one = mem_new(sizeof *one + user.len);
	one->session = session;
	one->proved = proved;
	one->until_ns = until_ns;
	one->user_len = user.len;
	if (user.len)
		memcpy(one->user, user.p, user.len);
	list_init(&one->node);
	list_add_last(&t->all, &one->node);
	t->count++;
}

bool tails_claim(struct tails *t, struct span user, uint64_t *proved)
{
	LIST_EACH (&t->all, it, ahead) {
		struct tail *one = container_of(it, struct tail, node);

		if (one->claimed || !span_eq(user, span_of(one->user, one->user_len)))
			continue;
		one->claimed = true;
		*proved = one->proved;
		return true;
	}
	return false;
}

bool tails_knows(const struct tails *t, uint64_t session)
{
	return find(t, session);
}

/* The window is the same for all, so the oldest ends first. */
void tails_expire(struct tails *t, int64_t now_ns)
{
	while (t->count > 0 && first_of(t)->until_ns <= now_ns)
		drop(t, first_of(t));
}

int64_t tails_next_ns(const struct tails *t)
{
	return t->count > 0 ? first_of(t)->until_ns : INT64_MAX;
}

static struct tail *find(const struct tails *t, uint64_t session)
{
	LIST_EACH (&t->all, it, ahead) {
		struct tail *one = container_of(it, struct tail, node);

		if (one->session == session)
			return one;
	}
	return NULL;
}

static struct tail *first_of(const struct tails *t)
{
	return container_of(t->all.next, struct tail, node);
}

static void drop(struct tails *t, struct tail *one)
{
	list_remove(&one->node);
	mem_free(one);
	t->count--;
}
