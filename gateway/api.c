/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api.h"

#include "common/json.h"
#include "common/mono.h"
#include "common/request.h"

static enum err find_fields(struct span body, struct fields *, const char *const *names,
			    size_t count);
static enum err verdict(const struct fields *, const char **wrong);
static void read_base(struct fields *, size_t at, uint64_t *out);
static void read_session(struct fields *, size_t at, uint64_t *out);
static const char *read_param(struct span param, struct msg_read *out, struct buf *types);
static bool add_types(struct span param, struct buf *types);
static bool is_types(struct span text);

enum err api_read_publish(struct span body, struct buf *scratch, struct api_publish *out,
			  const char **wrong)
{
	enum { EVENT, DATA, ACTOR, NAME, BASE };
	static const char *const names[] = {"event", "data", "actor", "name", "base"};
	struct fields f;

	*out = (struct api_publish){0};
	fields_begin(&f, scratch, API_SCRATCH_BYTES);
	enum err e = find_fields(body, &f, names, ARRAY_LEN(names));

	if (e)
		return e;
	fields_name(&f, EVENT, EVENT_TYPE_MAX, &out->event);
	fields_json(&f, DATA, 0, &out->data);
	fields_maybe_text(&f, ACTOR, USER_ID_MAX, &out->actor);
	fields_maybe_text(&f, NAME, USER_NAME_MAX, &out->name);
	read_base(&f, BASE, &out->base);
	if (!f.wrong && !field_of_data(&f, out->data, EVENT_FIELD_MAX, &out->field))
		f.wrong = "data.field";
	return verdict(&f, wrong);
}

enum err api_read_kick(struct span body, struct buf *scratch, struct api_kick *out,
		       const char **wrong)
{
	enum { USER, SESSION, REASON };
	static const char *const names[] = {"user", "session", "reason"};
	struct fields f;

	*out = (struct api_kick){0};
	fields_begin(&f, scratch, API_SCRATCH_BYTES);
	enum err e = find_fields(body, &f, names, ARRAY_LEN(names));

	if (e)
		return e;
	fields_maybe_text(&f, USER, USER_ID_MAX, &out->user);
	read_session(&f, SESSION, &out->session);
	fields_maybe_text(&f, REASON, API_REASON_MAX, &out->reason);
	if (fields_has(&f, USER) == fields_has(&f, SESSION))
		fields_blame(&f, USER);
	return verdict(&f, wrong);
}

enum err api_read_page(struct span query, struct buf *types, struct msg_read *out,
		       const char **wrong)
{
	*wrong = NULL;
	*out = (struct msg_read){.limit = READ_LIMIT_DEFAULT};
	while (query.len > 0 && !*wrong)
		*wrong = read_param(span_until(&query, '&'), out, types);
	if (!*wrong && out->after && out->before)
		*wrong = "before";
	out->types = buf_span(types);
	return *wrong ? ERR_BAD_FIELD : OK;
}

bool api_is_idempotency_key(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] <= 0x20 || text.p[i] >= 0x7f)
			return false;
	return text.len >= 1 && text.len <= API_IDEMPOTENCY_MAX;
}

void api_put_problem(struct buf *out, const struct api_problem *p)
{
	struct buf item;

	buf_init(&item, out->max);
	frame_add_problem(&item,
			  &(struct told_problem){
				  .code = p->err,
				  .reason = span_str(err_text(p->err)),
				  .field = span_str(p->field),
				  .retry_after_ms = (uint64_t)(p->retry_after_ns / NS_PER_MS),
				  .trace = p->trace,
				  .seq = p->seq,
				  .data = p->body,
			  });
	buf_put_str(out, "{\"error\":");
	buf_put_span(out, buf_span(&item));
	buf_put_u8(out, '}');
	if (item.over)
		out->over = true;
	buf_fini(&item);
}

void api_put_members(struct buf *list, const struct roster *roster)
{
	LIST_EACH (&roster->entries, it, ahead) {
		const struct roster_entry *e = container_of(it, struct roster_entry, of_roster);

		if (e->user->entries.next == &e->of_user) /* once for each, with all connections */
			frame_add_roster_user(list, e->user);
	}
}

static enum err find_fields(struct span body, struct fields *f, const char *const *names,
			    size_t count)
{
	enum json_kind kind;

	if (!json_is_utf8(body))
		return ERR_BAD_UTF8;
	enum err e = json_check(body, &kind);
	if (e)
		return e;
	if (kind != JSON_OBJECT)
		return ERR_BAD_TYPE;
	fields_find(f, body, names, count);
	return OK;
}

static enum err verdict(const struct fields *f, const char **wrong)
{
	*wrong = f->wrong;
	return f->wrong ? ERR_BAD_FIELD : OK;
}

static void read_base(struct fields *f, size_t at, uint64_t *out)
{
	uint64_t seq;

	if (!fields_has(f, at))
		return;
	if (field_number(f->values[at], 0, FRAME_NUMBER_MAX, &seq))
		*out = seq + 1;
	else
		fields_blame(f, at);
}

/* 16 hex digits, as everywhere in the protocol. */
static void read_session(struct fields *f, size_t at, uint64_t *out)
{
	struct span text = SPAN_NONE;

	fields_maybe_text(f, at, 16, &text);
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.p[i];
		bool is_digit = c >= '0' && c <= '9', is_letter = c >= 'a' && c <= 'f';

		if (!is_digit && !is_letter)
			text.len = 0;
		*out = *out << 4 | (uint64_t)(is_digit ? c - '0' : c - 'a' + 10);
	}
	if (fields_has(f, at) && (text.len != 16 || !*out))
		fields_blame(f, at);
}

/* The name of what is not as it has to be. Unknown ones are ignored, as everywhere. */
static const char *read_param(struct span param, struct msg_read *out, struct buf *types)
{
	const struct {
		const char *name;
		uint64_t min, max, *out;
	} numbers[] = {
		{"after", 0, FRAME_NUMBER_MAX, &out->after},
		{"before", 1, FRAME_NUMBER_MAX, &out->before},
		{"limit", 1, READ_LIMIT_MAX, &out->limit},
	};
	struct span value = param;
	struct span name = span_until(&value, '=');

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (span_is(name, numbers[i].name) &&
		    !field_number(value, numbers[i].min, numbers[i].max, numbers[i].out))
			return numbers[i].name;
	return span_is(name, "type") && !add_types(param, types) ? "type" : NULL;
}

/* The commas of several ones are those of a single one. */
static bool add_types(struct span param, struct buf *types)
{
	struct buf text;

	buf_init(&text, EVENT_TYPES_MAX);
	bool is_good = request_param(param, "type", &text) == OK && is_types(buf_span(&text));

	if (is_good && types->len > 0)
		buf_put_u8(types, ',');
	if (is_good)
		buf_put_span(types, buf_span(&text));
	buf_fini(&text);
	return is_good && !types->over;
}

static bool is_types(struct span text)
{
	if (text.len == 0 || text.p[text.len - 1] == ',' || !json_is_utf8(text) ||
	    !field_is_plain(text))
		return false;
	do {
		struct span one = span_until(&text, ',');

		if (one.len == 0 || one.len > EVENT_TYPE_MAX)
			return false;
	} while (text.len > 0);
	return true;
}
