/* SPDX-License-Identifier: Apache-2.0 */
/* One golden record per row of message.def: its fields in JSON beside its bytes. Numbers are
 * strings, because JavaScript would round them; blobs and lists are hex. */
#include <stdio.h>

#include "common/json.h"
#include "proto/gen.h"

static struct buf some_kept, some_member, some_grant, some_stored;

/* Values of every width, so that every form of a number occurs. */
static uint64_t some_u64(unsigned at)
{
	static const uint64_t values[] = {1,          200, 70000, UINT64_C(5000000000),
					  UINT64_MAX, 0,   127,   65535};
	return values[at % ARRAY_LEN(values)];
}

static struct span some_text(unsigned at)
{
	static const char *const values[] = {"submission:s-1", "Zo\xc3\xab \xf0\x9f\x99\x82", "",
					     "cursor"};
	return span_str(values[at % ARRAY_LEN(values)]);
}

static struct span some_blob(unsigned at)
{
	return at % 2 ? SPAN("{\"type\":\"typing_start\"}") : SPAN("\0\xff\x80");
}

#define some_list_kept(at) buf_span(&some_kept)
#define some_list_member(at) buf_span(&some_member)
#define some_list_grant(at) buf_span(&some_grant)
#define some_list_stored(at) buf_span(&some_stored)

#define MESSAGE(id, NAME, name, direction, since, doc)                                             \
	static void fill_##name(struct msg_##name *out)                                            \
	{                                                                                          \
		unsigned at = 0;
#define ITEM(name, doc)                                                                            \
	static void fill_##name(struct item_##name *out)                                           \
	{                                                                                          \
		unsigned at = 0;
#define FIELD(kind, name, doc) out->name = some_##kind(at), at++;
#define END(name) }
#include "proto/message.def"
#undef MESSAGE
#undef ITEM
#undef FIELD
#undef END

static void put_u64(struct buf *out, uint64_t v)
{
	buf_printf(out, "\"%llu\"", (unsigned long long)v);
}

static void put_blob(struct buf *out, struct span bytes)
{
	buf_put_u8(out, '"');
	gen_put_hex(out, bytes);
	buf_put_u8(out, '"');
}

#define put_text json_put_string
#define put_list_kept put_blob
#define put_list_member put_blob
#define put_list_grant put_blob
#define put_list_stored put_blob

#define MESSAGE(id, NAME, name, direction, since, doc)                                             \
	static void put_fields_##name(struct buf *out, const struct msg_##name *m)                 \
	{                                                                                          \
		const char *comma = "";
#define ITEM(name, doc)                                                                            \
	static void put_fields_##name(struct buf *out, const struct item_##name *m)                \
	{                                                                                          \
		const char *comma = "";
#define FIELD(kind, name, doc)                                                                     \
	buf_printf(out, "%s\"" #name "\":", comma);                                                \
	put_##kind(out, m->name);                                                                  \
	comma = ",";
#define END(name)                                                                                  \
	(void)comma;                                                                               \
	}
#include "proto/message.def"
#undef MESSAGE
#undef ITEM
#undef FIELD
#undef END

static void lists_init(void)
{
	struct item_kept kept;
	struct item_member member;
	struct item_grant grant;
	struct item_stored stored;

	buf_init(&some_kept, 4096);
	buf_init(&some_member, 4096);
	buf_init(&some_grant, 4096);
	buf_init(&some_stored, 4096);
	fill_kept(&kept);
	item_put_kept(&some_kept, &kept);
	fill_member(&member);
	item_put_member(&some_member, &member);
	member.session = 2;
	item_put_member(&some_member, &member);
	fill_grant(&grant);
	item_put_grant(&some_grant, &grant);
	fill_stored(&stored);
	item_put_stored(&some_stored, &stored);
}

static void lists_fini(void)
{
	buf_fini(&some_kept);
	buf_fini(&some_member);
	buf_fini(&some_grant);
	buf_fini(&some_stored);
}

void gen_put_message_vectors(struct buf *out)
{
	struct buf b;

	lists_init();
	buf_init(&b, 4096);
#define MESSAGE(id, NAME, name, direction, since, doc)                                             \
	{                                                                                          \
		struct msg_##name m;                                                               \
		fill_##name(&m);                                                                   \
		buf_clear(&b);                                                                     \
		message_put_##name(&b, &m);                                                        \
		buf_printf(out, "{\"message\":\"%s\",\"id\":%d,\"since\":%d,", #NAME, id, since);  \
		buf_put_str(out, "\"fields\":{");                                                  \
		put_fields_##name(out, &m);
#define ITEM(name, doc)                                                                            \
	{                                                                                          \
		struct item_##name m;                                                              \
		fill_##name(&m);                                                                   \
		buf_clear(&b);                                                                     \
		item_put_##name(&b, &m);                                                           \
		buf_printf(out, "{\"item\":\"%s\",\"fields\":{", #name);                           \
		put_fields_##name(out, &m);
#define FIELD(kind, name, doc)
#define END(name)                                                                                  \
	buf_put_str(out, "},\"bytes\":\"");                                                        \
	gen_put_hex(out, buf_span(&b));                                                            \
	buf_put_str(out, "\"}\n");                                                                 \
	}
#include "proto/message.def"
#undef MESSAGE
#undef ITEM
#undef FIELD
#undef END
	buf_fini(&b);
	lists_fini();
}

void gen_emit_message_seeds(gen_emit_fn *emit, void *owner)
{
	struct buf b;
	char path[128];

	lists_init();
	buf_init(&b, 4096);
#define MESSAGE(id, NAME, name, direction, since, doc)                                             \
	{                                                                                          \
		struct msg_##name m;                                                               \
		fill_##name(&m);                                                                   \
		buf_clear(&b);                                                                     \
		message_put_##name(&b, &m);                                                        \
		snprintf(path, sizeof(path), "tests/fuzz/seeds/message/%s", #name);                \
		emit(owner, path, buf_span(&b));                                                   \
	}
#define ITEM(name, doc)
#define FIELD(kind, name, doc)
#define END(name)
#include "proto/message.def"
#undef MESSAGE
#undef ITEM
#undef FIELD
#undef END
	emit(owner, "tests/fuzz/seeds/message/promises_too_much", SPAN("\xdd\xff\0\0\0"));
	buf_fini(&b);
	lists_fini();
}

void gen_put_hex(struct buf *out, struct span bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		buf_printf(out, "%02x", bytes.p[i]);
}
