/* SPDX-License-Identifier: Apache-2.0 */
/* frame.def, turned into the writers of what clients are told. */
#include "proto/frame.h"

#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "common/mono.h"
#include "proto/bridge.h"

enum need { MUST, MAY };

/* The text so far, and what goes before the next member. */
struct writer {
	struct buf *out;
	uint8_t before;
};

static void put_key(struct writer *, const char *name);
static void put_text(struct writer *, const char *name, enum need, struct span);
static void put_json(struct writer *, const char *name, enum need, struct span);
static void put_list(struct writer *, const char *name, enum need, struct span);
static void put_number(struct writer *, const char *name, enum need, uint64_t);
static void put_hex(struct writer *, const char *name, enum need, uint64_t);
static void put_flag(struct writer *, const char *name, enum need, bool);
static void put_time(struct writer *, const char *name, enum need, int64_t unix_ms);
static void put_code(struct writer *, const char *name, enum need, enum err);
static void put_user(struct writer *, const char *name, enum need, struct told_user);
static void put_from(struct writer *, const char *name, enum need, struct told_from);
static void put_limits(struct writer *, const char *name, enum need, struct told_limits);
static void put_gap(struct writer *, const char *name, enum need, struct told_gap);
static void put_connections(struct buf *list, const struct roster_user *);
static void put_state(struct buf *, const struct roster_entry *);
static bool has_member(struct span object, struct span key);

#define ITEM(name, doc)                                                                            \
	static void put_item_##name(struct buf *out, const struct told_##name *m)                  \
	{                                                                                          \
		struct writer w = {out, '{'};
#define SERVER(name, doc)                                                                          \
	void frame_put_##name(struct buf *out, const struct told_##name *m)                        \
	{                                                                                          \
		struct writer w = {out, ','};                                                      \
		(void)m;                                                                           \
		buf_put_str(out, "{\"type\":\"" #name "\"");
#define PART(kind, name, need, doc) put_##kind(&w, #name, need, m->name);
#define DONE(name)                                                                                 \
	buf_put_u8(w.out, '}');                                                                    \
	}
#include "proto/frame.def"

#define ITEM(name, doc)                                                                            \
	void frame_add_##name(struct buf *list, const struct told_##name *m)                       \
	{                                                                                          \
		if (list->len)                                                                     \
			buf_put_u8(list, ',');                                                     \
		put_item_##name(list, m);                                                          \
	}
#include "proto/frame.def"

void frame_add_roster_user(struct buf *list, const struct roster_user *user)
{
	struct buf connections;

	buf_init(&connections, list->max);
	put_connections(&connections, user);
	frame_add_member(list, &(struct told_member){.id = user_id(user->who),
						     .name = user_name(user->who),
						     .email = user_email(user->who),
						     .connections = buf_span(&connections)});
	if (connections.over)
		list->over = true;
	buf_fini(&connections);
}

static void put_key(struct writer *w, const char *name)
{
	buf_put_u8(w->out, w->before);
	buf_put_u8(w->out, '"');
	buf_put_str(w->out, name);
	buf_put_str(w->out, "\":");
	w->before = ',';
}

static void put_text(struct writer *w, const char *name, enum need need, struct span text)
{
	if (need == MAY && text.len == 0)
		return;
	put_key(w, name);
	json_put_string(w->out, text);
}

static void put_json(struct writer *w, const char *name, enum need need, struct span text)
{
	if (need == MAY && text.len == 0)
		return;
	must(text.len);
	put_key(w, name);
	buf_put_span(w->out, text);
}

static void put_list(struct writer *w, const char *name, enum need need, struct span items)
{
	if (need == MAY && items.len == 0)
		return;
	put_key(w, name);
	buf_put_u8(w->out, '[');
	buf_put_span(w->out, items);
	buf_put_u8(w->out, ']');
}

static void put_number(struct writer *w, const char *name, enum need need, uint64_t v)
{
	if (need == MAY && v == 0)
		return;
	put_key(w, name);
	buf_put_u64_text(w->out, v);
}

static void put_hex(struct writer *w, const char *name, enum need need, uint64_t v)
{
	static const char digits[] = "0123456789abcdef";
	char text[16];

	if (need == MAY && v == 0)
		return;
	for (size_t i = sizeof(text); i-- > 0; v >>= 4)
		text[i] = digits[v & 15];
	put_key(w, name);
	json_put_string(w->out, span_of(text, sizeof(text)));
}

static void put_flag(struct writer *w, const char *name, enum need need, bool is_set)
{
	if (need == MAY && !is_set)
		return;
	put_key(w, name);
	buf_put_str(w->out, is_set ? "true" : "false");
}

static void put_time(struct writer *w, const char *name, enum need need, int64_t unix_ms)
{
	char iso[ISO_TIME_LEN + 1];

	if (need == MAY && unix_ms == 0)
		return;
	wall_iso(iso, unix_ms);
	put_key(w, name);
	json_put_string(w->out, span_of(iso, ISO_TIME_LEN));
}

static void put_code(struct writer *w, const char *name, enum need need, enum err code)
{
	if (need == MAY && code == OK)
		return;
	put_key(w, name);
	buf_put_u8(w->out, '"');
	for (const char *c = err_name(code); *c; c++)
		buf_put_u8(w->out, (uint8_t)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c));
	buf_put_u8(w->out, '"');
}

static void put_user(struct writer *w, const char *name, enum need need, struct told_user user)
{
	must(need == MUST);
	put_key(w, name);
	put_item_user(w->out, &user);
}

static void put_from(struct writer *w, const char *name, enum need need, struct told_from from)
{
	must(need == MUST);
	put_key(w, name);
	put_item_from(w->out, &from);
}

static void put_limits(struct writer *w, const char *name, enum need need,
		       struct told_limits limits)
{
	must(need == MUST);
	put_key(w, name);
	put_item_limits(w->out, &limits);
}

/* seq begins with 1: up to 0 nothing is missing. */
static void put_gap(struct writer *w, const char *name, enum need need, struct told_gap gap)
{
	if (need == MAY && gap.to == 0)
		return;
	put_key(w, name);
	put_item_gap(w->out, &gap);
}

static void put_connections(struct buf *list, const struct roster_user *user)
{
	struct buf state;

	buf_init(&state, (size_t)KEPT_PER_SESSION * (KEPT_BODY_MAX + CAST_KEY_MAX));
	LIST_EACH (&user->entries, it, ahead) {
		const struct roster_entry *e = container_of(it, struct roster_entry, of_user);

		buf_clear(&state);
		put_state(&state, e);
		frame_add_connection(list, &(struct told_connection){.id = e->session.v,
								     .since = e->since_ms,
								     .state = buf_span(&state)});
	}
	buf_fini(&state);
}

/* What it said as `state`, and what it keeps as v0 messages by their keys: {"cursor": their data}.
 * A key that both name is the state's. */
static void put_state(struct buf *out, const struct roster_entry *e)
{
	struct span state = kept_find(e->kept, SPAN(ROSTER_STATE_KEY));
	bool empty = state.len <= 2;

	buf_put_u8(out, '{');
	if (!empty)
		buf_put(out, state.p + 1, state.len - 2); /* without its braces */
	for (size_t i = 0; i < kept_count(e->kept); i++) {
		const struct item_kept k = kept_at(e->kept, i);

		if (span_is(k.key, ROSTER_STATE_KEY) || has_member(state, k.key))
			continue;
		buf_put_str(out, empty ? "" : ",");
		json_put_string(out, k.key);
		buf_put_u8(out, ':');
		buf_put_span(out, bridge_data(k.body));
		empty = false;
	}
	buf_put_u8(out, '}');
}

static bool has_member(struct span object, struct span key)
{
	char plain[CAST_KEY_MAX + 1];
	struct span name, value;
	size_t at = 0;

	snprintf(plain, sizeof plain, "%.*s", SPAN_ARGS(key));
	while (object.len && json_member(object, &at, &name, &value))
		if (json_name_is(name, plain))
			return true;
	return false;
}
