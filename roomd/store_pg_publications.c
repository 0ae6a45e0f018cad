/* SPDX-License-Identifier: Apache-2.0 */
/* What applications published in SQL; schema/0010_publications.sql has the statements. */
#include "common/mem.h"
#include "proto/bridge.h"
#include "proto/limits.h"
#include "roomd/store_pg_inside.h"

static void on_publications(void *owner, enum err, const struct pg_rows *, const char *why);
static void read_row(const struct pg_rows *, size_t row, struct store_publication *);
static void on_placed(void *owner, enum err, const struct pg_rows *, const char *why);

void store_publications(struct store *s, incarnation_id self, unsigned limit,
			store_publications_fn *publications, void *owner)
{
	char self_text[NUMBER_LEN], most[NUMBER_LEN], bytes[NUMBER_LEN];
	struct call *c = store_call_new(s, owner);

	c->publications = publications;
	pg_query(s->pg,
		 "SELECT id, slot, room, producer, pseq, type, actor, name, field, body, at_ms"
		 " FROM moot_publications($1::bigint, $2::int, $3::bigint)",
		 (const struct span[]){store_number(self_text, self.v), store_number(most, limit),
				       store_number(bytes, HISTORY_BYTES_MAX)},
		 3, on_publications, c);
}

void store_place(struct store *s, const struct store_room *rooms, size_t count, store_done_fn *done,
		 void *owner)
{
	struct call *c = store_call_new(s, owner);
	struct buf slots, keys;

	must(count > 0);
	buf_init(&slots, count * NUMBER_LEN);
	buf_init(&keys, count * (2 * ROOM_KEY_MAX + 4));
	for (size_t i = 0; i < count; i++) {
		store_open_array(&slots, count, i);
		store_open_array(&keys, count, i);
		store_put_number(&slots, rooms[i].slot);
		store_put_text(&keys, rooms[i].key);
	}
	buf_put_u8(&slots, '}');
	buf_put_u8(&keys, '}');
	must(!slots.over && !keys.over);
	c->done = done;
	pg_query(s->pg, "SELECT moot_place_rooms($1::text[], $2::int[])",
		 (const struct span[]){buf_span(&keys), buf_span(&slots)}, 2, on_placed, c);
	buf_fini(&slots);
	buf_fini(&keys);
}

static void on_publications(void *owner, enum err e, const struct pg_rows *rows, const char *why)
{
	struct call *c = owner;
	size_t count = e ? 0 : pg_count(rows);
	struct store_publication *found = mem_new((count + 1) * sizeof(*found));

	if (e)
		store_refused(STORE_PUBLICATIONS, e, why);
	for (size_t row = 0; row < count; row++)
		read_row(rows, row, &found[row]);
	c->publications(c->owner, e, found, count);
	mem_free(found);
	store_call_free(c);
}

static void read_row(const struct pg_rows *rows, size_t row, struct store_publication *out)
{
	*out = (struct store_publication){
		.room = pg_text(rows, row, 2),
		.placed = !pg_is_null(rows, row, 1),
		.event =
			{
				.producer = pg_text(rows, row, 3),
				.pseq = (uint64_t)pg_int(rows, row, 4),
				.type = pg_text(rows, row, 5),
				.actor = pg_text(rows, row, 6),
				.name = pg_text(rows, row, 7),
				.field = pg_text(rows, row, 8),
				.body = pg_text(rows, row, 9),
				.shape = BODY_DATA,
				.at_ms = pg_int(rows, row, 10),
				.publication = (uint64_t)pg_int(rows, row, 0),
			},
	};
}

static void on_placed(void *owner, enum err e, const struct pg_rows *rows, const char *why)
{
	struct call *c = owner;

	(void)rows;
	if (e)
		store_refused(STORE_PLACE, e, why);
	c->done(c->owner, e, 0);
	store_call_free(c);
}
