/* SPDX-License-Identifier: Apache-2.0 */
/* The records that gateways and shards exchange, generated from message.def: a struct, a writer and
 * a reader each. Pure. A read record borrows the bytes it was read from. msgpack-c does the
 * encoding. */
#pragma once

#include "common/buf.h"
#include "common/err.h"

#define MESSAGE_REVISION_MIN 1
#define MESSAGE_REVISION_MAX 1

enum message_direction { TO_SHARD = 1, TO_GATEWAY = 2, BOTH = 3 };

enum message_type {
#define MESSAGE(id, NAME, name, direction, since, doc) MESSAGE_##NAME = (id),
#define ITEM(name, doc)
#define FIELD(kind, name, doc)
#define END(name)
#include "proto/message.def"
#undef MESSAGE
#undef ITEM
#undef FIELD
#undef END
};

/* struct msg_attach { struct span room; uint64_t epoch; ... }, struct item_member { ... } */
#define FIELD_TYPE_u64 uint64_t
#define FIELD_TYPE_text struct span
#define FIELD_TYPE_blob struct span
#define FIELD_TYPE_list_kept struct span
#define FIELD_TYPE_list_member struct span
#define FIELD_TYPE_list_grant struct span
#define FIELD_TYPE_list_stored struct span
#define MESSAGE(id, NAME, name, direction, since, doc) struct msg_##name {
#define ITEM(name, doc) struct item_##name {
#define FIELD(kind, name, doc) FIELD_TYPE_##kind name;
/* clang-format off */
#define END(name) };
/* clang-format on */
#include "proto/message.def"
#undef MESSAGE
#undef ITEM
#undef FIELD
#undef END

struct message {
	enum message_type type;
	union {
#define MESSAGE(id, NAME, name, direction, since, doc) struct msg_##name name;
#define ITEM(name, doc)
#define FIELD(kind, name, doc)
#define END(name)
#include "proto/message.def"
#undef MESSAGE
#undef ITEM
#undef FIELD
#undef END
	};
};

#define MESSAGE(id, NAME, name, direction, since, doc)                                             \
	void message_put_##name(struct buf *, const struct msg_##name *);
#define ITEM(name, doc)                                                                            \
	void item_put_##name(struct buf *, const struct item_##name *);                            \
	/* Cuts the next item off `list`. False: the end, or bytes that are no such item (then     \
	 * `list->p` is NULL), which message_next has ruled out. */                                \
	bool item_next_##name(struct span *list, struct item_##name *);
#define FIELD(kind, name, doc)
#define END(name)
#include "proto/message.def"
#undef MESSAGE
#undef ITEM
#undef FIELD
#undef END

/* Read the next record off `rest`. OK with type 0: a record this revision does not know, skipped.
 * Errors: BAD_MESSAGE (not msgpack within our limits, wrong kind of field, a list that does not
 * hold its items, text that is not UTF-8): the whole message is then to be dropped and the link
 * reset. Call only while rest->len > 0. */
MUST_USE enum err message_next(struct span *rest, struct message *out);
const char *message_name(enum message_type); /* "ATTACH"; "UNKNOWN" */
