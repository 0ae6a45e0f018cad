/* SPDX-License-Identifier: Apache-2.0 */
/* Casts of a room leave at most once a tick. The first after a quiet time is shown at once; those
 * that follow within the tick are gathered and leave together at its end, in one write for each
 * connection. Everything else is shown at once, after what was gathered before it. */
#include "gateway/audience_inside.h"
#include "gateway/metrics.h"

#define TICK_NS (20 * NS_PER_MS)
/* In a large room ten times what its sends would take one gateway, or more where several share
 * them: one room's casts are not to keep a gateway busy, and what comes within a tick costs one
 * send together. By all who are in the room, so that a delivery costs the same with any number of
 * gateways. No longer than people would notice. */
#define TICK_USER_NS (NS_PER_MS / 10)
#define TICK_MAX_NS (250 * NS_PER_MS)

enum { V0, NATIVE, DIALECTS };

static int64_t tick_ns(const struct audience *);
static void show_now(struct audience *, const struct msg_cast_out *);
static bool is_for_native(const struct msg_cast_out *);
static void gather(struct audience *, const struct msg_cast_out *);
static void fill(struct bundle *, const struct gather *, bool native, uint64_t session);
static void show_others(struct attendee *, const struct gather *);
static void show_bundle(struct attendee *, struct bundle *);

void audience_cast(struct audience *a, const struct msg_cast_out *m, int64_t now_ns)
{
	bool is_plain = m->session && !m->to.len;

	if (is_plain && (a->gather || now_ns < a->tick_ns)) {
		gather(a, m);
		return;
	}
	audience_flush(a);
	show_now(a, m);
	if (is_plain)
		a->tick_ns = now_ns + tick_ns(a);
}

void audience_end_tick(struct audience *a, int64_t now_ns)
{
	if (!a->gather || now_ns < a->tick_ns)
		return;
	audience_flush(a);
	a->tick_ns = now_ns + tick_ns(a);
}

void audience_flush(struct audience *a)
{
	struct gather *g = a->gather;
	struct bundle all[DIALECTS];

	if (!g)
		return;
	a->gather = NULL;
	for (unsigned i = 0; i < DIALECTS; i++)
		fill(&all[i], g, i == NATIVE, 0);
	LIST_EACH (&a->attendees, it, ahead) {
		struct attendee *who = container_of(it, struct attendee, node);

		if (!audience_hears(who))
			continue;
		if (gather_is_from(g, who->id.v))
			show_others(who, g);
		else
			show_bundle(who, &all[who->native ? NATIVE : V0]);
	}
	for (unsigned i = 0; i < DIALECTS; i++)
		bundle_fini(&all[i]);
	gather_free(&g);
}

void audience_want_telling(struct audience *a)
{
	if (list_is_empty(&a->of_telling))
		list_add_last(&a->shared->telling, &a->of_telling);
}

static int64_t tick_ns(const struct audience *a)
{
	int64_t long_ns = (int64_t)audience_users(a) * TICK_USER_NS;

	if (long_ns < TICK_NS)
		return TICK_NS;
	return long_ns < TICK_MAX_NS ? long_ns : TICK_MAX_NS;
}

static void show_now(struct audience *a, const struct msg_cast_out *m)
{
	if (is_for_native(m))
		audience_cast_native(a, m);
	if (m->shape == BODY_V0)
		audience_show_cast(a, m);
}

/* What is kept, they are told of as a change of its sender. */
static bool is_for_native(const struct msg_cast_out *m)
{
	return !(m->keep && m->key.len);
}

static void gather(struct audience *a, const struct msg_cast_out *m)
{
	bool has_v0 = !audience_is_all_native(a);
	struct gathered what = {
		.session = m->session,
		.key = audience_cast_key(a, m),
		.v0 = has_v0 && m->shape == BODY_V0 ? audience_v0_cast(a, m) : NULL,
		.native = a->natives && is_for_native(m) ? audience_native_cast(a, m) : NULL,
	};

	if (!what.v0 && !what.native)
		return;
	if (!a->gather)
		a->gather = gather_new();
	if (gather_add(a->gather, &what))
		metrics_add(METRIC_casts_replaced, 1);
	audience_want_telling(a);
}

/* With what each in this dialect is shown, but for what `session` said itself. */
static void fill(struct bundle *b, const struct gather *g, bool native, uint64_t session)
{
	bundle_init(b);
	LIST_EACH (&g->casts, it, ahead) {
		const struct gathered *one = gathered_of(it);
		struct payload *p = native ? one->native : one->v0;

		if (p && one->session != session)
			bundle_add(b, p);
	}
}

static void show_others(struct attendee *who, const struct gather *g)
{
	struct bundle others;

	fill(&others, g, who->native, who->id.v);
	show_bundle(who, &others);
	bundle_fini(&others);
}

static void show_bundle(struct attendee *who, struct bundle *b)
{
	const struct audience_sink *sink = who->audience->sink;

	if (b->count == 1)
		sink->show(who->owner, b->each[0], true);
	else if (b->count > 1)
		sink->show_bundle(who->owner, b);
}
