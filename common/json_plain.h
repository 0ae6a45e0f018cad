/* SPDX-License-Identifier: Apache-2.0 */
/* What json.c (structure) and json_text.c (strings) share. Internal to them. */
#pragma once

#include <string.h>

#include "common/span.h"

#define EVERY_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))
#define TOP_BITS EVERY_BYTE(UINT64_C(0x80))
#define JSON_NOT_HEX 16

/* An empty span may have no address, and NULL + 0 is not C. */
static inline const uint8_t *json_end(struct span s)
{
	return s.len ? s.p + s.len : s.p;
}

/* To the first quote, backslash or control byte. Eight bytes at a time: for each byte the top bit
 * of the word tells whether it is below 0x20, or equal to one of the two (x - 1 borrows only when x
 * is 0). A borrow may mark a byte above the first real hit, never below; so zero means that there
 * is none. */
static inline const uint8_t *json_skip_plain(const uint8_t *p, const uint8_t *end)
{
	while (end - p >= 8) {
		uint64_t word, quote, slash;

		memcpy(&word, p, sizeof word);
		quote = word ^ EVERY_BYTE('"');
		slash = word ^ EVERY_BYTE('\\');
		uint64_t hits = ((word - EVERY_BYTE(0x20)) & ~word) |
				((quote - EVERY_BYTE(1)) & ~quote) |
				((slash - EVERY_BYTE(1)) & ~slash);
		if (hits & TOP_BITS)
			break;
		p += 8;
	}
	while (p < end && *p >= 0x20 && *p != '"' && *p != '\\')
		p++;
	return p;
}

static inline uint32_t json_hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - (uint32_t)'0';
	if (c >= 'a' && c <= 'f')
		return c - (uint32_t)'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - (uint32_t)'A' + 10;
	return JSON_NOT_HEX;
}
