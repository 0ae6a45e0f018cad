/* SPDX-License-Identifier: Apache-2.0 */
/* Intrusive doubly linked list. A node that is on no list points to itself. Owns nothing. */
#pragma once

#include "common/base.h"

struct list {
	struct list *prev, *next;
};

static inline void list_init(struct list *l)
{
	l->prev = l->next = l;
}
static inline bool list_is_empty(const struct list *l)
{
	return l->next == l;
}
static inline void list_remove(struct list *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}
static inline void list_add_before(struct list *at, struct list *n)
{
	n->prev = at->prev;
	n->next = at;
	at->prev->next = n;
	at->prev = n;
}
static inline void list_add_last(struct list *l, struct list *n)
{
	list_add_before(l, n);
}
static inline void list_move_all(struct list *from, struct list *to) /* to its end */
{
	if (list_is_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

/* `next` is read ahead, so the current node may be removed in the body. */
#define LIST_EACH(l, it, ahead)                                                                    \
	for (struct list *it = (l)->next, *ahead = it->next; it != (l);                            \
	     it = ahead, ahead = it->next)
