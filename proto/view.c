/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/view.h"

#include "common/mem.h"

static const char *const state_names[] = {
	[MEMBER_JOINING] = "joining",
	[MEMBER_ACTIVE] = "active",
	[MEMBER_DRAINING] = "draining",
	[MEMBER_DEAD] = "dead",
};

static struct view_member *find_unseen(const struct view *);

void view_init(struct view *v)
{
	*v = (struct view){.version = 0};
	map_init(&v->members);
}

void view_fini(struct view *v)
{
	size_t at = 0;
	struct view_member *m;

	while ((m = map_next(&v->members, &at)))
		mem_free(m);
	map_fini(&v->members);
}

bool view_set_slot(struct view *v, unsigned slot, incarnation_id owner, uint64_t epoch)
{
	must(slot < SLOTS);
	struct view_slot *s = &v->slots[slot];

	if (epoch <= s->epoch)
		return false;
	*s = (struct view_slot){.owner = owner, .epoch = epoch};
	return true;
}

void view_set_version(struct view *v, uint64_t version)
{
	if (version > v->version)
		v->version = version;
}

void view_members_begin(struct view *v)
{
	size_t at = 0;
	struct view_member *m;

	while ((m = map_next(&v->members, &at)))
		m->seen = false;
}

void view_put_member(struct view *v, const struct view_member *member)
{
	struct view_member *m = view_member(v, member->id);
	bool was_dead = m && m->state == MEMBER_DEAD && m->kind == MEMBER_SHARD;

	if (!m) {
		m = mem_new(sizeof(*m));
		map_add_u64(&v->members, member->id.v, m);
	}
	*m = *member;
	m->seen = true;
	if (was_dead)
		m->state = MEMBER_DEAD;
}

void view_members_end(struct view *v)
{
	struct view_member *m;

	while ((m = find_unseen(v))) {
		(void)map_remove_u64(&v->members, m->id.v);
		mem_free(m);
	}
}

struct view_member *view_member(const struct view *v, incarnation_id id)
{
	return map_find_u64(&v->members, id.v);
}

const char *member_state_name(enum member_state state)
{
	return state_names[state];
}

enum member_state member_state_of(struct span name)
{
	for (unsigned i = 0; i < ARRAY_LEN(state_names); i++)
		if (span_is(name, state_names[i]))
			return (enum member_state)i;
	return MEMBER_DEAD;
}

/* From the start each time, because removing during a walk is not allowed; members are few. */
static struct view_member *find_unseen(const struct view *v)
{
	size_t at = 0;
	struct view_member *m;

	while ((m = map_next(&v->members, &at)))
		if (!m->seen)
			return m;
	return NULL;
}
