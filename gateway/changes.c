/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/changes.h"

#include <string.h>

#include "common/mem.h"

void changes_init(struct changes *c)
{
	map_init(&c->by_user);
	list_init(&c->all);
}

void changes_fini(struct changes *c)
{
	changes_clear(c);
	map_fini(&c->by_user);
}

void changes_note(struct changes *c, struct span user, bool is_here)
{
	struct change *one = map_find(&c->by_user, user);

	if (one)
		return;
	one = mem_new(sizeof *one + user.len);
	one->was_here = is_here;
	one->user_len = user.len;
	if (user.len)
		memcpy(one->user, user.p, user.len);
	list_init(&one->node);
	list_add_last(&c->all, &one->node);
	map_add(&c->by_user, change_user(one), one);
}

void changes_merge(struct changes *c, const struct changes *from)
{
	LIST_EACH (&from->all, it, ahead)
		changes_note(c, change_user(change_of(it)), change_of(it)->was_here);
}

bool changes_is_empty(const struct changes *c)
{
	return list_is_empty(&c->all);
}

void changes_clear(struct changes *c)
{
	LIST_EACH (&c->all, it, ahead)
		changes_drop(c, change_of(it));
}

void changes_drop(struct changes *c, struct change *one)
{
	(void)map_remove(&c->by_user, change_user(one));
	list_remove(&one->node);
	mem_free(one);
}

struct change *change_of(struct list *node)
{
	return container_of(node, struct change, node);
}

struct span change_user(const struct change *one)
{
	return span_of(one->user, one->user_len);
}
