/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/upgrade.h"

#include <strings.h>

#include "proto/frame.h"

static bool has_word(struct span list, const char *word);
static struct span trim(struct span s);
static bool is_key(struct span s);
static bool is_base64(uint8_t c);

struct upgrade_refusal upgrade_asked(const struct request *r)
{
	/* Compared with the case, as the v0 dialect does. */
	if (!span_is(request_field(r, "Upgrade"), "websocket"))
		return (struct upgrade_refusal){426, "Expected WebSocket upgrade request",
						"Upgrade: websocket\r\n"};
	return (struct upgrade_refusal){0};
}

/* Other subprotocols are ignored: a browser that wanted one sees that it was not granted. */
bool upgrade_is_native(const struct request *r)
{
	return has_word(request_field(r, "Sec-WebSocket-Protocol"), FRAME_PROTOCOL);
}

struct upgrade_refusal upgrade_valid(const struct request *r)
{
	if (!has_word(request_field(r, "Connection"), "upgrade"))
		return (struct upgrade_refusal){400, "The Connection header does not say Upgrade",
						NULL};
	if (!span_is(request_field(r, "Sec-WebSocket-Version"), "13"))
		return (struct upgrade_refusal){426, "Only version 13 of WebSocket is spoken here",
						"Sec-WebSocket-Version: 13\r\n"};
	if (!is_key(request_field(r, "Sec-WebSocket-Key")))
		return (struct upgrade_refusal){400, "Sec-WebSocket-Key is not 16 bytes in base64",
						NULL};
	return (struct upgrade_refusal){0};
}

struct span upgrade_key(const struct request *r)
{
	return request_field(r, "Sec-WebSocket-Key");
}

static bool has_word(struct span list, const char *word)
{
	struct span want = span_str(word);

	while (list.len > 0) {
		struct span one = trim(span_until(&list, ','));

		if (one.len == want.len && strncasecmp((const char *)one.p, word, one.len) == 0)
			return true;
	}
	return false;
}

static struct span trim(struct span s)
{
	while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = span_from(s, 1);
	while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* 16 bytes are 21 digits of 6 bits and one of 2, then two of padding. */
static bool is_key(struct span s)
{
	if (s.len != UPGRADE_KEY_LEN || s.p[22] != '=' || s.p[23] != '=')
		return false;
	for (size_t i = 0; i < 22; i++) {
		if (!is_base64(s.p[i]))
			return false;
	}
	return true;
}

static bool is_base64(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '+' || c == '/';
}
