/* SPDX-License-Identifier: Apache-2.0 */
/* What the native clients of a room are shown as it comes: events and casts. Rendered once for all
 * who get it. Who is there: audience_news.c. */
#include <inttypes.h>
#include <stdio.h>

#include "common/mem.h"
#include "gateway/audience_inside.h"
#include "gateway/metrics.h"
#include "gateway/telling.h"

#define RENDER_MAX (32u << 20) /* bytes of the longest list that we show */

static struct payload *event_payload(const struct audience *, const struct msg_event *, uint64_t n);
static bool is_author(const struct attendee *, const struct msg_event *);

void audience_cast_native(struct audience *a, const struct msg_cast_out *m)
{
	struct payload *p = NULL;

	if (a->natives == 0)
		return;
	LIST_EACH (&a->attendees, it, ahead) {
		struct attendee *who = container_of(it, struct attendee, node);

		if (!audience_is_shown_native(who) || who->id.v == m->session ||
		    !audience_is_for(who, m->to))
			continue;
		if (!p)
			p = audience_native_cast(a, m);
		a->sink->show(who->owner, p, true);
	}
	payload_free(&p);
}

struct payload *audience_native_cast(struct audience *a, const struct msg_cast_out *m)
{
	const struct roster_entry *e = roster_find(audience_busy_copy(a), (session_id){m->session});
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
	struct payload *p = payload_take(&text);

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

		if (!audience_is_shown_native(who))
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

bool audience_is_shown_native(const struct attendee *who)
{
	return audience_hears(who) && who->native;
}

bool audience_is_for(const struct attendee *who, struct span to)
{
	char id[ATTENDEE_ID_LEN + 1];

	if (to.len == 0)
		return true;
	snprintf(id, sizeof id, "%016" PRIx64, who->id.v);
	return span_is(to, id) || span_eq(to, user_id(who->user));
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
	return payload_take(&text);
}

static bool is_author(const struct attendee *who, const struct msg_event *m)
{
	return who->id.v == producer_read(m->producer).v;
}
