/* SPDX-License-Identifier: Apache-2.0 */
/* One log line in logfmt or JSON. Values come from anywhere: whatever could break the line, a
 * terminal or a JSON reader is escaped, and long ones are cut. */
#include "common/log_line.h"

#include <string.h>

#include "common/mono.h"

struct writer {
	struct buf *out;
	bool json, first;
};

static void put_str(struct writer *w, const char *key, struct span value);
static void put_number(struct writer *w, const char *key, uint64_t value, bool negative);
static void put_pair(struct writer *w, const struct kv *pair);
static void put_key(struct writer *w, const char *key);
static bool is_bare(struct span value);
static void put_escaped(struct buf *out, struct span value);
static size_t plain_bytes(struct span at);

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void log_line_put(struct buf *out, enum log_format format, const struct log_head *head,
		  const char *event, const struct kv *pairs)
{
	struct writer w = {out, format == LOG_FORMAT_JSON, true};
	char ts[ISO_TIME_LEN + 1];

	wall_iso(ts, head->unix_ms);
	if (w.json)
		buf_put_u8(out, '{');
	put_str(&w, "ts", span_str(ts));
	put_str(&w, "level", span_str(level_names[head->level]));
	put_str(&w, "msg", span_str(event));
	put_str(&w, "proc", span_str(head->process));
	if (head->node && head->node[0])
		put_str(&w, "node", span_str(head->node));
	put_number(&w, "pid", (uint64_t)head->pid, false);
	for (const struct kv *pair = pairs; pair->kind != KV_END; pair++)
		put_pair(&w, pair);
	if (head->suppressed)
		put_number(&w, "suppressed", head->suppressed, false);
	buf_put_str(out, w.json ? "}\n" : "\n");
}

bool log_quota_take(struct log_quota *q, int64_t now_ns, uint64_t *suppressed)
{
	if (q->lines == 0 || now_ns - q->since_ns >= NS_PER_S) {
		q->since_ns = now_ns;
		q->lines = 0;
	}
	if (q->lines >= LOG_LINES_PER_S) {
		q->suppressed++;
		return false;
	}
	q->lines++;
	*suppressed = q->suppressed;
	q->suppressed = 0;
	return true;
}

static void put_pair(struct writer *w, const struct kv *pair)
{
	char hex[16];

	switch (pair->kind) {
	case KV_STR:
		put_str(w, pair->key, span_str(pair->str));
		return;
	case KV_SPAN:
		put_str(w, pair->key, pair->span);
		return;
	case KV_U64:
		put_number(w, pair->key, pair->u64, false);
		return;
	case KV_I64:
		put_number(w, pair->key,
			   pair->i64 < 0 ? 0 - (uint64_t)pair->i64 : (uint64_t)pair->i64,
			   pair->i64 < 0);
		return;
	case KV_HEX:
		for (int i = 0; i < 16; i++)
			hex[i] = "0123456789abcdef"[pair->u64 >> (60 - 4 * i) & 15];
		put_str(w, pair->key, span_of(hex, sizeof(hex)));
		return;
	case KV_END:
		return;
	}
}

static void put_str(struct writer *w, const char *key, struct span value)
{
	bool cut = value.len > LOG_VALUE_MAX;

	put_key(w, key);
	if (!w->json && !cut && is_bare(value)) {
		buf_put_span(w->out, value);
		return;
	}
	buf_put_u8(w->out, '"');
	put_escaped(w->out, span_of(value.p, cut ? LOG_VALUE_MAX : value.len));
	buf_put_str(w->out, cut ? "...\"" : "\"");
}

static void put_number(struct writer *w, const char *key, uint64_t value, bool negative)
{
	put_key(w, key);
	if (negative)
		buf_put_u8(w->out, '-');
	buf_put_u64_text(w->out, value);
}

static void put_key(struct writer *w, const char *key)
{
	if (!w->first)
		buf_put_u8(w->out, w->json ? ',' : ' ');
	w->first = false;
	if (w->json)
		buf_put_u8(w->out, '"');
	buf_put_str(w->out, key);
	buf_put_str(w->out, w->json ? "\":" : "=");
}

/* May stand without quotes in logfmt. */
static bool is_bare(struct span value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.p[i] <= ' ' || value.p[i] >= 0x7f || strchr("\"=\\", value.p[i]))
			return false;
	return value.len > 0;
}

static void put_escaped(struct buf *out, struct span value)
{
	for (size_t at = 0; at < value.len;) {
		size_t plain = plain_bytes(span_from(value, at));
		uint8_t c = value.p[at];
		if (plain)
			buf_put(out, value.p + at, plain);
		else if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c == '\n')
			buf_put_str(out, "\\n");
		else if (c == '\t')
			buf_put_str(out, "\\t");
		else
			buf_printf(out, "\\u%04x", c < 0x80 ? c : 0xfffd);
		at += plain ? plain : 1;
	}
}

/* The length of one character that may stand as it is; 0: escape the first byte. Not plain:
 * controls (also U+0080..9F, which some terminals obey), quotes, and what is not UTF-8. */
static size_t plain_bytes(struct span at)
{
	uint8_t c = at.p[0];

	if (c < 0x80)
		return c >= ' ' && c != '"' && c != '\\' && c != 0x7f;
	size_t len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	if (c < 0xc2 || c > 0xf4 || at.len < len)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((at.p[i] & 0xc0) != 0x80)
			return 0;
	uint8_t second = at.p[1];
	bool bad = (c == 0xc2 && second < 0xa0) || (c == 0xe0 && second < 0xa0) ||
		   (c == 0xed && second > 0x9f) || (c == 0xf0 && second < 0x90) ||
		   (c == 0xf4 && second > 0x8f);
	return bad ? 0 : len;
}
