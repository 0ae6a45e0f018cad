/* SPDX-License-Identifier: Apache-2.0 */
/* Who and what stands before the public ports: the certificate that TLS is served with, and the
 * proxies whose word on where a client comes from is taken. Owner: gateway. */
#pragma once

#include "common/ip.h"
#include "gateway/options.h"

struct tls;

struct front {
	struct tls *tls;        /* NULL: no port with TLS */
	struct ip_set *proxies; /* empty: none */
};

/* Of settings that main has checked. Errors: SYSTEM: no certificate to serve; said in the log. */
MUST_USE enum err front_open(struct front *, const struct gateway_options *);
/* The certificate, read again. Errors: as front_open, and then the one of before is served. */
MUST_USE enum err front_reload(struct front *, const struct gateway_options *);
void front_fini(struct front *);
