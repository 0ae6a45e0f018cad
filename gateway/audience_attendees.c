/* SPDX-License-Identifier: Apache-2.0 */
/* The connections here: who they are, and what they left. What the room's owner says: audience.c.
 */
#include "common/mem.h"
#include "gateway/audience_inside.h"

#define FEW 8 /* attendees: looking at each is as fast as a map, and costs no memory */

static void index_attendee(struct audience *, struct attendee *);
static void unindex(struct audience *, const struct attendee *);
static void put_member(const struct attendee *, bool with_kept, struct buf *items);

struct attendee *audience_add(struct audience *a, void *session, const struct entrant *e)
{
	struct attendee *who = mem_new(sizeof *who);

	who->audience = a;
	who->owner = session;
	who->id = e->session;
	who->conn_gen = e->conn_gen;
	who->user = user_ref(e->user);
	who->since_ms = e->since_ms;
	list_init(&who->node);
	list_add_last(&a->attendees, &who->node);
	a->count++;
	index_attendee(a, who);
	return who;
}

void audience_remove(struct attendee **pwho)
{
	struct attendee *who = *pwho;
	struct audience *a = who->audience;

	*pwho = NULL;
	(void)audience_copy(a); /* folded, it would say who this is by the attendee */
	if (who->native)
		a->natives--;
	a->count--;
	unindex(a, who);
	list_remove(&who->node);
	audience_drop_missed(who);
	kept_free(&who->kept);
	user_free(&who->user);
	mem_free(who);
}

bool audience_is_empty(const struct audience *a)
{
	return list_is_empty(&a->attendees);
}

bool audience_is_calm(const struct audience *a)
{
	LIST_EACH (&a->attendees, it, ahead) {
		const struct attendee *who = container_of(it, struct attendee, node);

		if (!who->welcomed || who->leaving)
			return false;
	}
	return true;
}

bool audience_has_others(const struct audience *a)
{
	return audience_size(a) > a->count;
}

struct list *audience_attendees(struct audience *a)
{
	return &a->attendees;
}

struct attendee *audience_find(const struct audience *a, uint64_t session)
{
	if (a->by_session)
		return map_find_u64(a->by_session, session);
	LIST_EACH (&a->attendees, it, ahead) {
		struct attendee *who = container_of(it, struct attendee, node);

		if (who->id.v == session)
			return who;
	}
	return NULL;
}

struct attendee *audience_own(const struct audience *a, uint64_t session, uint64_t conn_gen)
{
	struct attendee *who = audience_find(a, session);

	return who && who->conn_gen >= conn_gen ? who : NULL;
}

bool audience_is_all_native(const struct audience *a)
{
	return a->natives == a->count;
}

bool audience_is_known(const struct attendee *who)
{
	const struct roster_entry *e = roster_find(audience_copy(who->audience), who->id);

	return who->welcomed && e && e->conn_gen >= who->conn_gen;
}

void audience_renew(struct attendee *who, uint64_t conn_gen)
{
	who->conn_gen = conn_gen;
}

void audience_keep(struct attendee *who, struct span key, unsigned keep, struct span body)
{
	struct audience *a = who->audience;
	struct span left = keep == 1 ? body : SPAN_NONE;

	if (!keep || !key.len)
		return;
	kept_put(&who->kept, key, left);
	struct roster_entry *shown = roster_find(audience_busy_copy(a), who->id);

	if (!shown || shown->conn_gen > who->conn_gen)
		return;
	audience_note(a, user_id(shown->user->who));
	kept_put(&shown->kept, key, left);
}

bool audience_has_kept(const struct attendee *who, const char *key)
{
	return audience_kept(who, key).len > 0;
}

struct span audience_kept(const struct attendee *who, const char *key)
{
	return kept_find(who->kept, span_str(key));
}

bool audience_put_members(const struct audience *a, bool with_kept, struct buf *items)
{
	LIST_EACH (&a->attendees, it, ahead) {
		size_t whole_len = items->len;

		put_member(container_of(it, struct attendee, node), with_kept, items);
		if (items->over) {
			items->len = whole_len;
			items->over = false;
			return false;
		}
	}
	return true;
}

void audience_put_member(const struct attendee *who, struct buf *items)
{
	put_member(who, true, items);
}

/* Once they are many they are all in the map, until nobody is here. */
static void index_attendee(struct audience *a, struct attendee *who)
{
	if (a->by_session) {
		map_add_u64(a->by_session, who->id.v, who);
		return;
	}
	if (a->count <= FEW)
		return;
	a->by_session = mem_new(sizeof *a->by_session);
	map_init(a->by_session);
	LIST_EACH (&a->attendees, it, ahead) {
		struct attendee *one = container_of(it, struct attendee, node);

		map_add_u64(a->by_session, one->id.v, one);
	}
}

static void unindex(struct audience *a, const struct attendee *who)
{
	if (!a->by_session)
		return;
	(void)map_remove_u64(a->by_session, who->id.v);
	if (a->count > 0)
		return;
	map_fini(a->by_session);
	mem_free(a->by_session);
	a->by_session = NULL;
}

static void put_member(const struct attendee *who, bool with_kept, struct buf *items)
{
	struct buf kept;

	buf_init(&kept, LINK_BATCH_MAX);
	if (with_kept)
		kept_put_items(who->kept, &kept);
	item_put_member(items, &(struct item_member){
				       .session = who->id.v,
				       .conn_gen = who->conn_gen,
				       .user = user_id(who->user),
				       .name = user_name(who->user),
				       .email = user_email(who->user),
				       .since_ms = (uint64_t)who->since_ms,
				       .fresh = !who->welcomed,
				       .kept = buf_span(&kept),
				       .proved = who->proved,
				       .tail = who->native ? ROSTER_NO_TAIL
					       : who->deaf ? ROSTER_TAIL_OWED
							   : ROSTER_TAIL,
			       });
	buf_fini(&kept);
}
