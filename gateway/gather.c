/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/gather.h"

#include "common/mem.h"

static void drop(struct gather *, struct gathered *);

struct gather *gather_new(void)
{
	struct gather *g = mem_new(sizeof *g);

	list_init(&g->casts);
	map_init(&g->by_key);
	return g;
}

void gather_free(struct gather **pg)
{
	struct gather *g = *pg;

	if (!g)
		return;
	*pg = NULL;
	LIST_EACH (&g->casts, it, ahead)
		drop(g, gathered_of(it));
	map_fini(&g->by_key);
	mem_free(g);
}

bool gather_add(struct gather *g, const struct gathered *what)
{
	struct gathered *older = what->key ? map_find_u64(&g->by_key, what->key) : NULL;
	struct gathered *one = mem_new(sizeof *one);

	*one = *what;
	list_init(&one->node);
	if (older)
		drop(g, older);
	list_add_last(&g->casts, &one->node);
	if (one->key)
		map_add_u64(&g->by_key, one->key, one);
	return older;
}

bool gather_is_from(const struct gather *g, uint64_t session)
{
	LIST_EACH (&g->casts, it, ahead)
		if (gathered_of(it)->session == session)
			return true;
	return false;
}

struct gathered *gathered_of(struct list *node)
{
	return container_of(node, struct gathered, node);
}

static void drop(struct gather *g, struct gathered *one)
{
	if (one->key)
		(void)map_remove_u64(&g->by_key, one->key);
	list_remove(&one->node);
	payload_free(&one->v0);
	payload_free(&one->native);
	mem_free(one);
}
