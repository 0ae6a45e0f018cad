/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/mutant.h"

#include <string.h>

#include "proto/message.h"
#include "proto/record.h"

#define CONN_GEN_GREAT 127 /* as many bytes as a small one */

static void put(struct buf *, const struct message *);
static bool change(enum mutant, struct message *);

const struct mutant_row mutant_rows[MUTANTS] = {
	[MUTANT_NONE] = {"none", "the product as it is"},
#define MUTANT(NAME, name, what) [MUTANT_##NAME] = {#name, what},
#include "tests/sim/mutant.def"
#undef MUTANT
};

bool mutant_is(enum mutant set, enum mutant asked)
{
	return set == asked;
}

enum mutant mutant_of(const char *name)
{
	enum mutant m = MUTANT_NONE;

	while (m < MUTANTS && strcmp(mutant_rows[m].name, name) != 0)
		m++;
	return m;
}

struct span mutant_message(enum mutant mutant, struct span bytes, struct buf *changed)
{
	struct span rest = bytes;
	struct record head;
	struct message m, late = {.type = 0};

	if (mutant == MUTANT_NONE || record_read(&rest, &head) != OK)
		return bytes;
	buf_put(changed, bytes.p, bytes.len - rest.len);
	while (rest.len > 0 && message_next(&rest, &m) == OK) {
		if (!change(mutant, &m))
			continue;
		if (mutant == MUTANT_CAST_REORDERED && m.type == MESSAGE_CAST_OUT && !late.type) {
			late = m;
			continue;
		}
		put(changed, &m);
	}
	if (late.type)
		put(changed, &late);
	return buf_span(changed);
}

/* False: it is left out. */
static bool change(enum mutant mutant, struct message *m)
{
	if (mutant == MUTANT_ROSTER_COVERED && m->type == MESSAGE_ROSTER)
		m->roster.covered = 1;
	if (mutant == MUTANT_LEAVE_OLD && m->type == MESSAGE_LEAVE)
		m->leave.conn_gen = CONN_GEN_GREAT;
	if (mutant == MUTANT_RELAY_FORGOTTEN && m->type == MESSAGE_ATTACH)
		m->attach.relay = 0;
	return !(mutant == MUTANT_HOLD_DROPPED && m->type == MESSAGE_HOLD) &&
	       !(mutant == MUTANT_SOLICIT_DROPPED && m->type == MESSAGE_SOLICIT);
}

static void put(struct buf *out, const struct message *m)
{
	switch ((int)m->type) {
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
	default:
		break;
	}
}
