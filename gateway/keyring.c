/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/keyring.h"

#include <string.h>

#include "common/log.h"

static void on_key(void *owner, enum err, const struct pg_rows *, const char *why);

void keyring_init(struct keyring *k, struct pg *pg)
{
	*k = (struct keyring){.pg = pg};
}

void keyring_fetch(struct keyring *k)
{
	if (keyring_is_ready(k) || k->asking || !pg_is_up(k->pg))
		return;
	k->asking = true;
	pg_query(k->pg, "SELECT moot_secret('resume')", NULL, 0, on_key, k);
}

bool keyring_is_ready(const struct keyring *k)
{
	return k->resume.len > 0;
}

static void on_key(void *owner, enum err e, const struct pg_rows *rows, const char *why)
{
	struct keyring *k = owner;

	k->asking = false;
	if (e || pg_count(rows) != 1) {
		log_warn("key_not_read", kv_str("err", err_name(e)), kv_str("why", why ? why : ""));
		return;
	}
	struct span key = pg_text(rows, 0, 0);

	k->resume.len = key.len < sizeof k->resume.bytes ? key.len : sizeof k->resume.bytes;
	memcpy(k->resume.bytes, key.p, k->resume.len);
}
