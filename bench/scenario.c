/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/scenario.h"

#include <string.h>

#include "bench/account.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/options_value.h"

#define OPTIONS_DEF "bench/scenario.def"
#define OPTIONS_STRUCT scenario
#define OPTIONS_ROWS rows
#include "common/options_table.h"

static const struct option_table table = {
	.program = "moot-bench",
	.summary = "A scenario.",
	.version = "",
	.rows = rows,
	.count = ARRAY_LEN(rows),
	.struct_size = sizeof(struct scenario),
};

static size_t first_room(const struct scenario *);
static void put_row(const struct scenario *, const struct option_row *, struct buf *);

void scenario_init(struct scenario *s)
{
	options_init(&table, s);
}

void scenario_fini(struct scenario *s)
{
	options_fini(&table, s);
}

enum err scenario_read(struct scenario *s, struct span text, const char *file_name, struct buf *why)
{
	return options_read_ini(&table, text, file_name, s, why);
}

enum err scenario_set(struct scenario *s, const char *row, struct buf *why)
{
	char name[OPTION_NAME_MAX];
	size_t dot = strcspn(row, "."), equals = strcspn(row, "=");

	if (!row[equals] || dot >= equals || equals >= sizeof name) {
		buf_printf(why, "expected section.name=value, not \"%s\"", row);
		return ERR_BAD_REQUEST;
	}
	memcpy(name, row, equals);
	name[dot] = name[equals] = '\0';
	return options_set(&table, name, name + dot + 1, row + equals + 1, s, why);
}

enum err scenario_check(const struct scenario *s, struct buf *why)
{
	static const char *const acts[] = {"", "roll", "kill-gateway", "kill-shard", "chaos"};
	size_t pairs = 0, casters = (size_t)s->people_casters;
	bool is_known = false;

	for (size_t i = 0; i < scenario_rooms(s); i++) {
		size_t people = scenario_people_of(s, i);

		pairs += people * (casters && casters < people ? casters : people);
	}
	for (size_t i = 0; i < ARRAY_LEN(acts); i++)
		is_known = is_known || !strcmp(s->server_act, acts[i]);
	if (pairs > ACCOUNT_PAIRS_MAX)
		buf_printf(why,
			   "rooms are too large to check who heard whom: set people.casters, so "
			   "that readers times casters are at most %d",
			   ACCOUNT_PAIRS_MAX);
	else if (s->search_on && !s->say_cast && !s->say_comment)
		buf_put_str(why, "search.on needs a rate to begin with: say.cast or say.comment");
	else if ((s->say_comment || s->say_approve) && s->people_v0 == 100)
		buf_put_str(why, "people of the v0 dialect do not publish: people.v0 must be less "
				 "than 100 with say.comment or say.approve");
	else if (!is_known)
		buf_printf(why,
			   "server.act is roll, kill-gateway, kill-shard, chaos or nothing, not "
			   "\"%s\"",
			   s->server_act);
	return why->len ? ERR_BAD_REQUEST : OK;
}

void scenario_put_json(const struct scenario *s, struct buf *out)
{
	const char *section = NULL;

	for (size_t i = 0; i < table.count; i++) {
		const struct option_row *row = &rows[i];

		if (!row->name) {
			buf_put_str(out, section ? "}," : "{");
			json_put_string(out, span_str(row->section));
			buf_put_str(out, ":{");
			section = row->section;
			continue;
		}
		if (rows[i - 1].name)
			buf_put_str(out, ",");
		put_row(s, row, out);
	}
	buf_put_str(out, "}}");
}

static void put_row(const struct scenario *s, const struct option_row *row, struct buf *out)
{
	const char *at = (const char *)s + row->offset;

	json_put_string(out, span_str(row->name));
	buf_put_u8(out, ':');
	switch (row->kind) {
	case OPTION_STR:
	case OPTION_SECRET:
		json_put_string(out, span_str(*(const char *const *)(const void *)at));
		break;
	case OPTION_NUM:
		buf_printf(out, "%lld", (long long)*(const int64_t *)(const void *)at);
		break;
	case OPTION_MS:
		buf_printf(out, "%lld",
			   (long long)(*(const int64_t *)(const void *)at / NS_PER_MS));
		break;
	case OPTION_BYTES:
		buf_printf(out, "%zu", *(const size_t *)(const void *)at);
		break;
	case OPTION_FLAG:
		buf_put_str(out, *(const bool *)(const void *)at ? "true" : "false");
		break;
	}
}

void scenario_put_rows(struct buf *out)
{
	options_put_sample(&table, out);
}

static size_t first_room(const struct scenario *s)
{
	int64_t size = s->people_hot_room ? s->people_hot_room : s->people_room;

	return (size_t)(size < s->people_count ? size : s->people_count);
}

size_t scenario_rooms(const struct scenario *s)
{
	size_t rest = (size_t)s->people_count - first_room(s), room = (size_t)s->people_room;

	return 1 + (rest + room - 1) / room;
}

size_t scenario_people_of(const struct scenario *s, size_t room)
{
	size_t size = (size_t)s->people_room;

	if (room == 0)
		return first_room(s);
	size_t rest = (size_t)s->people_count - first_room(s) - (room - 1) * size;
	return rest < size ? rest : size;
}

size_t scenario_room_of(const struct scenario *s, size_t person)
{
	size_t first = first_room(s);

	return person < first ? 0 : 1 + (person - first) / (size_t)s->people_room;
}

size_t scenario_gateway_of(const struct scenario *s, size_t person)
{
	return s->people_together ? scenario_room_of(s, person) : person;
}
