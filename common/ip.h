/* SPDX-License-Identifier: Apache-2.0 */
/* An address of the Internet: IPv6, or IPv4 as IPv6 maps it (::ffff:a.b.c.d), so that who is named
 * in both ways is one. And ranges of them. Pure. */
#pragma once

#include "common/span.h"

#define IP_BYTES 16
#define IP_TEXT_MAX 46 /* with the NUL */

struct sockaddr;

struct ip {
	uint8_t bytes[IP_BYTES]; /* all zero: not known */
};

/* An address in the form of RFC 4291 or as four decimal numbers; false: it is none. */
MUST_USE bool ip_read(struct span text, struct ip *out);
struct ip ip_of(const struct sockaddr *); /* not known, unless it is of IPv4 or IPv6 */
struct ip ip_of_v4(const uint8_t bytes[4]);
struct ip ip_of_v6(const uint8_t bytes[IP_BYTES]);
bool ip_is_known(const struct ip *);
const char *ip_text(const struct ip *, char out[IP_TEXT_MAX]); /* `out`; IPv4 as four numbers */

struct ip_set;

/* Addresses and ranges (10.0.0.0/8, fd00::/8) with spaces between them. NULL: one of them is
 * neither, which is then `bad`. */
MUST_USE struct ip_set *ip_set_new(struct span text, struct span *bad);
void ip_set_free(struct ip_set **);
bool ip_set_has(const struct ip_set *, const struct ip *);
