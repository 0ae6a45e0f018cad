/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/native_presence.h"

#include <inttypes.h>
#include <string.h>

#include "common/mem.h"
#include "proto/message.h"
#include "proto/record.h"
#include "tests/sim/native_client.h"
#include "tests/sim/world.h"

#define CALM_NS (15 * NS_PER_S)

static void read_message(struct words *, unsigned gateway, const struct message *);
static void note(int64_t *first_ns, uint64_t at_ms);
static struct word_room *room_of(struct words *, unsigned gateway, struct span room);
static void read_roster(struct words *, struct word_room *, const struct msg_roster *);
static unsigned user_of(struct span id);
static const struct word *word_of(const struct native_place *, unsigned user);
static void take_list(struct native_place *, const struct told_list *);
static void see_joined(struct native_place *, const struct told_person *);
static void see_left(struct native_place *, const struct told_person *);
static void see_changed(struct native_place *, const struct told_person *);
static struct told_person *find(struct told_list *, unsigned user);
static void add(struct told_list *, const struct told_person *);
static bool is_calm(const struct native_place *);
static void check_user(const struct native_place *, unsigned user);
static bool shows(const struct told_person *, uint64_t session, uint64_t state);
static struct native_client *native_of(const struct world *, const struct connection *);

void words_init(struct words *all)
{
	memset(all, 0, sizeof *all);
	map_init(&all->users);
}

void words_fini(struct words *all)
{
	map_fini(&all->users);
}

void words_add_session(struct words *all, uint64_t session, unsigned user)
{
	if (!map_find_u64(&all->users, session))
		map_add_u64(&all->users, session, (void *)(uintptr_t)(user + 1));
}

void words_on_read(struct words *all, const struct node *gateway, struct span bytes)
{
	struct record head;
	struct message m;

	if (record_read(&bytes, &head) != OK)
		return;
	while (bytes.len > 0 && message_next(&bytes, &m) == OK)
		read_message(all, gateway->index, &m);
}

void native_presence_on_sent(struct native_place *p, const struct told *t)
{
	struct world *w = p->line->client->world;
	struct word_room *r = &w->words.rooms[p->line->gateway->index][p->room];

	if (p->state != PLACE_JOINING && p->state != PLACE_IN)
		return;
	if (r->told_ns != w->sim.now_ns) {
		r->told_ns = w->sim.now_ns;
		memcpy(r->told, r->heard, sizeof r->told);
		memset(r->heard, 0, sizeof r->heard);
	}
	if (t->type == TOLD_JOINED)
		take_list(p, &t->members);
	if (t->type == TOLD_JOINED || !p->list)
		return;
	for (unsigned i = 0; i < t->joined.count; i++)
		see_joined(p, &t->joined.users[i]);
	for (unsigned i = 0; i < t->left.count; i++)
		see_left(p, &t->left.users[i]);
	for (unsigned i = 0; i < t->changed.count; i++)
		see_changed(p, &t->changed.users[i]);
}

void native_presence_check(const struct native_place *p)
{
	for (unsigned user = 0; user < WORDS_USERS; user++)
		check_user(p, user);
}

static void read_message(struct words *all, unsigned gateway, const struct message *m)
{
	struct word_room *r;
	uintptr_t user;

	if (m->type == MESSAGE_ROSTER) {
		r = room_of(all, gateway, m->roster.room);
		read_roster(all, r, &m->roster);
	} else if (m->type == MESSAGE_MEMBER_LEFT) {
		r = room_of(all, gateway, m->member_left.room);
		user = (uintptr_t)map_find_u64(&all->users, m->member_left.session);
		if (user)
			note(&r->heard[user - 1].removed_ns, m->member_left.at_ms);
	} else if (m->type == MESSAGE_MEMBER_JOINED) {
		struct span members = m->member_joined.members;
		struct item_member item;

		r = room_of(all, gateway, m->member_joined.room);
		if (item_next_member(&members, &item))
			note(&r->heard[user_of(item.user)].added_ns, m->member_joined.at_ms);
	}
}

/* The first counts: it is the earliest that could have decided what is told. */
static void note(int64_t *first_ns, uint64_t at_ms)
{
	if (!*first_ns)
		*first_ns = (int64_t)at_ms * NS_PER_MS;
}

static struct word_room *room_of(struct words *all, unsigned gateway, struct span room)
{
	return &all->rooms[gateway][room.p[room.len - 1] - '0'];
}

static void read_roster(struct words *all, struct word_room *r, const struct msg_roster *m)
{
	struct span members = m->members;
	struct item_member item;
	uint32_t listed = 0;

	(void)all;
	while (item_next_member(&members, &item)) {
		listed |= UINT32_C(1) << user_of(item.user);
		note(&r->heard[user_of(item.user)].added_ns, m->at_ms);
	}
	for (unsigned user = 0; m->covered && user < WORDS_USERS; user++)
		if (!(listed >> user & 1))
			note(&r->heard[user].removed_ns, m->at_ms);
}

static unsigned user_of(struct span id)
{
	unsigned user = 0;

	for (size_t i = 1; i < id.len; i++)
		user = 10 * user + id.p[i] - '0';
	must(user < WORDS_USERS);
	return user;
}

static const struct word *word_of(const struct native_place *p, unsigned user)
{
	return &p->line->client->world->words.rooms[p->line->gateway->index][p->room].told[user];
}

/* Complete: whoever was there before it asked to come in, unless something was wrong lately. Who
 * has lost his connection may be known only to those who were there before. */
static void take_list(struct native_place *p, const struct told_list *list)
{
	struct world *w = p->line->client->world;

	if (!p->list)
		p->list = mem_new(sizeof *p->list);
	*p->list = *list;
	if (!find(p->list, p->line->client->user))
		sim_violate(&w->sim, "self-listed", "native %u misses itself in r%u",
			    p->line->client->index, p->room);
	for (unsigned user = 0; user < WORDS_USERS && is_calm(p); user++)
		if (!find(p->list, user) &&
		    invariant_was_live(&w->invariants, p->room, user, p->asked_ns))
			sim_violate(&w->sim, "listed", "native %u in r%u is not told of u%u",
				    p->line->client->index, p->room, user);
}

static void see_joined(struct native_place *p, const struct told_person *who)
{
	struct world *w = p->line->client->world;
	int64_t decided_ns = word_of(p, who->user)->added_ns;

	if (find(p->list, who->user))
		sim_violate(&w->sim, "joined-once", "native %u in r%u: u%u", p->line->client->index,
			    p->room, who->user);
	if (is_calm(p) && decided_ns &&
	    invariant_was_live(&w->invariants, p->room, who->user,
			       decided_ns < p->asked_ns ? decided_ns : p->asked_ns))
		sim_violate(&w->sim, "joined-while-here", "native %u in r%u: u%u",
			    p->line->client->index, p->room, who->user);
	add(p->list, who);
}

static void see_left(struct native_place *p, const struct told_person *who)
{
	struct world *w = p->line->client->world;
	struct told_person *known = find(p->list, who->user);
	int64_t decided_ns = word_of(p, who->user)->removed_ns;

	if (!known) {
		sim_violate(&w->sim, "left-once", "native %u in r%u: u%u", p->line->client->index,
			    p->room, who->user);
		return;
	}
	if (decided_ns && invariant_was_here(&w->invariants, p->room, who->user, decided_ns))
		sim_violate(&w->sim, "left-while-here", "native %u in r%u was told that u%u went",
			    p->line->client->index, p->room, who->user);
	*known = p->list->users[--p->list->count];
}

static void see_changed(struct native_place *p, const struct told_person *who)
{
	struct told_person *known = find(p->list, who->user);

	if (known)
		*known = *who;
	else
		sim_violate(&p->line->client->world->sim, "changed-is-known",
			    "native %u in r%u: u%u", p->line->client->index, p->room, who->user);
}

static struct told_person *find(struct told_list *list, unsigned user)
{
	for (unsigned i = 0; i < list->count; i++)
		if (list->users[i].user == user)
			return &list->users[i];
	return NULL;
}

static void add(struct told_list *list, const struct told_person *who)
{
	must(list->count < TOLD_USERS_MAX);
	list->users[list->count++] = *who;
}

static bool is_calm(const struct native_place *p)
{
	const struct world *w = p->line->client->world;

	return faults_is_calm_since(&w->faults, w->sim.now_ns - CALM_NS);
}

/* Told exactly of those connections that are there, each with what it last set. */
static void check_user(const struct native_place *p, unsigned user)
{
	struct world *w = p->line->client->world;
	const struct told_person *told = p->list ? find(p->list, user) : NULL;
	unsigned count = 0;

	for (unsigned i = 1; i <= w->connection_count; i++) {
		const struct connection *c = w->connections[i];

		if (c->room != p->room || c->user != user || c->state != CONNECTION_OPEN)
			continue;
		const struct native_client *other = c->native ? native_of(w, c) : NULL;
		uint64_t state = other ? other->rooms[p->room].state : 0;
		count++;
		if (!told || !shows(told, c->session, state))
			sim_violate(&w->sim, "roster-true",
				    "native %u in r%u is not told of u%u's %016" PRIx64
				    " in state %" PRIu64,
				    p->line->client->index, p->room, user, c->session, state);
	}
	if (told && told->count != count)
		sim_violate(&w->sim, "roster-true",
			    "native %u in r%u is told of %u connections of u%u, not %u",
			    p->line->client->index, p->room, told->count, user, count);
}

static bool shows(const struct told_person *who, uint64_t session, uint64_t state)
{
	for (unsigned i = 0; i < who->count; i++)
		if (who->connections[i].session == session)
			return who->connections[i].state == state;
	return false;
}

static struct native_client *native_of(const struct world *w, const struct connection *c)
{
	for (unsigned i = 0; i < w->plan.natives; i++)
		if (w->natives[i].session == c->session)
			return (struct native_client *)&w->natives[i];
	return NULL;
}
