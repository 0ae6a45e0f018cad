/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/slot.h"

#include <string.h>

#include "common/json.h"

static const char *const kind_prefixes[] = {
	[ROOM_SUBMISSION] = "submission:",
	[ROOM_DOCUMENT] = "document:",
};

static const char *const kind_names[] = {
	[ROOM_SUBMISSION] = "submission",
	[ROOM_DOCUMENT] = "document",
};

_Static_assert(ROOM_ID_MAX + sizeof("submission:") - 1 <= ROOM_KEY_MAX, "a key must hold any id");

static bool id_is_good(struct span id);
static bool has_control(struct span text);

unsigned slot_of(struct span room_key)
{
	return (unsigned)(span_hash(room_key) % SLOTS);
}

enum err room_key_read(struct span key, enum room_kind *kind, struct span *id)
{
	for (unsigned k = 0; k < ARRAY_LEN(kind_prefixes); k++) {
		if (!span_starts(key, kind_prefixes[k]))
			continue;
		*kind = (enum room_kind)k;
		*id = span_from(key, strlen(kind_prefixes[k]));
		return id_is_good(*id) ? OK : ERR_NO_ROOM;
	}
	return ERR_NO_ROOM;
}

enum err room_key_write(enum room_kind kind, struct span id, char out[ROOM_KEY_MAX], size_t *len)
{
	size_t prefix_len = strlen(kind_prefixes[kind]);

	if (!id_is_good(id))
		return ERR_NO_ROOM;
	memcpy(out, kind_prefixes[kind], prefix_len);
	memcpy(out + prefix_len, id.p, id.len);
	*len = prefix_len + id.len;
	return OK;
}

const char *room_kind_name(enum room_kind kind)
{
	return kind_names[kind];
}

static bool id_is_good(struct span id)
{
	return id.len >= 1 && id.len <= ROOM_ID_MAX && json_is_utf8(id) && !has_control(id);
}

/* Unicode category Cc: C0, DEL, and C1, which UTF-8 writes as C2 80..9F. */
static bool has_control(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.p[i];

		if (c < 0x20 || c == 0x7f)
			return true;
		if (c == 0xc2 && i + 1 < text.len && text.p[i + 1] < 0xa0)
			return true;
	}
	return false;
}
