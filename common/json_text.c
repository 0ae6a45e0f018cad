/* SPDX-License-Identifier: Apache-2.0 */
/* Strings of JSON: unescaping, escaping, and whether text is UTF-8. Trusts, where it reads JSON,
 * that json_check has seen it, but never reads past its end. */
#include "common/json.h"

#include "common/json_plain.h"

#define REPLACEMENT 0xfffd

static bool is_ascii_word(const uint8_t *p, const uint8_t *end);
static uint8_t escape_letter(uint8_t c);
static size_t unescape(const uint8_t **p, const uint8_t *end, uint8_t out[4]);
static uint8_t escaped_byte(uint8_t letter);
static uint32_t read_code(const uint8_t **p, const uint8_t *end);
static uint32_t read_unit(const uint8_t *hex);
static size_t encode_utf8(uint32_t code, uint8_t out[4]);
static size_t sequence_len(const uint8_t *p, size_t left);

bool json_name_is(struct span raw_name, const char *s)
{
	const uint8_t *p = raw_name.p, *end = json_end(raw_name);
	size_t left = strlen(s);

	if (!memchr(p, '\\', raw_name.len))
		return raw_name.len == left && memcmp(p, s, left) == 0;
	while (p < end) {
		uint8_t bytes[4];
		size_t len = unescape(&p, end, bytes);

		if (len > left || memcmp(bytes, s, len) != 0)
			return false;
		s += len;
		left -= len;
	}
	return left == 0;
}

enum err json_string(struct span value, struct buf *out)
{
	must(value.len >= 2);
	const uint8_t *p = value.p + 1, *end = value.p + value.len - 1;

	while (p < end) {
		const uint8_t *plain = p;
		const uint8_t *escape = memchr(p, '\\', (size_t)(end - p));
		uint8_t bytes[4];

		p = escape ? escape : end;
		buf_put(out, plain, (size_t)(p - plain));
		if (p < end)
			buf_put(out, bytes, unescape(&p, end, bytes));
	}
	return out->over ? ERR_TOO_BIG : OK;
}

void json_put_string(struct buf *out, struct span text)
{
	const uint8_t *p = text.p, *end = json_end(text);

	buf_put_u8(out, '"');
	while (p < end) {
		const uint8_t *plain = p;

		p = json_skip_plain(p, end);
		buf_put(out, plain, (size_t)(p - plain));
		if (p == end)
			break;
		uint8_t letter = escape_letter(*p);
		if (letter)
			buf_put(out, (const uint8_t[]){'\\', letter}, 2);
		else
			buf_printf(out, "\\u%04x", *p);
		p++;
	}
	buf_put_u8(out, '"');
}

bool json_is_utf8(struct span text)
{
	const uint8_t *p = text.p, *end = json_end(text);

	while (p < end) {
		if (is_ascii_word(p, end)) {
			p += 8;
			continue;
		}
		size_t len = sequence_len(p, (size_t)(end - p));
		if (len == 0)
			return false;
		p += len;
	}
	return true;
}

/* Eight bytes at once, none of them above 0x7f. */
static bool is_ascii_word(const uint8_t *p, const uint8_t *end)
{
	uint64_t word;

	if (end - p < 8)
		return false;
	memcpy(&word, p, sizeof word);
	return !(word & TOP_BITS);
}

/* What stands for `c` after a backslash; 0: only \u00XX does. The spelling is that of
 * JSON.stringify. */
static uint8_t escape_letter(uint8_t c)
{
	switch (c) {
	case '"':
	case '\\':
		return c;
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		return 0;
	}
}

/* One byte, or one escape as UTF-8; the length of what it became. */
static size_t unescape(const uint8_t **p, const uint8_t *end, uint8_t out[4])
{
	if (**p != '\\') {
		out[0] = *(*p)++;
		return 1;
	}
	must(end - *p >= 2);
	uint8_t c = (*p)[1];
	if (c == 'u')
		return encode_utf8(read_code(p, end), out);
	out[0] = escaped_byte(c);
	*p += 2;
	return 1;
}

static uint8_t escaped_byte(uint8_t letter)
{
	switch (letter) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return letter;
	}
}

/* \uXXXX, or two of them that form a pair. */
static uint32_t read_code(const uint8_t **p, const uint8_t *end)
{
	must(end - *p >= 6);
	uint32_t high = read_unit(*p + 2);

	*p += 6;
	if (high < 0xd800 || high > 0xdfff)
		return high;
	if (high > 0xdbff || end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
		return REPLACEMENT;
	uint32_t low = read_unit(*p + 2);
	if (low < 0xdc00 || low > 0xdfff)
		return REPLACEMENT;
	*p += 6;
	return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

static uint32_t read_unit(const uint8_t *hex)
{
	return json_hex_digit(hex[0]) << 12 | json_hex_digit(hex[1]) << 8 |
	       json_hex_digit(hex[2]) << 4 | json_hex_digit(hex[3]);
}

static size_t encode_utf8(uint32_t code, uint8_t out[4])
{
	if (code < 0x80) {
		out[0] = (uint8_t)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (uint8_t)(0xc0 | code >> 6);
		out[1] = (uint8_t)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (uint8_t)(0xe0 | code >> 12);
		out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | code >> 18);
	out[1] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (code & 0x3f));
	return 4;
}

/* Of the character at `p`; 0: not valid. RFC 3629, section 4: the second byte's range keeps out
 * overlong forms, surrogates and what lies above U+10FFFF. */
static size_t sequence_len(const uint8_t *p, size_t left)
{
	uint8_t low = 0x80, high = 0xbf;
	size_t len;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		low = 0xa0;
	if (p[0] == 0xed)
		high = 0x9f;
	if (p[0] == 0xf0)
		low = 0x90;
	if (p[0] == 0xf4)
		high = 0x8f;
	if (left < len || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}
