/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/told.h"

#include <stddef.h>
#include <string.h>

#include "common/json.h"

static const char *const names[] = {
#define TOLD(NAME, name) [TOLD_##NAME] = #name,
	TOLD_ALL
#undef TOLD
		[TOLD_UNKNOWN] = "unknown",
};

typedef void take_fn(struct told *, struct span value);

static take_fn take_room, take_seq, take_n, take_session, take_resume, take_resumed, take_members,
	take_joined, take_left, take_changed, take_gap, take_code, take_request, take_retry,
	take_replay, take_first, take_head, take_more, take_data, take_from, take_events;

static const struct {
	const char *name;
	take_fn *take;
} fields[] = {
	{"room", take_room},
	{"seq", take_seq},
	{"n", take_n},
	{"session", take_session},
	{"resume", take_resume},
	{"resumed", take_resumed},
	{"members", take_members},
	{"joined", take_joined},
	{"left", take_left},
	{"changed", take_changed},
	{"gap", take_gap},
	{"code", take_code},
	{"request", take_request},
	{"retry_after_ms", take_retry},
	{"replay", take_replay},
	{"first", take_first},
	{"head", take_head},
	{"more", take_more},
	{"data", take_data},
	{"from", take_from},
	{"events", take_events},
};

static void read_list(struct told_list *, struct span array);
static void read_person(struct told_person *, struct span object);
static void read_connections(struct told_person *, struct span array);
static struct span member(struct span object, const char *name);
static struct span text_of(struct span value);
static uint64_t number_of(struct span value);
static uint64_t hex_of(struct span value);
static void copy(char *out, size_t cap, struct span value);

bool told_read(struct span text, struct told *t)
{
	struct span name, value;
	enum json_kind kind;
	size_t at = 0;

	memset(t, 0, offsetof(struct told, members));
	t->members.count = t->joined.count = t->left.count = t->changed.count = 0;
	t->room = CLIENT_ROOMS_MAX;
	t->type = told_type_of(text);
	if (t->type == TOLD_UNKNOWN || json_check(text, &kind) != OK || kind != JSON_OBJECT)
		return false;
	while (json_member(text, &at, &name, &value))
		for (size_t i = 0; i < ARRAY_LEN(fields); i++)
			if (span_is(name, fields[i].name))
				fields[i].take(t, value);
	return true;
}

const char *told_name(enum told_type type)
{
	return names[type];
}

enum told_type told_type_of(struct span text)
{
	static const char head[] = "{\"type\":\"";
	struct span rest = span_from(text, sizeof head - 1);
	enum told_type type = 0;

	if (!span_starts(text, head))
		return TOLD_UNKNOWN;
	struct span name = span_until(&rest, '"');
	while (type < TOLD_UNKNOWN && !span_is(name, names[type]))
		type++;
	return type;
}

static void take_room(struct told *t, struct span value)
{
	struct span key = text_of(value);

	if (key.len > 0 && key.p[key.len - 1] - '0' < CLIENT_ROOMS_MAX)
		t->room = key.p[key.len - 1] - '0';
}

static void take_seq(struct told *t, struct span value)
{
	t->seq = number_of(value);
	t->known = true;
}

static void take_n(struct told *t, struct span value)
{
	t->n = number_of(value);
}

static void take_session(struct told *t, struct span value)
{
	t->session = hex_of(value);
}

static void take_resume(struct told *t, struct span value)
{
	copy(t->resume, sizeof t->resume, value);
}

static void take_resumed(struct told *t, struct span value)
{
	t->resumed = span_is(value, "true");
}

static void take_members(struct told *t, struct span value)
{
	read_list(&t->members, value);
}

static void take_joined(struct told *t, struct span value)
{
	read_list(&t->joined, value);
}

static void take_left(struct told *t, struct span value)
{
	read_list(&t->left, value);
}

static void take_changed(struct told *t, struct span value)
{
	read_list(&t->changed, value);
}

static void take_gap(struct told *t, struct span value)
{
	t->gap_from = number_of(member(value, "from"));
	t->gap_to = number_of(member(value, "to"));
}

/* In lower case there, by its number here. */
static void take_code(struct told *t, struct span value)
{
	static const struct {
		const char *name;
		enum err code;
	} codes[] = {
#define ERR(NAME, number, retry, status, close, text, hint) {#NAME, ERR_##NAME},
#include "common/err.def"
#undef ERR
	};
	struct span text = text_of(value);

	t->code = ERR_BAD_MESSAGE;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (strlen(codes[i].name) == text.len &&
		    strncasecmp(codes[i].name, (const char *)text.p, text.len) == 0)
			t->code = codes[i].code;
}

static void take_request(struct told *t, struct span value)
{
	copy(t->request, sizeof t->request, value);
}

static void take_retry(struct told *t, struct span value)
{
	t->retry_ns = (int64_t)number_of(value) * NS_PER_MS;
}

static void take_replay(struct told *t, struct span value)
{
	t->replay = span_is(value, "true");
}

static void take_first(struct told *t, struct span value)
{
	t->first = number_of(value);
}

static void take_head(struct told *t, struct span value)
{
	t->head = number_of(value);
}

static void take_more(struct told *t, struct span value)
{
	t->more = span_is(value, "true");
}

static void take_data(struct told *t, struct span value)
{
	t->number = number_of(member(value, "e"));
	t->cast.connection = (unsigned)number_of(member(value, "c"));
	t->cast.number = number_of(member(value, "n"));
	t->cast.op = number_of(member(value, "m"));
}

static void take_from(struct told *t, struct span value)
{
	t->session = hex_of(member(value, "session"));
}

static void take_events(struct told *t, struct span value)
{
	size_t at = 0;
	struct span one;

	while (t->item_count < TOLD_EVENTS_MAX && json_element(value, &at, &one))
		t->items[t->item_count++] = (struct told_item){
			number_of(member(one, "seq")), number_of(member(member(one, "data"), "e"))};
}

static void read_list(struct told_list *list, struct span array)
{
	size_t at = 0;
	struct span one;

	while (json_element(array, &at, &one)) {
		must(list->count < TOLD_USERS_MAX);
		read_person(&list->users[list->count++], one);
	}
}

static void read_person(struct told_person *p, struct span object)
{
	p->count = 0;
	p->user = (unsigned)number_of(span_from(text_of(member(object, "id")), 1));
	read_connections(p, member(object, "connections"));
}

static void read_connections(struct told_person *p, struct span array)
{
	size_t at = 0;
	struct span one;

	while (array.len > 0 && json_element(array, &at, &one)) {
		must(p->count < TOLD_CONNECTIONS_MAX);
		p->connections[p->count++] = (struct told_connection_of){
			hex_of(member(one, "id")), number_of(member(member(one, "state"), "k"))};
	}
}

/* Empty: there is none. */
static struct span member(struct span object, const char *name)
{
	struct span at_name, value;
	size_t at = 0;

	while (object.len > 0 && object.p[0] == '{' && json_member(object, &at, &at_name, &value))
		if (span_is(at_name, name))
			return value;
	return SPAN_NONE;
}

/* What is unescaped as it stands. */
static struct span text_of(struct span value)
{
	return value.len < 2 ? SPAN_NONE : span_of(value.p + 1, value.len - 2);
}

static uint64_t number_of(struct span value)
{
	uint64_t v = 0;

	for (size_t i = 0; i < value.len && value.p[i] >= '0' && value.p[i] <= '9'; i++)
		v = 10 * v + (uint64_t)(value.p[i] - '0');
	return v;
}

static uint64_t hex_of(struct span value)
{
	struct span text = text_of(value);
	uint64_t v = 0;

	for (size_t i = 0; i < text.len; i++)
		v = v << 4 | (uint64_t)(text.p[i] >= 'a' ? text.p[i] - 'a' + 10 : text.p[i] - '0');
	return v;
}

static void copy(char *out, size_t cap, struct span value)
{
	struct span text = text_of(value);

	must(text.len < cap);
	if (text.len)
		memcpy(out, text.p, text.len);
	out[text.len] = '\0';
}
