/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/resume.h"

#include <inttypes.h>

#include "common/mac.h"
#include "proto/limits.h"

#define NUMBERS 2
#define SIGNED_MAX (NUMBERS * 16 + USER_ID_MAX)

static void sign(const struct resume_key *, const struct resume *, uint8_t out[MAC_LEN]);
static bool read_byte(struct span text, size_t at, uint8_t *out);
static int digit(uint8_t c);

void resume_put(struct buf *out, const struct resume_key *key, const struct resume *r)
{
	uint8_t mac[MAC_LEN];

	must(key->len > 0);
	sign(key, r, mac);
	buf_printf(out, "%016" PRIx64 "%016" PRIx64, r->session, r->conn_gen);
	for (size_t i = 0; i < MAC_LEN; i++)
		buf_printf(out, "%02x", mac[i]);
}

bool resume_read(struct span text, const struct resume_key *key, struct resume *out)
{
	uint8_t bytes[RESUME_TEXT_LEN / 2], mac[MAC_LEN];
	uint64_t numbers[NUMBERS] = {0};
	bool same = true;

	if (text.len != RESUME_TEXT_LEN || key->len == 0)
		return false;
	for (size_t i = 0; i < sizeof bytes; i++)
		if (!read_byte(text, i, &bytes[i]))
			return false;
	for (size_t i = 0; i < NUMBERS * 8; i++)
		numbers[i / 8] = numbers[i / 8] << 8 | bytes[i];
	out->session = numbers[0];
	out->conn_gen = numbers[1];
	sign(key, out, mac);
	for (size_t i = 0; i < MAC_LEN; i++) /* no early end: how far it was right is not told */
		same = (mac[i] == bytes[NUMBERS * 8 + i]) & same;
	return same;
}

static void sign(const struct resume_key *key, const struct resume *r, uint8_t out[MAC_LEN])
{
	struct buf text;

	buf_init(&text, SIGNED_MAX);
	buf_printf(&text, "%016" PRIx64 "%016" PRIx64, r->session, r->conn_gen);
	buf_put_span(&text, r->user);
	must(!text.over);
	mac_sign(span_of(key->bytes, key->len), buf_span(&text), out);
	buf_fini(&text);
}

static bool read_byte(struct span text, size_t at, uint8_t *out)
{
	int high = digit(text.p[2 * at]), low = digit(text.p[2 * at + 1]);

	if (high < 0 || low < 0)
		return false;
	*out = (uint8_t)(high << 4 | low);
	return true;
}

static int digit(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
