/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/frame.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/clock.h"

static const struct {
	const char *head, *name;
} shapes[] = {
	[FRAME_ROOM_STATE] = {"{\"type\":\"room_state\"", "room_state"},
	[FRAME_CONNECTED] = {"{\"type\":\"connected\"", "connected"},
	[FRAME_USER_JOINED] = {"{\"type\":\"user_joined\"", "user_joined"},
	[FRAME_USER_LEFT] = {"{\"type\":\"user_left\"", "user_left"},
	[FRAME_CAST] = {"{\"type\":\"text_operation\"", "cast"},
	[FRAME_CAST_KEPT] = {"{\"type\":\"cursor_position\"", "cast"},
	[FRAME_EVENT] = {"{\"type\":\"comment_added\"", "event"},
	[FRAME_PING] = {"{\"type\":\"ping\"", "ping"},
	[FRAME_UNKNOWN] = {"", "unknown"},
};

static const uint8_t *find(struct span text, const char *what);
static uint64_t number_at(const uint8_t *p, const uint8_t *end);
static uint64_t number_after(struct span text, const char *what);

void shown_read(struct span text, struct frame *f)
{
	const uint8_t *end = text.p + text.len, *at;

	*f = (struct frame){.type = FRAME_ROOM_STATE};
	while (!span_starts(text, shapes[f->type].head))
		f->type++;
	f->kept = f->type == FRAME_CAST_KEPT;
	if (f->kept)
		f->type = FRAME_CAST;
	f->seq = number_after(text, "\"seq\":");
	at = find(text, "\"timestamp\":\"");
	if (at && end - at > ISO_TIME_LEN)
		f->at_ns = clock_read_ms(at) * NS_PER_MS;
	if (f->type == FRAME_EVENT) {
		f->number = shown_event_number(text);
	} else if (f->type == FRAME_CAST) {
		f->connection = (unsigned)number_after(text, "\"c\":");
		f->number = number_after(text, "\"n\":");
		f->op = number_after(text, "\"m\":");
	} else if (f->type == FRAME_ROOM_STATE) {
		at = find(text, "\"users\":[");
		while (at && (at = find(span_of(at, (size_t)(end - at)), "\"userId\":\"u")))
			f->users |= UINT64_C(1) << number_at(at, end) % FRAME_USERS_MAX;
	} else {
		f->user = (unsigned)(number_after(text, "\"userId\":\"u") % FRAME_USERS_MAX);
	}
}

uint64_t shown_event_number(struct span body)
{
	return number_after(body, "\"e\":");
}

const char *shown_name(enum frame_type type)
{
	return shapes[type].name;
}

struct span shown_put_cast(char out[FRAME_CAST_LEN], bool kept, const struct shown_cast *c)
{
	int len = snprintf(
		out, FRAME_CAST_LEN,
		"{\"type\":\"%s\",\"data\":{\"c\":%u,\"n\":%" PRIu64 ",\"m\":%" PRIu64 "}}",
		kept ? "cursor_position" : "text_operation", c->connection, c->number, c->op);

	return span_of(out, (size_t)len);
}

struct span shown_put_event(char out[FRAME_CAST_LEN], uint64_t number)
{
	int len = snprintf(out, FRAME_CAST_LEN, "{\"type\":\"comment_added\",\"e\":%" PRIu64 "}",
			   number);

	return span_of(out, (size_t)len);
}

/* What follows it; NULL: it is not there. */
static const uint8_t *find(struct span text, const char *what)
{
	const uint8_t *at = memmem(text.p, text.len, what, strlen(what));

	return at ? at + strlen(what) : NULL;
}

static uint64_t number_at(const uint8_t *p, const uint8_t *end)
{
	uint64_t v = 0;

	while (p < end && *p >= '0' && *p <= '9')
		v = 10 * v + (uint64_t)(*p++ - '0');
	return v;
}

static uint64_t number_after(struct span text, const char *what)
{
	const uint8_t *at = find(text, what);

	return at ? number_at(at, text.p + text.len) : 0;
}
