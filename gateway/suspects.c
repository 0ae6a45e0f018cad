/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/suspects.h"

#include "common/log.h"
#include "common/mem.h"

#define REPEAT_NS (500 * NS_PER_MS) /* a vote lives four times as long */
#define AILING_NS (3 * NS_PER_S)    /* longer than two shards differ in noticing the same outage */
#define BACK_NS (1 * NS_PER_S)      /* a link is trusted again */

struct suspect {
	struct list node;
	incarnation_id shard;
	enum suspect_reason reason; /* NONE: it is back */
	int64_t since_ns, told_ns, back_ns;
	bool cut; /* the others go on with it */
	bool seen;
};

struct suspects {
	struct suspects_setup setup;
	struct list all;
	size_t count;
};

static void judge_all(struct suspects *, const struct suspects_look *, int64_t now_ns);
static enum suspect_reason judge(const struct suspects *, const struct suspects_look *,
				 const struct link *, int64_t now_ns);
static bool is_ailing(const struct suspects_look *, const struct link *, int64_t now_ns);
static void note(struct suspects *, const struct link *, enum suspect_reason, int64_t now_ns);
static void forget(struct suspects *, const struct suspects_look *, int64_t now_ns);
static void tell(struct suspect *, const struct suspects_look *, int64_t now_ns);
static bool is_cut(const struct suspects *, const struct suspect *, const struct suspects_look *,
		   int64_t now_ns);
static bool owns_slots(const struct view *, incarnation_id);
static bool others_serve(const struct suspects *, const struct view *);
static bool any_is_up(const struct map *links);
static struct suspect *find(const struct suspects *, incarnation_id);

struct suspects *suspects_new(const struct suspects_setup *setup)
{
	struct suspects *s = mem_new(sizeof *s);

	s->setup = *setup;
	list_init(&s->all);
	return s;
}

void suspects_free(struct suspects **ps)
{
	struct suspects *s = *ps;

	if (!s)
		return;
	*ps = NULL;
	LIST_EACH (&s->all, it, ahead)
		mem_free(container_of(it, struct suspect, node));
	mem_free(s);
}

void suspects_tick(struct suspects *s, const struct suspects_look *look, int64_t now_ns)
{
	judge_all(s, look, now_ns);
	forget(s, look, now_ns);
	LIST_EACH (&s->all, it, ahead) {
		struct suspect *one = container_of(it, struct suspect, node);
		bool cut = is_cut(s, one, look, now_ns);

		if (one->reason && (!one->told_ns || now_ns - one->told_ns >= REPEAT_NS))
			tell(one, look, now_ns);
		if (cut && !one->cut)
			log_error("cut_off", kv_hex("shard", one->shard.v),
				  kv_str("why", "the others reach this shard, this gateway does "
						"not: its clients go elsewhere"));
		one->cut = cut;
	}
}

size_t suspects_count(const struct suspects *s)
{
	return s->count;
}

bool suspects_cut_off(const struct suspects *s)
{
	LIST_EACH (&s->all, it, ahead)
		if (container_of(it, struct suspect, node)->cut)
			return true;
	return false;
}

bool suspects_cut_off_from(const struct suspects *s, incarnation_id shard)
{
	const struct suspect *one = find(s, shard);

	return one && one->cut;
}

static void judge_all(struct suspects *s, const struct suspects_look *look, int64_t now_ns)
{
	const struct link *link;
	size_t at = 0;

	LIST_EACH (&s->all, it, ahead)
		container_of(it, struct suspect, node)->seen = false;
	while ((link = map_next(look->links, &at)))
		note(s, link, judge(s, look, link, now_ns), now_ns);
}

/* A joiner owns nothing, and is let in only when a gateway reaches it: it needs no vote. */
static enum suspect_reason judge(const struct suspects *s, const struct suspects_look *look,
				 const struct link *link, int64_t now_ns)
{
	const struct view_member *m = view_member(look->view, link_peer(link));
	struct link_health health = link_health(link, now_ns);

	if (!m || (m->state != MEMBER_ACTIVE && m->state != MEMBER_DRAINING))
		return SUSPECT_NONE;
	if (health.refused)
		return SUSPECT_REFUSED;
	if (health.silent_ns > s->setup.silence_ns)
		return SUSPECT_SILENT;
	return is_ailing(look, link, now_ns) ? SUSPECT_DATABASE : SUSPECT_NONE;
}

/* An outage for all is nobody's fault: another shard must have had its database all along. */
static bool is_ailing(const struct suspects_look *look, const struct link *link, int64_t now_ns)
{
	const struct link *other;
	size_t at = 0;

	if (link_health(link, now_ns).ailing_ns < AILING_NS)
		return false;
	while ((other = map_next(look->links, &at)))
		if (other != link && link_is_up(other) &&
		    link_health(other, now_ns).well_ns >= AILING_NS)
			return true;
	return false;
}

static void note(struct suspects *s, const struct link *link, enum suspect_reason reason,
		 int64_t now_ns)
{
	static const char *const names[] = {"", "silent", "refused", "database"};
	struct suspect *one = find(s, link_peer(link));

	if (!one && !reason)
		return;
	if (!one) {
		one = mem_new(sizeof *one);
		one->shard = link_peer(link);
		one->since_ns = now_ns;
		list_add_last(&s->all, &one->node);
		s->count++;
		log_warn("shard_missed", kv_hex("shard", one->shard.v),
			 kv_str("why", names[reason]));
	}
	one->seen = true;
	one->back_ns = reason ? 0 : one->back_ns ? one->back_ns : now_ns;
	one->reason = reason;
}

static void forget(struct suspects *s, const struct suspects_look *look, int64_t now_ns)
{
	LIST_EACH (&s->all, it, ahead) {
		struct suspect *one = container_of(it, struct suspect, node);
		const struct view_member *m = view_member(look->view, one->shard);
		bool back = !one->reason && (!one->cut || now_ns - one->back_ns >= BACK_NS);

		if (one->seen && m && m->state != MEMBER_DEAD && !back)
			continue;
		log_info("shard_missed_no_more", kv_hex("shard", one->shard.v),
			 kv_str("why", back ? "back" : "dead"));
		list_remove(&one->node);
		mem_free(one);
		s->count--;
	}
}

static void tell(struct suspect *one, const struct suspects_look *look, int64_t now_ns)
{
	struct link *link;
	size_t at = 0;

	while ((link = map_next(look->links, &at)))
		if (link_is_up(link) && link_peer(link).v != one->shard.v)
			message_put_suspect(link_out(link), &(struct msg_suspect){
								    .shard = one->shard.v,
								    .reason = one->reason,
							    });
	one->told_ns = now_ns;
}

/* Where every shard refuses, they are all dead: there is nobody to go to. */
static bool is_cut(const struct suspects *s, const struct suspect *one,
		   const struct suspects_look *look, int64_t now_ns)
{
	if (!others_serve(s, look->view) || !owns_slots(look->view, one->shard))
		return false;
	if (one->cut)
		return true;
	if (!look->fresh || now_ns - one->since_ns < s->setup.isolated_ns)
		return false;
	return one->reason == SUSPECT_SILENT ||
	       (one->reason == SUSPECT_REFUSED && any_is_up(look->links));
}

static bool owns_slots(const struct view *v, incarnation_id shard)
{
	for (unsigned slot = 0; slot < SLOTS; slot++)
		if (v->slots[slot].owner.v == shard.v)
			return true;
	return false;
}

static bool others_serve(const struct suspects *s, const struct view *v)
{
	const struct view_member *m;
	size_t at = 0;

	while ((m = map_next(&v->members, &at)))
		if (m->kind == MEMBER_GATEWAY && m->state == MEMBER_ACTIVE &&
		    m->id.v != s->setup.self.v)
			return true;
	return false;
}

static bool any_is_up(const struct map *links)
{
	const struct link *link;
	size_t at = 0;

	while ((link = map_next(links, &at)))
		if (link_is_up(link))
			return true;
	return false;
}

static struct suspect *find(const struct suspects *s, incarnation_id shard)
{
	LIST_EACH (&s->all, it, ahead) {
		struct suspect *one = container_of(it, struct suspect, node);

		if (one->shard.v == shard.v)
			return one;
	}
	return NULL;
}
