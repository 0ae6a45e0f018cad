/* SPDX-License-Identifier: Apache-2.0 */
#include "common/mem.h"
#include "gateway/native.h"

static bool is_out_of_reach(const struct session *);

struct session_set *session_set_new(const struct session_setup *setup)
{
	struct session_set *set = mem_new(sizeof *set);

	set->setup = *setup;
	list_init(&set->all);
	map_init(&set->by_id);
	list_init(&set->busy);
	quota_init(&set->quota, setup->opt);
	buf_init(&set->frame, FRAME_SCRATCH_BYTES);
	buf_init(&set->scratch, CLIENT_MESSAGE_CEILING + KEPT_BODY_MAX);
	return set;
}

void session_set_free(struct session_set **pset)
{
	struct session_set *set = *pset;

	if (!set)
		return;
	*pset = NULL;
	LIST_EACH (&set->all, it, ahead) {
		struct session *s = container_of(it, struct session, node);

		timers_disarm(set->setup.timers, &s->timer);
		access_forget(set->setup.access, s);
		LIST_EACH (&s->visits, at, after) {
			struct visit *v = visit_of(at);

			visit_drop(&v);
		}
		s->dialect->on_shut(s);
		session_free(s);
	}
	buf_fini(&set->scratch);
	buf_fini(&set->frame);
	map_fini(&set->by_id);
	quota_fini(&set->quota);
	mem_free(set);
}

struct quota *session_set_quota(struct session_set *set)
{
	return &set->quota;
}

size_t session_set_count(const struct session_set *set)
{
	return set->count;
}

size_t session_set_connected(const struct session_set *set)
{
	return set->connected;
}

void session_set_recheck(struct session_set *set)
{
	LIST_EACH (&set->all, it, ahead) {
		struct session *s = container_of(it, struct session, node);

		LIST_EACH (&s->visits, at, after)
			if (session_has_socket(s) &&
			    !access_remembers(set->setup.access, span_str(s->token),
					      visit_room(visit_of(at))))
				visit_renew_lease(visit_of(at));
	}
}

void session_set_drain(struct session_set *set, size_t count)
{
	LIST_EACH (&set->all, it, ahead) {
		struct session *s = container_of(it, struct session, node);

		if (!count)
			return;
		if (!session_is_served(s) || s->draining)
			continue;
		s->dialect->drain(s);
		count--;
	}
}

size_t session_set_retreat(struct session_set *set, size_t count)
{
	size_t sent_away = 0;

	LIST_EACH (&set->all, it, ahead) {
		struct session *s = container_of(it, struct session, node);

		if (sent_away == count)
			break;
		if (!session_is_served(s) || !is_out_of_reach(s))
			continue;
		session_close(s, ERR_RESTARTING);
		sent_away++;
	}
	return sent_away;
}

bool session_set_is_calm(const struct session_set *set)
{
	return list_is_empty(&set->busy);
}

void session_set_tick(struct session_set *set, int64_t now_ns)
{
	LIST_EACH (&set->busy, it, ahead)
		native_visit_tick(container_of(it, struct native_visit, of_busy), now_ns);
	quota_tick(&set->quota, now_ns);
}

void session_set_name(struct session *s, session_id id, uint64_t conn_gen)
{
	s->id = id;
	s->conn_gen = conn_gen;
	map_add_u64(&s->set->by_id, id.v, s);
}

struct session *session_set_find(const struct session_set *set, session_id id)
{
	return map_find_u64(&set->by_id, id.v);
}

void session_set_forget(struct session *s)
{
	if (session_set_find(s->set, s->id) == s)
		(void)map_remove_u64(&s->set->by_id, s->id.v);
}

static bool is_out_of_reach(const struct session *s)
{
	LIST_EACH (&s->visits, it, ahead) {
		const struct visit *v = visit_of(it);

		if (v->attendee && router_is_out_of_reach(s->set->setup.router, v->attendee))
			return true;
	}
	return false;
}
