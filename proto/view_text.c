/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/view_text.h"

#include <inttypes.h>

#include "common/json.h"

static void put_member(struct buf *, const struct view *, const struct view_member *);

void view_put_json(const struct view *v, struct buf *out)
{
	const struct view_member *m;
	bool first = true;
	size_t at = 0;

	buf_printf(out, "{\"version\":%" PRIu64 ",\"unowned\":%zu,\"members\":[", v->version,
		   view_slots_of(v, (incarnation_id){0}));
	while ((m = map_next(&v->members, &at))) {
		if (!first)
			buf_put_u8(out, ',');
		first = false;
		put_member(out, v, m);
	}
	buf_put_str(out, "]}");
}

size_t view_slots_of(const struct view *v, incarnation_id owner)
{
	size_t count = 0;

	for (unsigned slot = 0; slot < SLOTS; slot++)
		count += v->slots[slot].owner.v == owner.v;
	return count;
}

size_t view_members_of(const struct view *v, enum member_kind kind)
{
	const struct view_member *m;
	size_t count = 0, at = 0;

	while ((m = map_next(&v->members, &at)))
		count += m->kind == kind && m->state != MEMBER_DEAD;
	return count;
}

static void put_member(struct buf *out, const struct view *v, const struct view_member *m)
{
	buf_printf(out,
		   "{\"kind\":\"%s\",\"name\":", m->kind == MEMBER_SHARD ? "shard" : "gateway");
	json_put_string(out, span_str(m->name));
	buf_printf(out,
		   ",\"incarnation\":\"%016" PRIx64 "\",\"state\":\"%s\",\"endpoint\":", m->id.v,
		   member_state_name(m->state));
	json_put_string(out, span_str(m->endpoint));
	buf_printf(out, ",\"slots\":%zu}", view_slots_of(v, m->id));
}
