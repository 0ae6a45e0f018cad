/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from frame.def: the tables of the manual, the constants of the SDK, fuzz seeds. */
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "proto/frame.h"
#include "proto/gen.h"

#define ROOM "\"room\":\"submission:s-1\""

/* Each row with all of its fields, then texts that try something. */
static const struct {
	const char *name, *text;
} frames[] = {
	{"hello", "{\"type\":\"hello\",\"token\":\"session-ann\",\"resume\":\"5b1f\"}"},
	{"join", "{\"type\":\"join\"," ROOM ",\"since\":41,\"state\":{\"mode\":\"viewing\"}}"},
	{"leave", "{\"type\":\"leave\"," ROOM "}"},
	{"publish", "{\"type\":\"publish\"," ROOM ",\"n\":1,\"event\":\"content_saved\",\"data\":"
		    "{\"field\":\"title\",\"value\":\"Spring\"},\"base\":40}"},
	{"cast",
	 "{\"type\":\"cast\"," ROOM ",\"key\":\"cursor\",\"data\":{\"line\":3},\"to\":\"u_bo\"}"},
	{"state", "{\"type\":\"state\"," ROOM ",\"data\":{\"mode\":\"editing\",\"cursor\":null}}"},
	{"read",
	 "{\"type\":\"read\"," ROOM ",\"after\":0,\"limit\":100,\"events\":[\"comment_added\"]}"},
	{"auth", "{\"type\":\"auth\",\"token\":\"session-ann-2\"}"},
	{"ping", "{\"type\":\"ping\"}"},
	{"join_of_all", "{\"type\":\"join\"," ROOM ",\"since\":0}"},
	{"read_backwards",
	 "{\"type\":\"read\"," ROOM ",\"before\":9007199254740991,\"limit\":500}"},
	{"nulls", "{\"type\":\"join\"," ROOM ",\"since\":null,\"state\":null}"},
	{"escaped_names",
	 "{\"t\\u0079pe\":\"l\\u0065ave\",\"r\\u006fom\":\"document:d\\/\\ud83d\\ude42\"}"},
	{"escaped_list",
	 "{\"type\":\"read\"," ROOM ",\"events\":[ \"a\\u002eb\" , \"c:d\",\"_\"]}"},
	{"twice", "{\"type\":\"leave\"," ROOM ",\"r\\u006fom\":\"submission:s-2\"}"},
	{"type_twice", "{\"type\":\"ping\",\"type\":\"leave\"}"},
	{"field_twice", "{\"type\":\"publish\"," ROOM ",\"n\":2,\"event\":\"e\",\"data\":"
			"{\"field\":\"a\",\"f\\u0069eld\":\"b\"}}"},
	{"both_pages", "{\"type\":\"read\"," ROOM ",\"after\":1,\"before\":2}"},
	{"odd_numbers",
	 "{\"type\":\"publish\"," ROOM ",\"n\":1e3,\"event\":\"e\",\"data\":null,\"base\":-1}"},
	{"unknown_type", "{\"type\":\"shout\"," ROOM ",\"n\":7}"},
	{"merged", "{\"a\":{\"b\":1},\"m\\u006fde\":null,\"mode\":2,\"\":[],\"mode\":null}"},
};

static const struct {
	const char *word, *code, *kind; /* in the table, in the SDK, in the manual */
	bool optional;
} kinds[] = {
	{"room", "room", "room", false},
	{"text", "text", "text", false},
	{"name", "name", "name", false},
	{"json", "json", "any JSON value", false},
	{"object", "object", "object", false},
	{"count", "count", "number from 1", false},
	{"maybe_text", "text", "text", true},
	{"maybe_object", "object", "object", true},
	{"maybe_seq", "seq", "number from 0", true},
	{"maybe_count", "count", "number from 1", true},
	{"maybe_names", "names", "array of names", true},
};

static const struct {
	const char *code, *text; /* in the SDK, in the manual */
} wheres[] = {
	[FRAME_FIRST] = {"first", "The first message, and only that."},
	[FRAME_READY] = {"ready", "After `welcome`."},
	[FRAME_JOINED] = {"joined", "For a room that has been `joined`."},
};

enum { MUST, MAY };

/* What clients are told, row by row: an object begins, has members, ends. */
static const struct part {
	enum { PART_BEGINS, PART_BEGINS_ITEM, PART_IS, PART_ENDS } step;
	bool optional;
	const char *name, *kind, *doc;
} parts[] = {
#define ITEM(name, what) {PART_BEGINS_ITEM, false, #name, "", what},
#define SERVER(name, what) {PART_BEGINS, false, #name, "", what},
#define PART(kind, name, need, what) {PART_IS, (need) == MAY, #name, #kind, what},
#define DONE(name) {PART_ENDS, false, #name, "", ""},
#include "proto/frame.def"
};

struct told_rows {
	struct buf *out;
	bool is_shown;
	size_t count; /* of this one's members so far */
};

static void put_told(struct buf *, bool items);
static void put_told_head(struct told_rows *, bool is_shown, const char *name, const char *doc);
static void put_told_row(struct told_rows *, const char *name, const char *kind, unsigned need,
			 const char *doc);
static void put_told_end(struct told_rows *);
static size_t kind_of(const char *word);
static void put_max(struct buf *, const char *kind, uint64_t max);
static void put_where(struct buf *, enum frame_where);
static void put_requests(struct buf *);
static void put_field_js(struct buf *, const char *name, const char *word, uint64_t max);
static void put_replies(struct buf *, const char *list, const char *doc, bool items);
static void put_part_js(struct buf *, const struct part *);

void gen_emit_frame_seeds(gen_emit_fn *emit, void *owner)
{
	char path[128];

	for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
		snprintf(path, sizeof(path), "tests/fuzz/seeds/frame/%s", frames[i].name);
		emit(owner, path, span_str(frames[i].text));
	}
}

/* ---- the manual ---- */

static void put_field_row(struct buf *out, const char *name, const char *word, uint64_t max,
			  const char *doc)
{
	size_t kind = kind_of(word);

	buf_printf(out, "| `%s` | %s%s | ", name, kinds[kind].kind,
		   kinds[kind].optional ? ", optional" : "");
	put_max(out, kinds[kind].kind, max);
	buf_printf(out, " | %s |\n", doc);
}

void gen_put_client_messages(struct buf *out)
{
	struct buf fields;

	buf_init(&fields, 1 << 16);
#define CLIENT(NAME, name, where, doc)                                                             \
	buf_clear(&fields);                                                                        \
	buf_printf(out, "#### `%s`\n\n%s ", #name, doc);                                           \
	put_where(out, FRAME_##where);
#define FIELD(kind, name, max, doc) put_field_row(&fields, #name, #kind, max, doc);
#define END(name)                                                                                  \
	if (fields.len)                                                                            \
		buf_put_str(out, "| field | kind | at most | |\n|---|---|---|---|\n");             \
	buf_put_span(out, buf_span(&fields));                                                      \
	if (fields.len)                                                                            \
		buf_put_u8(out, '\n');
#include "proto/frame.def"
	out->len--; /* one empty line is enough at the end */
	buf_fini(&fields);
}

void gen_put_server_messages(struct buf *out)
{
	put_told(out, false);
}

void gen_put_server_objects(struct buf *out)
{
	put_told(out, true);
}

/* Messages, or the objects inside them. */
static void put_told(struct buf *out, bool items)
{
	struct told_rows rows = {.out = out};

#define ITEM(name, doc) put_told_head(&rows, items, #name, doc);
#define SERVER(name, doc) put_told_head(&rows, !items, #name, doc);
#define PART(kind, name, need, doc) put_told_row(&rows, #name, #kind, need, doc);
#define DONE(name) put_told_end(&rows);
#include "proto/frame.def"
	out->len--; /* one empty line is enough at the end */
}

static void put_told_head(struct told_rows *rows, bool is_shown, const char *name, const char *doc)
{
	rows->is_shown = is_shown;
	rows->count = 0;
	if (is_shown)
		buf_printf(rows->out, "#### `%s`\n\n%s\n\n", name, doc);
}

static void put_told_row(struct told_rows *rows, const char *name, const char *kind, unsigned need,
			 const char *doc)
{
	if (!rows->is_shown)
		return;
	if (rows->count++ == 0)
		buf_put_str(rows->out, "| member | kind | |\n|---|---|---|\n");
	buf_printf(rows->out, "| `%s` | %s%s | %s |\n", name, kind,
		   need == MAY ? ", may be missing" : "", doc);
}

static void put_told_end(struct told_rows *rows)
{
	if (rows->is_shown && rows->count)
		buf_put_u8(rows->out, '\n');
}

static size_t kind_of(const char *word)
{
	size_t i = 0;

	while (strcmp(kinds[i].word, word) != 0)
		must(++i < ARRAY_LEN(kinds));
	return i;
}

static void put_max(struct buf *out, const char *kind, uint64_t max)
{
	bool is_number = strncmp(kind, "number", 6) == 0;

	if (max == 0)
		buf_put_str(out, "the message");
	else if (max == FRAME_NUMBER_MAX)
		buf_put_str(out, "2^53 - 1");
	else
		buf_printf(out, "%llu%s", (unsigned long long)max, is_number ? "" : " bytes");
}

static void put_where(struct buf *out, enum frame_where where)
{
	buf_printf(out, "%s\n\n", wheres[where].text);
}

/* ---- the SDK ---- */

void gen_put_frame_js(struct buf *out)
{
	buf_printf(out,
		   "/** The subprotocol to ask for: the native protocol. */\n"
		   "export const protocol = '%s';\n\n",
		   FRAME_PROTOCOL);
	put_requests(out);
	put_replies(out, "replies", "The messages of the server in the native protocol", false);
	put_replies(out, "objects", "The objects inside them", true);
}

static void put_requests(struct buf *out)
{
	buf_put_str(out, "/** Every message of a native client. Errors name them as `request`.\n"
			 " * @type {Readonly<Record<string, RequestRow>>} */\n"
			 "export const requests = /* @__PURE__ */ Object.freeze({\n");
#define CLIENT(NAME, name, where, doc)                                                             \
	buf_printf(out, "\t/** %s */\n\t%s: { where: '%s', fields: {\n", doc, #name,               \
		   wheres[FRAME_##where].code);
#define FIELD(kind, name, max, doc) put_field_js(out, #name, #kind, max);
#define END(name) buf_put_str(out, "\t} },\n");
#include "proto/frame.def"
	buf_put_str(out, "});\n\n");
}

static void put_field_js(struct buf *out, const char *name, const char *word, uint64_t max)
{
	size_t kind = kind_of(word);

	buf_printf(out, "\t\t%s: { kind: '%s', optional: %s, max: %llu },\n", name,
		   kinds[kind].code, kinds[kind].optional ? "true" : "false",
		   (unsigned long long)max);
}

static void put_replies(struct buf *out, const char *list, const char *doc, bool items)
{
	bool is_shown = false;

	buf_printf(out,
		   "/** %s, with their members in order.\n"
		   " * @type {Readonly<Record<string, Readonly<Record<string, PartRow>>>>} */\n"
		   "export const %s = /* @__PURE__ */ Object.freeze({\n",
		   doc, list);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (parts[i].step != PART_IS && parts[i].step != PART_ENDS)
			is_shown = (parts[i].step == PART_BEGINS_ITEM) == items;
		if (is_shown)
			put_part_js(out, &parts[i]);
	}
	buf_put_str(out, "});\n\n");
}

static void put_part_js(struct buf *out, const struct part *p)
{
	if (p->step == PART_BEGINS || p->step == PART_BEGINS_ITEM)
		buf_printf(out, "\t/** %s */\n\t%s: {\n", p->doc, p->name);
	else if (p->step == PART_ENDS)
		buf_put_str(out, "\t},\n");
	else
		buf_printf(out, "\t\t%s: { kind: '%s', optional: %s },\n", p->name, p->kind,
			   p->optional ? "true" : "false");
}
