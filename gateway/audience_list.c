/* SPDX-License-Identifier: Apache-2.0 */
/* Who is there, as a native client is told when it comes in: the whole list, in pages, the first of
 * them in `joined`. A room with more users than a setting is not listed: everybody is told how many
 * they are. */
#include "common/mem.h"
#include "gateway/audience_inside.h"
#include "proto/frame.h"

#define PAGE_USERS 200
#define PAGE_MAX (32u << 20) /* bytes */

struct listing {
	struct buf first;      /* members */
	struct payload **rest; /* presence messages */
	size_t count, cap;
};

static bool is_too_large(const struct audience *);
static void listing_init(struct listing *, struct audience *);
static void listing_fini(struct listing *);
static void end_page(struct listing *, const struct audience *, struct buf *page);
static void show_rest(const struct attendee *, const struct listing *);
static struct payload *presence(const struct audience *, struct span joined);

bool audience_turns(struct audience *a)
{
	if (is_too_large(a) == a->news->unlisted)
		return false;
	a->news->unlisted = !a->news->unlisted;
	return true;
}

void audience_tell_anew(struct audience *a)
{
	struct payload *first;
	struct listing l;

	listing_init(&l, a);
	first = presence(a, buf_span(&l.first));
	a->news->told_users = audience_users(a);
	LIST_EACH (&a->attendees, it, ahead) {
		struct attendee *who = container_of(it, struct attendee, node);

		if (!audience_is_shown_native(who))
			continue;
		audience_drop_missed(who);
		a->sink->show(who->owner, first, false);
		show_rest(who, &l);
	}
	payload_free(&first);
	listing_fini(&l);
}

void audience_tell_ready(struct audience *a)
{
	struct listing l;
	bool is_made = false;

	LIST_EACH (&a->attendees, it, ahead) {
		struct attendee *who = container_of(it, struct attendee, node);

		if (!who->ready || who->leaving)
			continue;
		if (!is_made)
			listing_init(&l, a);
		is_made = true;
		who->ready = false;
		who->listens = true;
		audience_drop_missed(who);
		a->sink->listed(who->owner, &(struct audience_list){
						    .members = buf_span(&l.first),
						    .users = audience_users(a),
						    .is_unlisted = a->news->unlisted,
					    });
		show_rest(who, &l);
	}
	if (is_made)
		listing_fini(&l);
}

struct payload *audience_count_payload(const struct audience *a)
{
	return presence(a, SPAN_NONE);
}

/* Once it is not listed, a quarter has to go before it is again: one user who comes and goes does
 * not turn it over each time. */
static bool is_too_large(const struct audience *a)
{
	size_t most = a->sink->list_users;

	return audience_users(a) > (a->news->unlisted ? most / 4 * 3 : most);
}

static void listing_init(struct listing *l, struct audience *a)
{
	const struct roster *copy = audience_copy(a);
	size_t users = 0;
	struct buf page;

	*l = (struct listing){.count = 0};
	buf_init(&l->first, PAGE_MAX);
	buf_init(&page, PAGE_MAX);
	LIST_EACH (&copy->entries, it, ahead) {
		const struct roster_entry *e = container_of(it, struct roster_entry, of_roster);

		if (a->news->unlisted || !roster_leads(e))
			continue;
		frame_add_roster_user(users < PAGE_USERS ? &l->first : &page, e->user);
		if (++users % PAGE_USERS == 0)
			end_page(l, a, &page);
	}
	end_page(l, a, &page);
	buf_fini(&page);
}

static void listing_fini(struct listing *l)
{
	for (size_t i = 0; i < l->count; i++)
		payload_free(&l->rest[i]);
	mem_free(l->rest);
	buf_fini(&l->first);
}

static void end_page(struct listing *l, const struct audience *a, struct buf *page)
{
	if (page->len == 0)
		return;
	if (l->count == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 8;
		l->rest = mem_grow(l->rest, l->cap * sizeof(void *));
	}
	l->rest[l->count++] = presence(a, buf_span(page));
	buf_clear(page);
}

static void show_rest(const struct attendee *who, const struct listing *l)
{
	for (size_t i = 0; i < l->count; i++)
		who->audience->sink->show(who->owner, l->rest[i], false);
}

static struct payload *presence(const struct audience *a, struct span joined)
{
	struct buf text;

	buf_init(&text, PAGE_MAX);
	frame_put_presence(&text, &(struct told_presence){
					  .room = span_str(a->key),
					  .joined = joined,
					  .count = a->news->unlisted ? audience_users(a) : 0,
				  });
	return payload_take(&text);
}
