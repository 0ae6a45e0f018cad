/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the records of a link: each is refused, skipped, or reads the same after it was
 * written again; and as a whole message of a channel. */
#include "tests/fuzz/fuzz.h"

#include "proto/channel.h"
#include "proto/message.h"
#include "proto/roster.h"

static void put_again(struct buf *out, const struct message *m)
{
	switch (m->type) {
#define MESSAGE(id, NAME, name, direction, since, doc)                                             \
	case MESSAGE_##NAME:                                                                       \
		message_put_##name(out, &m->name);                                                 \
		break;
#define ITEM(name, doc)
#define FIELD(kind, name, doc)
#define END(name)
#include "proto/message.def"
#undef MESSAGE
#undef ITEM
#undef FIELD
#undef END
	}
}

/* What was read is written, read and written again: both texts must be the same. */
static void check_round_trip(const struct message *m)
{
	struct buf once, twice;
	struct message again;

	buf_init(&once, 1 << 24);
	buf_init(&twice, 1 << 24);
	put_again(&once, m);
	struct span rest = buf_span(&once);
	must(message_next(&rest, &again) == OK);
	must(again.type == m->type);
	must(rest.len == 0);
	put_again(&twice, &again);
	must(span_eq(buf_span(&once), buf_span(&twice)));
	buf_fini(&once);
	buf_fini(&twice);
}

static void check_members(struct span members)
{
	struct roster roster;
	struct item_member member;
	bool first;

	roster_init(&roster);
	while (item_next_member(&members, &member))
		(void)roster_put(&roster, &member, (incarnation_id){1}, &first);
	must(members.p);
	must(roster_users(&roster) <= roster_entries(&roster));
	roster_fini(&roster);
}

static void check_channel(struct span bytes)
{
	struct channel ch;
	struct channel_head head;
	struct span records;

	if (channel_peek(bytes, &head) != OK)
		return;
	channel_init(&ch, head.destination, (incarnation_id){0}, head.generation);
	enum err e = channel_take(&ch, bytes, &records);
	if (e == OK) {
		must(head.seq == 1 && ch.peer.v == head.source.v);
		must(records.len < bytes.len && records.p + records.len == bytes.p + bytes.len);
	} else {
		must(ch.received_seq == 0);
	}
	channel_fini(&ch);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct span rest = span_of(p, len);
	struct message m;

	check_channel(rest);
	while (rest.len > 0) {
		size_t before = rest.len;

		if (message_next(&rest, &m) != OK)
			break;
		must(rest.len < before);
		if (m.type)
			check_round_trip(&m);
		if (m.type == MESSAGE_ATTACH)
			check_members(m.attach.members);
		if (m.type == MESSAGE_ROSTER)
			check_members(m.roster.members);
	}
	return 0;
}
