/* SPDX-License-Identifier: Apache-2.0 */
#include "common/target.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

#define PATIENCE_NS (5 * NS_PER_S)

static const char *value_of(const PQconninfoOption *all, const char *keyword);

void target_init(struct target *t, const char *url, const char *name)
{
	PQconninfoOption *all = PQconninfoParse(url, NULL); /* NULL: connecting will say why */
	const char *hosts = value_of(all, "host"), *ports = value_of(all, "port");

	*t = (struct target){.url = mem_str(url), .name = mem_str(name)};
	if (hosts && !value_of(all, "hostaddr") && lookup_is_needed(hosts)) {
		t->hosts = mem_str(hosts);
		t->ports = mem_str(ports ? ports : "");
	}
	PQconninfoFree(all);
}

void target_fini(struct target *t)
{
	mem_free(t->url);
	mem_free(t->name);
	mem_free(t->hosts);
	mem_free(t->ports);
}

PGconn *target_connect(const struct target *t, const struct lookup_found *found)
{
	/* What comes later wins: the URL over what we think best, what was found over the URL. */
	const char *keys[] = {"application_name",
			      "client_encoding",
			      "connect_timeout",
			      "keepalives_idle",
			      "keepalives_interval",
			      "keepalives_count",
			      "tcp_user_timeout",
			      "dbname",
			      found ? "host" : NULL,
			      "hostaddr",
			      "port",
			      NULL};
	const char *values[] = {t->name,
				"UTF8",
				"5",
				"5",
				"2",
				"3",
				"6000",
				t->url,
				found ? found->hosts : NULL,
				found ? found->addresses : NULL,
				found ? found->ports : NULL,
				NULL};
	PGconn *conn = PQconnectStartParams(keys, values, 1);

	must(conn);
	return conn;
}

int64_t target_patience_ns(PGconn *conn)
{
	PQconninfoOption *all = PQconninfo(conn);
	const char *text = value_of(all, "connect_timeout");
	int64_t seconds = text ? strtol(text, NULL, 10) : 0;

	PQconninfoFree(all);
	return seconds > 0 && seconds < 3600 ? seconds * NS_PER_S : PATIENCE_NS;
}

/* NULL: none. */
static const char *value_of(const PQconninfoOption *all, const char *keyword)
{
	for (const PQconninfoOption *at = all; at && at->keyword; at++)
		if (strcmp(at->keyword, keyword) == 0)
			return at->val && at->val[0] ? at->val : NULL;
	return NULL;
}
