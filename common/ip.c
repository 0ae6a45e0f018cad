/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"

#define V4_AT 12 /* where the bytes of IPv4 lie in a mapped address */

struct ip_range {
	struct ip base;
	unsigned bits; /* of it that count */
};

struct ip_set {
	struct ip_range *ranges;
	size_t count;
};

static const uint8_t mapped[V4_AT] = {[10] = 0xff, [11] = 0xff};

static bool is_v4(const struct ip *ip);
static bool add(struct ip_set *set, struct span text);
static bool read_bits(struct span text, unsigned max, unsigned *out);
static bool is_in(const struct ip_range *range, const struct ip *ip);

bool ip_read(struct span text, struct ip *out)
{
	char copy[IP_TEXT_MAX];
	uint8_t v4[4];

	*out = (struct ip){0};
	if (text.len == 0 || text.len >= sizeof copy || memchr(text.p, '\0', text.len))
		return false;
	memcpy(copy, text.p, text.len);
	copy[text.len] = '\0';
	if (inet_pton(AF_INET6, copy, out->bytes) == 1)
		return true;
	if (inet_pton(AF_INET, copy, v4) != 1)
		return false;
	*out = ip_of_v4(v4);
	return true;
}

struct ip ip_of(const struct sockaddr *at)
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;

	switch (at->sa_family) {
	case AF_INET6:
		memcpy(&v6, at, sizeof v6);
		return ip_of_v6(v6.sin6_addr.s6_addr);
	case AF_INET:
		memcpy(&v4, at, sizeof v4);
		return ip_of_v4((const uint8_t *)&v4.sin_addr.s_addr);
	}
	return (struct ip){0};
}

struct ip ip_of_v4(const uint8_t bytes[4])
{
	struct ip ip;

	memcpy(ip.bytes, mapped, V4_AT);
	memcpy(ip.bytes + V4_AT, bytes, 4);
	return ip;
}

struct ip ip_of_v6(const uint8_t bytes[IP_BYTES])
{
	struct ip ip;

	memcpy(ip.bytes, bytes, IP_BYTES);
	return ip;
}

bool ip_is_known(const struct ip *ip)
{
	static const struct ip none;

	return memcmp(ip, &none, sizeof none) != 0;
}

const char *ip_text(const struct ip *ip, char out[IP_TEXT_MAX])
{
	if (!ip_is_known(ip))
		snprintf(out, IP_TEXT_MAX, "unknown");
	else if (is_v4(ip))
		inet_ntop(AF_INET, ip->bytes + V4_AT, out, IP_TEXT_MAX);
	else
		inet_ntop(AF_INET6, ip->bytes, out, IP_TEXT_MAX);
	return out;
}

struct ip_set *ip_set_new(struct span text, struct span *bad)
{
	struct ip_set *set = mem_new(sizeof *set);

	while (text.len > 0) {
		struct span one = span_until(&text, ' ');

		if (one.len > 0 && !add(set, one)) {
			*bad = one;
			ip_set_free(&set);
			return NULL;
		}
	}
	return set;
}

void ip_set_free(struct ip_set **pset)
{
	struct ip_set *set = *pset;

	if (!set)
		return;
	*pset = NULL;
	mem_free(set->ranges);
	mem_free(set);
}

bool ip_set_has(const struct ip_set *set, const struct ip *ip)
{
	for (size_t i = 0; i < set->count; i++) {
		if (is_in(&set->ranges[i], ip))
			return true;
	}
	return false;
}

static bool is_v4(const struct ip *ip)
{
	return memcmp(ip->bytes, mapped, V4_AT) == 0;
}

static bool add(struct ip_set *set, struct span text)
{
	size_t whole = text.len;
	struct span address = span_until(&text, '/');
	struct ip_range range = {.bits = 8 * IP_BYTES};
	bool has_bits = address.len < whole;

	if (!ip_read(address, &range.base))
		return false;
	unsigned head = is_v4(&range.base) && !memchr(address.p, ':', address.len) ? 8 * V4_AT : 0;

	if (has_bits && !read_bits(text, 8 * IP_BYTES - head, &range.bits))
		return false;
	if (has_bits)
		range.bits += head;
	set->ranges = mem_grow(set->ranges, (set->count + 1) * sizeof *set->ranges);
	set->ranges[set->count++] = range;
	return true;
}

static bool read_bits(struct span text, unsigned max, unsigned *out)
{
	*out = 0;
	if (text.len == 0 || text.len > 3)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		*out = *out * 10 + (unsigned)(text.p[i] - '0');
	}
	return *out <= max;
}

static bool is_in(const struct ip_range *range, const struct ip *ip)
{
	unsigned whole = range->bits / 8, rest = range->bits % 8;

	if (memcmp(range->base.bytes, ip->bytes, whole) != 0)
		return false;
	return rest == 0 || (range->base.bytes[whole] ^ ip->bytes[whole]) >> (8 - rest) == 0;
}
