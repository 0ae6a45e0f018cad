/* SPDX-License-Identifier: Apache-2.0 */
/* message.def, turned into writers and readers. */
#include "proto/message.h"

#include "common/json.h"
#include "proto/record.h"

/* How many fields each row has. */
#define MESSAGE(id, NAME, name, direction, since, doc) enum { FIELDS_##name = 0
#define ITEM(name, doc) enum { FIELDS_##name = 0
#define FIELD(kind, name, doc) +1
#define END(name)                                                                                  \
	}                                                                                          \
	;
#include "proto/message.def"
#undef MESSAGE
#undef ITEM
#undef FIELD
#undef END

#define MESSAGE(id, NAME, name, direction, since, doc)                                             \
	_Static_assert(1 + FIELDS_##name <= RECORD_FIELDS_MAX, "a row of message.def is too "      \
							       "wide");
#define ITEM(name, doc)                                                                            \
	_Static_assert(FIELDS_##name <= RECORD_FIELDS_MAX, "an item of message.def is too wide");
#define FIELD(kind, name, doc)
#define END(name)
#include "proto/message.def"
#undef MESSAGE
#undef ITEM
#undef FIELD
#undef END

#define put_u64 record_put_u64
#define put_text record_put_text
#define put_blob record_put_blob
#define put_list_kept record_put_blob
#define put_list_member record_put_blob
#define put_list_grant record_put_blob
#define put_list_stored record_put_blob

/* A record that does not fit is taken back whole: what is in the buffer always stays readable. */
#define MESSAGE(id, NAME, name, direction, since, doc)                                             \
	void message_put_##name(struct buf *b, const struct msg_##name *m)                         \
	{                                                                                          \
		size_t start = b->len;                                                             \
		record_put_array(b, 1 + FIELDS_##name);                                            \
		record_put_u64(b, (id));
#define ITEM(name, doc)                                                                            \
	void item_put_##name(struct buf *b, const struct item_##name *m)                           \
	{                                                                                          \
		size_t start = b->len;                                                             \
		record_put_array(b, FIELDS_##name);
#define FIELD(kind, name, doc) put_##kind(b, m->name);
#define END(name)                                                                                  \
	if (b->over)                                                                               \
		b->len = start;                                                                    \
	}
#include "proto/message.def"
#undef MESSAGE
#undef ITEM
#undef FIELD
#undef END

static bool read_u64(const struct record *rec, size_t at, uint64_t *out)
{
	*out = 0;
	if (at >= rec->count)
		return true;
	*out = rec->fields[at].number;
	return rec->fields[at].kind == RECORD_U64;
}

static bool read_bytes(const struct record *rec, size_t at, enum record_kind kind, struct span *out)
{
	*out = SPAN("");
	if (at >= rec->count)
		return true;
	*out = rec->fields[at].bytes;
	return rec->fields[at].kind == kind;
}

static bool read_text(const struct record *rec, size_t at, struct span *out)
{
	return read_bytes(rec, at, RECORD_TEXT, out) && json_is_utf8(*out);
}

static bool read_blob(const struct record *rec, size_t at, struct span *out)
{
	return read_bytes(rec, at, RECORD_BLOB, out);
}

#define LIST_READER(item)                                                                          \
	static bool read_list_##item(const struct record *rec, size_t at, struct span *out)        \
	{                                                                                          \
		struct item_##item one;                                                            \
                                                                                                   \
		if (!read_blob(rec, at, out))                                                      \
			return false;                                                              \
		struct span rest = *out;                                                           \
		while (item_next_##item(&rest, &one))                                              \
			;                                                                          \
		return rest.p != NULL;                                                             \
	}
LIST_READER(kept)
LIST_READER(member)
LIST_READER(grant)
LIST_READER(stored)

#define MESSAGE(id, NAME, name, direction, since, doc)                                             \
	static bool read_##name(const struct record *rec, struct msg_##name *out)                  \
	{                                                                                          \
		size_t at = 1;                                                                     \
		bool ok = true;
#define ITEM(name, doc)                                                                            \
	static bool read_item_##name(const struct record *rec, struct item_##name *out)            \
	{                                                                                          \
		size_t at = 0;                                                                     \
		bool ok = true;
#define FIELD(kind, name, doc) ok = ok && read_##kind(rec, at++, &out->name);
#define END(name)                                                                                  \
	return ok;                                                                                 \
	}
#include "proto/message.def"
#undef MESSAGE
#undef ITEM
#undef FIELD
#undef END

#define MESSAGE(id, NAME, name, direction, since, doc)
#define ITEM(name, doc)                                                                            \
	bool item_next_##name(struct span *list, struct item_##name *out)                          \
	{                                                                                          \
		struct record rec;                                                                 \
                                                                                                   \
		if (list->len == 0)                                                                \
			return false;                                                              \
		if (record_read(list, &rec) == OK && read_item_##name(&rec, out))                  \
			return true;                                                               \
		*list = SPAN_NONE;                                                                 \
		return false;                                                                      \
	}
#define FIELD(kind, name, doc)
#define END(name)
#include "proto/message.def"
#undef MESSAGE
#undef ITEM
#undef FIELD
#undef END

enum err message_next(struct span *rest, struct message *out)
{
	struct record rec;
	uint64_t id;
	bool ok = true;

	if (record_read(rest, &rec) != OK || rec.count == 0 || !read_u64(&rec, 0, &id))
		return ERR_BAD_MESSAGE;
	out->type = 0;
	switch (id) {
#define MESSAGE(number, NAME, name, direction, since, doc)                                         \
	case number:                                                                               \
		out->type = MESSAGE_##NAME;                                                        \
		ok = read_##name(&rec, &out->name);                                                \
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
	return ok ? OK : ERR_BAD_MESSAGE;
}

const char *message_name(enum message_type type)
{
	switch (type) {
#define MESSAGE(id, NAME, name, direction, since, doc)                                             \
	case MESSAGE_##NAME:                                                                       \
		return #NAME;
#define ITEM(name, doc)
#define FIELD(kind, name, doc)
#define END(name)
#include "proto/message.def"
#undef MESSAGE
#undef ITEM
#undef FIELD
#undef END
	}
	return "UNKNOWN";
}
