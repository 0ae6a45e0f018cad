/* SPDX-License-Identifier: Apache-2.0 */
/* Who is there, as the native clients of a room are told of it from their list (audience_list.c)
 * on: as the difference to what they were told last, or in a room that is not listed as a number.
 */
#include "common/mem.h"
#include "gateway/audience_inside.h"
#include "gateway/metrics.h"
#include "proto/frame.h"

#define RENDER_MAX (32u << 20) /* bytes of the longest list that we show */
/* Between two tellings: a crowd that comes in is told together. In a large room one costs more, and
 * goes to more people. No longer, for who comes in waits for the next one too. */
#define TELL_NS (20 * NS_PER_MS)
#define TELL_USER_NS (NS_PER_MS * 3 / 20)
#define TELL_MAX_NS (200 * NS_PER_MS)

enum { JOINED, LEFT, CHANGED, LISTS };

static void want(struct audience *);
static void tell(struct audience *);
static int64_t pause_ns(const struct audience *);
static void tell_changes(struct audience *);
static void tell_count(struct audience *);
static void show(struct audience *, struct payload *);
static void miss(struct attendee *);
static void tell_missed(struct audience *);
static struct payload *changes_payload(struct audience *, const struct changes *);
static void put_change(struct audience *, const struct change *, struct buf lists[LISTS]);

struct audience *audience_of_telling(struct list *node)
{
	return container_of(node, struct audience, of_telling);
}

void audience_note(struct audience *a, struct span user)
{
	if (a->natives == 0)
		return;
	if (!a->news->unlisted)
		changes_note(&a->news->changes, user,
			     roster_find_user(audience_copy(a), user) != NULL);
	want(a);
}

void audience_drop_news(struct audience *a)
{
	if (!a->news)
		return;
	changes_fini(&a->news->changes);
	mem_free(a->news);
	a->news = NULL;
}

void audience_set_native(struct attendee *who)
{
	struct audience *a = who->audience;

	who->native = true;
	a->natives++;
	if (a->news)
		return;
	a->news = mem_new(sizeof *a->news);
	changes_init(&a->news->changes);
}

void audience_get_ready(struct attendee *who)
{
	who->ready = true;
	want(who->audience);
}

void audience_catch_up(struct attendee *who)
{
	want(who->audience);
}

void audience_drop_missed(struct attendee *who)
{
	if (!who->missed)
		return;
	changes_fini(who->missed);
	mem_free(who->missed);
	who->missed = NULL;
}

int64_t audience_tell(struct audience *a, int64_t now_ns)
{
	struct news *n = a->news;

	audience_end_tick(a, now_ns);
	if (n && n->is_due && now_ns >= n->tell_ns) {
		n->is_due = false;
		n->tell_ns = now_ns + pause_ns(a);
		audience_flush(a);
		tell(a);
	}
	if (n && n->is_due)
		return a->gather && a->tick_ns < n->tell_ns ? a->tick_ns : n->tell_ns;
	if (a->gather)
		return a->tick_ns;
	list_remove(&a->of_telling);
	return INT64_MAX;
}

static void want(struct audience *a)
{
	a->news->is_due = true;
	audience_want_telling(a);
}

/* Who comes in learns who is there by the list, and what changes after it by the changes: so those
 * before it are told to the others first. */
static void tell(struct audience *a)
{
	if (audience_turns(a)) {
		audience_tell_anew(a);
		changes_clear(&a->news->changes);
	} else if (a->news->unlisted) {
		tell_count(a);
	} else {
		tell_changes(a);
	}
	tell_missed(a);
	audience_tell_ready(a);
}

static int64_t pause_ns(const struct audience *a)
{
	int64_t ns = TELL_NS + (int64_t)audience_users(a) * TELL_USER_NS;

	return ns < TELL_MAX_NS ? ns : TELL_MAX_NS;
}

static void tell_changes(struct audience *a)
{
	struct payload *p;

	if (changes_is_empty(&a->news->changes))
		return;
	p = changes_payload(a, &a->news->changes);
	if (p)
		show(a, p);
	payload_free(&p);
	changes_clear(&a->news->changes);
}

static void tell_count(struct audience *a)
{
	struct payload *p;

	if (a->news->told_users == audience_users(a))
		return;
	a->news->told_users = audience_users(a);
	p = audience_count_payload(a);
	show(a, p);
	payload_free(&p);
}

/* Who does not keep up is told later of what has become of all that changed meanwhile: nothing of
 * it waits for him. */
static void show(struct audience *a, struct payload *p)
{
	LIST_EACH (&a->attendees, it, ahead) {
		struct attendee *who = container_of(it, struct attendee, node);

		if (!audience_is_shown_native(who))
			continue;
		if (who->missed || !a->sink->keeps_up(who->owner))
			miss(who);
		else
			a->sink->show(who->owner, p, false);
	}
}

/* Of those who came and went meanwhile there is nothing to tell. */
static void miss(struct attendee *who)
{
	struct audience *a = who->audience;

	if (!who->missed) {
		who->missed = mem_new(sizeof *who->missed);
		changes_init(who->missed);
	}
	changes_merge(who->missed, &a->news->changes);
	metrics_add(METRIC_presence_merged, 1);
	LIST_EACH (&who->missed->all, it, ahead)
		if (!change_of(it)->was_here &&
		    !roster_find_user(audience_copy(a), change_user(change_of(it))))
			changes_drop(who->missed, change_of(it));
}

static void tell_missed(struct audience *a)
{
	LIST_EACH (&a->attendees, it, ahead) {
		struct attendee *who = container_of(it, struct attendee, node);

		if (!who->missed || !audience_is_shown_native(who) ||
		    !a->sink->keeps_up(who->owner))
			continue;
		struct payload *p = a->news->unlisted ? audience_count_payload(a)
						      : changes_payload(a, who->missed);

		audience_drop_missed(who);
		if (p)
			a->sink->show(who->owner, p, false);
		payload_free(&p);
	}
}

/* NULL: there is nothing to tell. */
static struct payload *changes_payload(struct audience *a, const struct changes *changes)
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
	struct payload *p = payload_take(&text);
	if (len == 0)
		payload_free(&p);
	return p;
}

static void put_change(struct audience *a, const struct change *c, struct buf lists[LISTS])
{
	const struct roster_user *u = roster_find_user(audience_copy(a), change_user(c));

	if (u)
		frame_add_roster_user(&lists[c->was_here ? CHANGED : JOINED], u);
	else if (c->was_here)
		frame_add_gone(&lists[LEFT], &(struct told_gone){change_user(c)});
}
