/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/bridge.h"

#include "common/json.h"
#include "common/mono.h"

static bool find(struct span object, const char *wanted, struct span *value);
static void put_text(struct buf *, const char *before, struct span text);

struct span bridge_data(struct span body)
{
	struct span data;

	return find(body, "data", &data) ? data : body;
}

void bridge_put_type(struct buf *out, struct span body)
{
	struct span type;

	if (find(body, "type", &type) && json_kind(type) == JSON_STRING)
		if (json_string(type, out) != OK)
			buf_clear(out);
}

void bridge_put_v0(struct buf *out, struct span type, const struct v0_identity *who,
		   struct span data, int64_t at_ms)
{
	char at[ISO_TIME_LEN + 1];

	wall_iso(at, at_ms);
	put_text(out, "{\"type\":", type);
	put_text(out, who->kind == ROOM_SUBMISSION ? ",\"submissionId\":" : ",\"documentId\":",
		 who->room_id);
	put_text(out, ",\"userId\":", who->user);
	put_text(out, ",\"userName\":", who->name);
	put_text(out, ",\"userEmail\":", who->email);
	buf_put_str(out, ",\"data\":");
	buf_put_span(out, data);
	buf_printf(out, ",\"timestamp\":\"%s\"}", at);
}

/* The last one of that name counts, as JSON readers see it. */
static bool find(struct span object, const char *wanted, struct span *value)
{
	struct span name, one;
	size_t at = 0;
	bool found = false;

	if (json_kind(object) != JSON_OBJECT)
		return false;
	while (json_member(object, &at, &name, &one))
		if (json_name_is(name, wanted)) {
			*value = one;
			found = true;
		}
	return found;
}

static void put_text(struct buf *out, const char *before, struct span text)
{
	buf_put_str(out, before);
	json_put_string(out, text);
}
