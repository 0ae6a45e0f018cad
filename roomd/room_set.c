/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/room_set.h"

#include "common/map.h"
#include "common/mem.h"

#define BEHIND_NS                                                                                  \
	(100 * NS_PER_MS) /* until the log is asked again: it failed, or nobody could take more */

struct room_set {
	struct room_env env;
	int64_t behind_at_ns;
	struct map by_key;
	struct list slots[SLOTS]; /* of room_links.of_slot */
};

static void read_on(struct room_set *, int64_t now_ns);
static void on_page(void *owner, enum err, const struct store_page *);
static void on_replay_page(void *owner, enum err, const struct store_page *);
static void forget(struct room_set *, struct room *);

struct room_set *room_set_new(const struct room_set_setup *setup)
{
	struct room_set *s = mem_new(sizeof(*s));

	s->env = (struct room_env){
		.feeds = setup->feeds,
		.timers = setup->timers,
		.state_interval_ns = setup->state_interval_ns,
		.welcome_wait_ns = setup->welcome_wait_ns,
		.journal = setup->journal,
		.store = setup->store,
		.on_page = on_page,
		.on_replay_page = on_replay_page,
		.resume_ns = setup->resume_ns,
		.hibernate_ns = setup->hibernate_ns,
		.owner = s,
	};
	history_pool_init(&s->env.history, setup->history_bytes);
	list_init(&s->env.behind);
	list_init(&s->env.uncovered);
	list_init(&s->env.unsolicited);
	list_init(&s->env.touched);
	map_init(&s->by_key);
	for (unsigned slot = 0; slot < SLOTS; slot++)
		list_init(&s->slots[slot]);
	return s;
}

void room_set_free(struct room_set **ps)
{
	struct room_set *s = *ps;

	if (!s)
		return;
	*ps = NULL;
	for (unsigned slot = 0; slot < SLOTS; slot++)
		(void)room_set_drop_slot(s, slot);
	map_fini(&s->by_key);
	mem_free(s);
}

struct room *room_set_find(const struct room_set *s, struct span key)
{
	return map_find(&s->by_key, key);
}

struct room *room_set_get(struct room_set *s, struct span key, uint64_t epoch, int64_t now_ns)
{
	struct room *r = room_set_find(s, key);

	if (r)
		return r;
	r = room_new(&s->env, key, epoch, now_ns);
	map_add(&s->by_key, room_key(r), r);
	list_add_last(&s->slots[slot_of(key)], &room_links(r)->of_slot);
	return r;
}

size_t room_set_drop_slot(struct room_set *s, unsigned slot)
{
	size_t before = s->by_key.len;

	LIST_EACH (&s->slots[slot], it, ahead) {
		forget(s, room_of_slot(it));
	}
	return before - s->by_key.len;
}

void room_set_disown_slot(struct room_set *s, unsigned slot, uint64_t epoch)
{
	LIST_EACH (&s->slots[slot], it, ahead) {
		room_say_not_owner(room_of_slot(it), epoch);
	}
	(void)room_set_drop_slot(s, slot);
}

void room_set_renew_slot(struct room_set *s, unsigned slot, uint64_t epoch)
{
	LIST_EACH (&s->slots[slot], it, ahead) {
		room_set_epoch(room_of_slot(it), epoch);
	}
}

void room_set_on_feed_open(struct room_set *s, struct feed *f)
{
	LIST_EACH (&f->attachments, it, ahead) {
		room_on_feed_open(container_of(it, struct attachment, of_feed));
	}
	LIST_EACH (&s->env.uncovered, waits, next) { /* ask this one too */
		struct list *node = &room_links(room_of_uncovered(waits))->of_unsolicited;

		list_remove(node);
		list_add_last(&s->env.unsolicited, node);
	}
}

void room_set_on_feed_doubt(struct room_set *s, struct feed *f, bool last, int64_t now_ns)
{
	(void)s;
	LIST_EACH (&f->attachments, it, ahead) {
		room_on_feed_doubt(container_of(it, struct attachment, of_feed), last, now_ns);
	}
}

void room_set_on_feed_gone(struct room_set *s, struct feed *f, int64_t now_ns)
{
	LIST_EACH (&f->attachments, it, ahead) {
		room_on_feed_gone(container_of(it, struct attachment, of_feed), now_ns);
	}
	LIST_EACH (&s->env.uncovered, waits, next) { /* rooms it never spoke of */
		room_cover(room_of_uncovered(waits), now_ns);
	}
}

void room_set_at(struct room_set *s, int64_t wall_offset_ms, int64_t now_ns)
{
	s->env.now_ns = now_ns;
	s->env.wall_offset_ms = wall_offset_ms;
}

void room_set_end_turn(struct room_set *s, int64_t now_ns)
{
	read_on(s, now_ns);
	LIST_EACH (&s->env.touched, it, ahead) {
		struct room *r = room_of_touched(it);

		list_remove(it);
		if (!room_is_idle(r))
			continue;
		s->env.hibernations += roster_entries(room_roster(r)) > 0;
		forget(s, r);
	}
	LIST_EACH (&s->env.unsolicited, waits, next) {
		room_solicit(room_of_unsolicited(waits));
	}
}

size_t room_set_rooms(const struct room_set *s)
{
	return s->by_key.len;
}

struct room *room_set_next(const struct room_set *s, size_t *at)
{
	return map_next(&s->by_key, at);
}

bool room_set_hibernates(const struct room_set *s)
{
	return s->env.hibernate_ns > 0;
}

size_t room_set_entries(const struct room_set *s)
{
	size_t entries = 0, at = 0;
	const struct room *r;

	while ((r = map_next(&s->by_key, &at)))
		entries += roster_entries(room_roster(r));
	return entries;
}

void room_set_count_page(struct room_set *s, bool from_memory)
{
	s->env.history.hits += from_memory;
	s->env.history.misses += !from_memory;
}

const struct history_pool *room_set_history(const struct room_set *s)
{
	return &s->env.history;
}

void room_set_hibernate_after(struct room_set *s, int64_t idle_ns, int64_t now_ns)
{
	bool is_sooner = idle_ns < s->env.hibernate_ns;
	struct room *r;
	size_t at = 0;

	s->env.hibernate_ns = idle_ns;
	while (is_sooner && (r = map_next(&s->by_key, &at)))
		room_look_soon(r, now_ns);
}

uint64_t room_set_hibernations(const struct room_set *s)
{
	return s->env.hibernations;
}

uint64_t room_set_casts_dropped(const struct room_set *s)
{
	return s->env.casts_dropped;
}

static void read_on(struct room_set *s, int64_t now_ns)
{
	struct list now;

	if (now_ns < s->behind_at_ns)
		return;
	s->behind_at_ns = now_ns + BEHIND_NS;
	list_init(&now);
	LIST_EACH (&s->env.behind, it, ahead) {
		list_remove(it);
		list_add_last(&now, it);
	}
	LIST_EACH (&now, it, ahead) {
		list_remove(it);
		room_events_read(room_of_behind(it));
	}
}

static void on_page(void *owner, enum err e, const struct store_page *page)
{
	struct room *r = room_set_find(owner, page->room);

	if (r)
		room_on_page(r, e, page);
}

static void on_replay_page(void *owner, enum err e, const struct store_page *page)
{
	struct room *r = room_set_find(owner, page->room);

	if (r)
		room_on_replay_page(r, e, page);
}

static void forget(struct room_set *s, struct room *r)
{
	(void)map_remove(&s->by_key, room_key(r));
	room_free(&r);
}
