/* SPDX-License-Identifier: Apache-2.0 */
/* Both templates of msgpack-c, bound to our buffer and to a fixed array of fields. */
#include "proto/record.h"

#include "proto/limits.h"

#define MSGPACK_EMBED_STACK_SIZE MESSAGE_DEPTH_MAX
#include <msgpack/pack_define.h>
#include <msgpack/unpack_define.h>
#include <msgpack/timestamp.h>
#include <msgpack/unpack.h>

/* ---- writing: the template calls back with each piece ---- */

#define msgpack_pack_inline_func(name) static inline void pack##name
#define msgpack_pack_inline_func_cint(name) static inline void pack##name
#define msgpack_pack_inline_func_fixint(name) static inline void pack_fix##name
#define msgpack_pack_user struct buf *
#define msgpack_pack_append_buffer(b, bytes, len) buf_put((b), (bytes), (len))
#include <msgpack/pack_template.h>

void record_put_array(struct buf *b, size_t count)
{
	pack_array(b, count);
}

void record_put_u64(struct buf *b, uint64_t v)
{
	pack_uint64(b, v);
}

void record_put_u64_wide(struct buf *b, uint64_t v)
{
	pack_fix_uint64(b, v);
}

void record_put_text(struct buf *b, struct span text)
{
	pack_str(b, text.len);
	buf_put_span(b, text);
}

void record_put_blob(struct buf *b, struct span bytes)
{
	pack_bin(b, bytes.len);
	buf_put_span(b, bytes);
}

/* ---- reading: the template calls back with each value ---- */

struct reader {
	struct record *out;
	size_t len;   /* of all bytes at hand: no container can hold more elements */
	bool is_open; /* the outermost array was seen; what is inside of it is only skipped */
};

typedef struct record_field value;

static inline value value_root(struct reader *r)
{
	(void)r;
	return (value){.kind = RECORD_OTHER};
}

static inline int value_number(struct reader *r, uint64_t v, value *out)
{
	(void)r;
	*out = (value){.kind = RECORD_U64, .number = v};
	return 0;
}

static inline int value_other(struct reader *r, value *out)
{
	(void)r;
	*out = (value){.kind = RECORD_OTHER};
	return 0;
}

static inline int value_signed(struct reader *r, int64_t v, value *out)
{
	return v >= 0 ? value_number(r, (uint64_t)v, out) : value_other(r, out);
}

static inline int value_bytes(enum record_kind kind, const char *p, size_t len, value *out)
{
	*out = (value){.kind = kind, .bytes = SPAN("")};
	if (len > 0) /* else `p` means nothing */
		out->bytes = span_of(p, len);
	return 0;
}

/* `number` 1 marks the outermost array: its items are the fields. */
static inline int value_array(struct reader *r, size_t count, value *out)
{
	if (count > r->len)
		return MSGPACK_UNPACK_PARSE_ERROR;
	*out = (value){.kind = RECORD_OTHER, .number = !r->is_open};
	r->is_open = true;
	return 0;
}

static inline int value_map(struct reader *r, size_t count, value *out)
{
	if (!r->is_open || count > r->len)
		return MSGPACK_UNPACK_PARSE_ERROR;
	return value_other(r, out);
}

static inline int value_array_item(struct reader *r, const value *array, value item)
{
	if (array->number && r->out->count < RECORD_FIELDS_MAX)
		r->out->fields[r->out->count++] = item;
	return 0;
}

#define value_uint8(r, v, out) value_number((r), (v), (out))
#define value_uint16(r, v, out) value_number((r), (v), (out))
#define value_uint32(r, v, out) value_number((r), (v), (out))
#define value_uint64(r, v, out) value_number((r), (v), (out))
#define value_int8(r, v, out) value_signed((r), (v), (out))
#define value_int16(r, v, out) value_signed((r), (v), (out))
#define value_int32(r, v, out) value_signed((r), (v), (out))
#define value_int64(r, v, out) value_signed((r), (v), (out))
#define value_float(r, v, out) ((void)(v), value_other((r), (out)))
#define value_double(r, v, out) ((void)(v), value_other((r), (out)))
#define value_nil(r, out) value_other((r), (out))
#define value_true(r, out) value_other((r), (out))
#define value_false(r, out) value_other((r), (out))
#define value_str(r, base, p, len, out) value_bytes(RECORD_TEXT, (p), (len), (out))
#define value_bin(r, base, p, len, out) value_bytes(RECORD_BLOB, (p), (len), (out))
#define value_ext(r, base, p, len, out) value_bytes(RECORD_OTHER, (p), (len), (out))
#define value_map_item(r, map, key, item) ((void)(map), (void)(key), (void)(item), 0)

#define msgpack_unpack_struct(name) struct unpack##name
#define msgpack_unpack_func(type, name) static inline type unpack##name
#define msgpack_unpack_callback(name) value##name
#define msgpack_unpack_object value
#define msgpack_unpack_user struct reader
#include <msgpack/unpack_template.h>

enum err record_read(struct span *rest, struct record *out)
{
	struct unpack_context ctx;
	size_t used = 0;

	out->count = 0;
	ctx.user = (struct reader){.out = out, .len = rest->len};
	unpack_init(&ctx);
	if (unpack_execute(&ctx, (const char *)rest->p, rest->len, &used) != 1 || !ctx.user.is_open)
		return ERR_BAD_MESSAGE;
	rest->p += used; /* not NULL at the end: that says an error to who walks a list */
	rest->len -= used;
	return OK;
}
