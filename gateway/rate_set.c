/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/rate_set.h"

#include <string.h>

#include "common/mem.h"

#define SWEPT_AT_ONCE 256 /* 5,000 a second: those of a hundred thousand users within a minute */

struct named {
	struct list node;
	struct rate rate;
	size_t name_len;
	uint8_t name[];
};

static struct named *add(struct rate_set *, struct span name);
static void drop(struct rate_set *, struct named *);

void rate_set_init(struct rate_set *s)
{
	map_init(&s->by_name);
	list_init(&s->all);
}

void rate_set_fini(struct rate_set *s)
{
	LIST_EACH (&s->all, it, ahead)
		drop(s, container_of(it, struct named, node));
	map_fini(&s->by_name);
}

int64_t rate_set_wait_ns(const struct rate_set *s, struct span name, int64_t cost_ns,
			 int64_t now_ns)
{
	struct named *one = map_find(&s->by_name, name);

	return one ? rate_wait_ns(&one->rate, cost_ns, now_ns) : 0;
}

void rate_set_take(struct rate_set *s, struct span name, int64_t cost_ns, int64_t now_ns)
{
	struct named *one = map_find(&s->by_name, name);

	if (!one && cost_ns > 0)
		one = add(s, name);
	if (one)
		rate_take(&one->rate, cost_ns, now_ns);
}

void rate_set_sweep(struct rate_set *s, int64_t now_ns)
{
	size_t count = rate_set_count(s) < SWEPT_AT_ONCE ? rate_set_count(s) : SWEPT_AT_ONCE;

	while (count-- > 0) {
		struct named *one = container_of(s->all.next, struct named, node);

		list_remove(&one->node);
		list_add_last(&s->all, &one->node);
		if (one->rate.paid_ns <= now_ns)
			drop(s, one);
	}
}

size_t rate_set_count(const struct rate_set *s)
{
	return s->by_name.len;
}

static struct named *add(struct rate_set *s, struct span name)
{
	struct named *one = mem_new(sizeof *one + name.len);

	one->name_len = name.len;
	memcpy(one->name, name.p, name.len);
	list_init(&one->node);
	list_add_last(&s->all, &one->node);
	map_add(&s->by_name, span_of(one->name, name.len), one);
	return one;
}

static void drop(struct rate_set *s, struct named *one)
{
	(void)map_remove(&s->by_name, span_of(one->name, one->name_len));
	list_remove(&one->node);
	mem_free(one);
}
