/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/survey.h"

#include <inttypes.h>

#include "common/json.h"
#include "proto/slot.h"

struct row {
	const struct room *room;
	uint64_t weight;
};

static uint64_t weight_of(const struct room *r, enum survey_order order, int64_t now_ns);
static size_t add(struct row *rows, size_t count, size_t limit, struct row row);
static void put_row(struct buf *out, const struct room *r, int64_t now_ns);

bool survey_order_of(struct span name, enum survey_order *out)
{
	static const char *const names[] = {"rate", "connections", "seq"};

	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		if (span_is(name, names[i])) {
			*out = (enum survey_order)i;
			return true;
		}
	return false;
}

void survey_put(const struct room_set *rooms, enum survey_order order, size_t limit, int64_t now_ns,
		struct buf *out)
{
	struct row rows[SURVEY_MAX];
	size_t count = 0, at = 0;
	const struct room *r;

	must(limit <= SURVEY_MAX);
	while ((r = room_set_next(rooms, &at)))
		count = add(rows, count, limit, (struct row){r, weight_of(r, order, now_ns)});
	buf_put_u8(out, '[');
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_put_u8(out, ',');
		put_row(out, rows[i].room, now_ns);
	}
	buf_put_u8(out, ']');
}

static uint64_t weight_of(const struct room *r, enum survey_order order, int64_t now_ns)
{
	if (order == SURVEY_BY_RATE)
		return room_heat(r, now_ns);
	return order == SURVEY_BY_SEQ ? room_head(r) : roster_entries(room_roster(r));
}

/* Into its place, if it has one. How many there are then. */
static size_t add(struct row *rows, size_t count, size_t limit, struct row row)
{
	size_t at = count < limit ? count++ : limit;

	while (at > 0 && rows[at - 1].weight < row.weight) {
		if (at < limit)
			rows[at] = rows[at - 1];
		at--;
	}
	if (at < limit)
		rows[at] = row;
	return count;
}

static void put_row(struct buf *out, const struct room *r, int64_t now_ns)
{
	const struct roster *roster = room_roster(r);

	buf_put_str(out, "{\"room\":");
	json_put_string(out, room_key(r));
	buf_printf(out,
		   ",\"slot\":%u,\"users\":%zu,\"connections\":%zu,\"acts_10s\":%" PRIu64
		   ",\"seq\":%" PRIu64 ",\"covered\":%s}",
		   slot_of(room_key(r)), roster_users(roster), roster_entries(roster),
		   room_heat(r, now_ns), room_head(r), room_is_covered(r) ? "true" : "false");
}
