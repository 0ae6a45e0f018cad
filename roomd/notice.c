/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/notice.h"

#include "common/log.h"
#include "proto/limits.h"

#define MEMBERS_MAX                                                                                \
	(LINK_BATCH_MAX - LINK_BATCH_AIM - 4096) /* bytes: the batch it lands in and its own head  \
						  */

static bool put_members(const struct roster *, bool unseen, struct buf *items);
static bool put_members_with(const struct roster *, bool unseen, bool kept, struct buf *items);
static bool hears(const struct attachment *, const struct attachment *from);

#define EACH_ATTACHMENT(n, a)                                                                      \
	LIST_EACH ((n)->attachments, it, ahead)                                                    \
		for (struct attachment *a = container_of(it, struct attachment, of_room); a;       \
		     a = NULL)

void notice_attached(struct attachment *a, struct span key, uint64_t epoch, uint64_t relay)
{
	struct buf *out = feed_out(a->feed);

	if (out)
		message_put_attached(
			out, &(struct msg_attached){.room = key, .epoch = epoch, .relay = relay});
}

void notice_roster(const struct notice *n, struct attachment *a, const struct roster *roster,
		   bool covered)
{
	struct buf *out = feed_out(a->feed);
	struct buf items;

	if (!out || !a->attached)
		return;
	buf_init(&items, MEMBERS_MAX);
	if (!put_members(roster, false, &items))
		covered = false; /* who is missing in it is not gone */
	message_put_roster(out, &(struct msg_roster){
					.room = n->key,
					.covered = covered,
					.relay = n->relay,
					.at_ms = (uint64_t)n->at_ms,
					.members = buf_span(&items),
				});
	buf_fini(&items);
	a->stale = false;
}

void notice_joined(const struct notice *n, const struct roster_entry *e,
		   const struct attachment *except)
{
	struct item_member item;
	struct buf kept, items;

	buf_init(&kept, MEMBERS_MAX);
	buf_init(&items, MEMBERS_MAX);
	roster_item(e, &kept, &item);
	item_put_member(&items, &item);
	EACH_ATTACHMENT(n, a)
	{
		struct buf *out = a == except ? NULL : attachment_out(a);

		if (out)
			message_put_member_joined(out, &(struct msg_member_joined){
							       .room = n->key,
							       .relay = n->relay,
							       .at_ms = (uint64_t)n->at_ms,
							       .members = buf_span(&items),
						       });
	}
	buf_fini(&items);
	buf_fini(&kept);
}

void notice_welcomed(const struct notice *n, struct attachment *a, session_id session, size_t count)
{
	struct buf *out = attachment_out(a);

	if (out)
		message_put_welcomed(out, &(struct msg_welcomed){
						  .room = n->key,
						  .relay = n->relay,
						  .count = count,
						  .at_ms = (uint64_t)n->at_ms,
						  .session = session.v,
					  });
}

void notice_left(const struct notice *n, session_id session)
{
	EACH_ATTACHMENT(n, a)
	{
		struct buf *out = attachment_out(a);

		if (out)
			message_put_member_left(out, &(struct msg_member_left){
							     .room = n->key,
							     .relay = n->relay,
							     .at_ms = (uint64_t)n->at_ms,
							     .session = session.v,
						     });
	}
}

void notice_room_state(const struct notice *n)
{
	EACH_ATTACHMENT(n, a)
	{
		struct buf *out = attachment_out(a);

		if (out)
			message_put_room_state(out, &(struct msg_room_state){
							    .room = n->key,
							    .relay = n->relay,
							    .at_ms = (uint64_t)n->at_ms,
						    });
	}
}

size_t notice_cast(const struct notice *n, const struct msg_cast *m, const struct attachment *from)
{
	size_t left_out = 0;

	EACH_ATTACHMENT(n, a)
	{
		struct buf *out = hears(a, from) ? attachment_out(a) : NULL;

		if (!out)
			continue;
		if (feed_is_choked(a->feed)) {
			left_out++;
			continue;
		}
		message_put_cast_out(out, &(struct msg_cast_out){
						  .room = n->key,
						  .relay = n->relay,
						  .session = m->session,
						  .key = m->key,
						  .keep = m->keep,
						  .body = m->body,
						  .type = m->type,
						  .shape = m->shape,
						  .to = m->to,
					  });
	}
	return left_out;
}

bool notice_cast_has_hearer(const struct notice *n, const struct attachment *from)
{
	EACH_ATTACHMENT(n, a)
	{
		if (hears(a, from) && a->attached && a->entries > 0)
			return true;
	}
	return false;
}

void notice_kicked(const struct notice *n, const struct msg_kick *m)
{
	EACH_ATTACHMENT(n, a)
	{
		struct buf *out = attachment_out(a);

		if (out)
			message_put_kicked(
				out, &(struct msg_kicked){n->key, m->user, m->session, m->why});
	}
}

void notice_answer(struct feed *f, const struct msg_answer *m, const struct roster *roster)
{
	struct msg_answer mine = *m;
	struct buf *out = feed_out(f);
	struct buf items;

	if (!out)
		return;
	buf_init(&items, MEMBERS_MAX);
	if (roster)
		(void)put_members(roster, true, &items);
	mine.members = buf_span(&items);
	message_put_answer(out, &mine);
	buf_fini(&items);
}

/* With or without those that were not announced yet. A roster that is too large with the kept
 * states goes without them (late joiners then miss those), and in part if even that does not fit.
 * Returns whether everybody is in it. */
static bool put_members(const struct roster *roster, bool unseen, struct buf *items)
{
	if (put_members_with(roster, unseen, true, items))
		return true;
	buf_clear(items);
	log_warn("roster_without_states", kv_u64("entries", roster_entries(roster)));
	return put_members_with(roster, unseen, false, items);
}

static bool put_members_with(const struct roster *roster, bool unseen, bool with_kept,
			     struct buf *items)
{
	struct item_member item;
	struct buf kept;
	size_t whole = 0;

	buf_init(&kept, KEPT_PER_SESSION * (KEPT_BODY_MAX + 1024));
	LIST_EACH (&roster->entries, it, ahead) {
		const struct roster_entry *e = container_of(it, struct roster_entry, of_roster);

		if (items->over || (!e->seen && !unseen))
			continue;
		whole = items->len;
		roster_item(e, &kept, &item);
		if (!with_kept)
			item.kept = SPAN_NONE;
		item_put_member(items, &item);
	}
	buf_fini(&kept);
	bool fits = !items->over;
	if (!fits) {
		items->len = whole;
		items->over = false;
	}
	return fits;
}

static bool hears(const struct attachment *a, const struct attachment *from)
{
	return a != from || a->entries > 1;
}
