/* SPDX-License-Identifier: Apache-2.0 */
/* What the native clients of a room are shown: events and casts as they come, who is there as the
 * difference to what they were told last. Rendered once for all who get it. */
#include <inttypes.h>
#include <stdio.h>

#include "common/mem.h"
#include "gateway/audience_inside.h"
#include "gateway/metrics.h"
#include "gateway/telling.h"

#define RENDER_MAX (32u << 20) /* bytes of the longest list that we show */
#define TELL_NS                                                                                    \
	(50 * NS_PER_MS) /* between two tellings: a crowd that comes in is told together           \
			  */

enum { JOINED, LEFT, CHANGED, LISTS };

static void want_news(struct audience *);
static void tell_changes(struct audience *);
static void miss(struct attendee *);
static void tell_missed(struct audience *);
static struct payload *changes_payload(const struct audience *, const struct changes *);
static void put_change(const struct audience *, const struct change *, struct buf lists[LISTS]);
static void tell_ready(struct audience *);
static void put_users(const struct audience *, struct buf *list);
static bool sees(const struct attendee *);
static struct payload *event_payload(const struct audience *, const struct msg_event *, uint64_t n);
static bool is_author(const struct attendee *, const struct msg_event *);
static struct payload *payload_of(struct buf *text); /* which it ends */

void audience_set_native(struct attendee *who)
{
	who->native = true;
	who->audience->natives++;
}

void audience_get_ready(struct attendee *who)
{
	who->ready = true;
	want_news(who->audience);
}

struct audience *audience_of_telling(struct list *node)
{
	return container_of(node, struct audience, of_telling);
}

/* Who comes in learns who is there by the list, and what changes after it by the changes: so those
 * before it are told to the others first. */
int64_t audience_tell(struct audience *a, int64_t now_ns)
{
	audience_end_tick(a, now_ns);
	if (a->has_news && now_ns >= a->tell_ns) {
		a->has_news = false;
		a->tell_ns = now_ns + TELL_NS;
		audience_flush(a);
		tell_changes(a);
		tell_missed(a);
		tell_ready(a);
	}
	if (a->has_news)
		return a->gather && a->tick_ns < a->tell_ns ? a->tick_ns : a->tell_ns;
	if (a->gather)
		return a->tick_ns;
	list_remove(&a->of_telling);
	return INT64_MAX;
}

void audience_catch_up(struct attendee *who)
{
	want_news(who->audience);
}

void audience_drop_missed(struct attendee *who)
{
	if (!who->missed)
		return;
	changes_fini(who->missed);
	mem_free(who->missed);
	who->missed = NULL;
}

void audience_note(struct audience *a, struct span user)
{
	if (a->natives == 0)
		return;
	changes_note(&a->changes, user, roster_find_user(&a->copy, user) != NULL);
	want_news(a);
}

void audience_cast_native(struct audience *a, const struct msg_cast_out *m)
{
	struct payload *p = NULL;

	if (a->natives == 0)
		return;
	LIST_EACH (&a->attendees, it, ahead) {
		struct attendee *who = container_of(it, struct attendee, node);

		if (!sees(who) || who->id.v == m->session || !audience_is_for(who, m->to))
			continue;
		if (!p)
			p = audience_native_cast(a, m);
		a->sink->show(who->owner, p, true);
	}
	payload_free(&p);
}

struct payload *audience_native_cast(const struct audience *a, const struct msg_cast_out *m)
{
	const struct roster_entry *e = roster_find(&a->copy, (session_id){m->session});
	struct told_from from = {.session = m->session};
	struct buf text;

	if (e) {
		from.id = user_id(e->user->who);
		from.name = user_name(e->user->who);
	}
	buf_init(&text, RENDER_MAX);
	frame_put_cast(&text, &(struct told_cast){
				      .room = span_str(a->key),
				      .key = m->type,
				      .from = from,
				      .data = m->shape == BODY_V0 ? bridge_data(m->body) : m->body,
				      .after = a->seq,
			      });
	struct payload *p = payload_of(&text);

	p->key = audience_cast_key(a, m);
	return p;
}

void audience_event_native(struct audience *a, const struct msg_event *m)
{
	struct payload *p = NULL;

	if (a->natives == 0)
		return;
	LIST_EACH (&a->attendees, it, ahead) {
		struct attendee *who = container_of(it, struct attendee, node);

		if (!sees(who))
			continue;
		if (is_author(who, m)) {
			struct payload *own = event_payload(a, m, m->pseq);

			a->sink->event(who->owner, m->seq, own);
			payload_free(&own);
			continue;
		}
		if (!p)
			p = event_payload(a, m, 0);
		a->sink->event(who->owner, m->seq, p);
	}
	payload_free(&p);
}

bool audience_is_for(const struct attendee *who, struct span to)
{
	char id[ATTENDEE_ID_LEN + 1];

	if (to.len == 0)
		return true;
	snprintf(id, sizeof id, "%016" PRIx64, who->id.v);
	return span_is(to, id) || span_eq(to, user_id(who->user));
}

static void want_news(struct audience *a)
{
	a->has_news = true;
	audience_want_telling(a);
}

/* Who does not keep up is told later of what has become of all that changed meanwhile: nothing of
 * it waits for him. */
static void tell_changes(struct audience *a)
{
	struct payload *p;

	if (changes_is_empty(&a->changes))
		return;
	p = changes_payload(a, &a->changes);
	LIST_EACH (&a->attendees, it, ahead) {
		struct attendee *who = container_of(it, struct attendee, node);

		if (!p || !sees(who))
			continue;
		if (who->missed || !a->sink->keeps_up(who->owner))
			miss(who);
		else
			a->sink->show(who->owner, p, false);
	}
	payload_free(&p);
	changes_clear(&a->changes);
}

/* Of those who came and went meanwhile there is nothing to tell. */
static void miss(struct attendee *who)
{
	struct audience *a = who->audience;

	if (!who->missed) {
		who->missed = mem_new(sizeof *who->missed);
		changes_init(who->missed);
	}
	changes_merge(who->missed, &a->changes);
	metrics_add(METRIC_presence_merged, 1);
	LIST_EACH (&who->missed->all, it, ahead)
		if (!change_of(it)->was_here &&
		    !roster_find_user(&a->copy, change_user(change_of(it))))
			changes_drop(who->missed, change_of(it));
}

static void tell_missed(struct audience *a)
{
	LIST_EACH (&a->attendees, it, ahead) {
		struct attendee *who = container_of(it, struct attendee, node);

		if (!who->missed || !sees(who) || !a->sink->keeps_up(who->owner))
			continue;
		struct payload *p = changes_payload(a, who->missed);

		audience_drop_missed(who);
		if (p)
			a->sink->show(who->owner, p, false);
		payload_free(&p);
	}
}

/* NULL: there is nothing to tell. */
static struct payload *changes_payload(const struct audience *a, const struct changes *changes)
{
	struct buf lists[LISTS], text;
	size_t len = 0;

	for (unsigned i = 0; i < LISTS; i++)
		buf_init(&lists[i], RENDER_MAX);
	LIST_EACH (&changes->all, it, ahead)
		put_change(a, change_of(it), lists);
	buf_init(&text, RENDER_MAX);
	frame_put_presence(&text, &(struct told_presence){
					  .room = span_str(a->key),
					  .joined = buf_span(&lists[JOINED]),
					  .left = buf_span(&lists[LEFT]),
					  .changed = buf_span(&lists[CHANGED]),
				  });
	for (unsigned i = 0; i < LISTS; i++) {
		len += lists[i].len;
		buf_fini(&lists[i]);
	}
	struct payload *p = payload_of(&text);
	if (len == 0)
		payload_free(&p);
	return p;
}

static void put_change(const struct audience *a, const struct change *c, struct buf lists[LISTS])
{
	const struct roster_user *u = roster_find_user(&a->copy, change_user(c));

	if (u)
		frame_add_roster_user(&lists[c->was_here ? CHANGED : JOINED], u);
	else if (c->was_here)
		frame_add_gone(&lists[LEFT], &(struct told_gone){change_user(c)});
}

static void tell_ready(struct audience *a)
{
	struct buf members;

	buf_init(&members, RENDER_MAX);
	LIST_EACH (&a->attendees, it, ahead) {
		struct attendee *who = container_of(it, struct attendee, node);

		if (!who->ready || who->leaving)
			continue;
		if (members.len == 0)
			put_users(a, &members);
		who->ready = false;
		who->listens = true;
		audience_drop_missed(who);
		a->sink->listed(who->owner, buf_span(&members));
	}
	buf_fini(&members);
}

static void put_users(const struct audience *a, struct buf *list)
{
	LIST_EACH (&a->copy.entries, it, ahead) {
		const struct roster_entry *e = container_of(it, struct roster_entry, of_roster);

		if (e->user->entries.next == &e->of_user) /* a user comes with its first entry */
			frame_add_roster_user(list, e->user);
	}
}

static bool sees(const struct attendee *who)
{
	return audience_hears(who) && who->native;
}

static struct payload *event_payload(const struct audience *a, const struct msg_event *m,
				     uint64_t n)
{
	struct item_stored stored = telling_stored(m);
	struct buf type, text;

	buf_init(&type, EVENT_TYPE_MAX);
	buf_init(&text, RENDER_MAX);
	struct told_event told = telling_of(&stored, &type);

	told.room = span_str(a->key);
	told.n = n;
	frame_put_event(&text, &told);
	buf_fini(&type);
	return payload_of(&text);
}

static bool is_author(const struct attendee *who, const struct msg_event *m)
{
	return who->id.v == producer_read(m->producer).v;
}

static struct payload *payload_of(struct buf *text)
{
	struct payload *p = payload_new(buf_span(text));

	buf_fini(text);
	return p;
}
