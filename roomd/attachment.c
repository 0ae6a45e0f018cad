/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/attachment.h"

#include "common/mem.h"

struct attachment *attachment_new(struct room *room, struct list *of_room, struct feed *feed)
{
	struct attachment *a = mem_new(sizeof(*a));

	a->room = room;
	a->feed = feed;
	list_init(&a->of_room);
	list_init(&a->of_feed);
	list_add_last(of_room, &a->of_room);
	list_add_last(&feed->attachments, &a->of_feed);
	return a;
}

void attachment_free(struct attachment **pa)
{
	struct attachment *a = *pa;

	if (!a)
		return;
	*pa = NULL;
	list_remove(&a->of_room);
	list_remove(&a->of_feed);
	mem_free(a);
}

struct buf *attachment_out(struct attachment *a)
{
	if (!a->attached)
		return NULL;
	if (a->entries == 0) {
		a->stale = true;
		return NULL;
	}
	return feed_out(a->feed);
}
