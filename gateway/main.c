/* SPDX-License-Identifier: Apache-2.0 */
/* moot-gateway: the table of contents. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ip.h"
#include "common/log.h"
#include "common/options_reload.h"
#include "gateway/gateway.h"
#include "gateway/options.h"

#define NAME_LEN 64 /* what `member` takes, and the NUL */

static const char *name_of(const char *given, char out[NAME_LEN]);
static enum log_level level_of(const char *name);
static enum log_format format_of(const char *name);
static void check_front(const struct gateway_options *opt);
static NO_RETURN void complain(const char *option, const char *value, const char *known);

int main(int argc, char **argv)
{
	static struct gateway_options opt; /* its strings live as long as the process */
	static char name[NAME_LEN];

	options_load(&gateway_option_table, argc, argv, environ,
		     &opt); /* or exits, naming the bad option */
	opt.node_name = name_of(opt.node_name, name);
	log_open("gateway", opt.node_name, level_of(opt.log_level), format_of(opt.log_format));
	check_front(&opt);
	struct options_reload *reload =
		options_reload_new(&gateway_option_table, argc, argv, environ, &opt);
	struct gateway *gw = gateway_open(&opt, reload); /* links first, listener last */
	bool well =
		gw && gateway_run(gw); /* until SIGTERM: stop listening, drain; NULL: said why */
	gateway_close(&gw);
	options_reload_free(&reload);
	return well ? EXIT_SUCCESS : EXIT_FAILURE;
}

static const char *name_of(const char *given, char out[NAME_LEN])
{
	char host[NAME_LEN - 16] = "";

	if (strlen(given) >= NAME_LEN)
		complain("node.name", given, "at most 63 bytes");
	if (given[0])
		return given;
	if (gethostname(host, sizeof host - 1))
		host[0] = '\0';
	snprintf(out, NAME_LEN, "%s-%ld", host[0] ? host : "gateway", (long)getpid());
	return out;
}

static enum log_level level_of(const char *name)
{
	enum log_level level;

	if (!log_level_of(name, &level))
		complain("log.level", name, "error, warn, info or debug");
	return level;
}

static enum log_format format_of(const char *name)
{
	if (!strcmp(name, "logfmt"))
		return LOG_FORMAT_LOGFMT;
	if (!strcmp(name, "json"))
		return LOG_FORMAT_JSON;
	complain("log.format", name, "logfmt or json");
}

static void check_front(const struct gateway_options *opt)
{
	bool tls = opt->tls_port != 0 || opt->tls_own_port != 0;
	struct span bad;
	struct ip_set *proxies = ip_set_new(span_str(opt->proxy_trusted), &bad);

	if (!proxies)
		complain(
			"proxy.trusted", opt->proxy_trusted,
			"a list of addresses and ranges like 10.0.0.0/8, with spaces between them");
	ip_set_free(&proxies);
	if (opt->proxy_protocol && !opt->proxy_trusted[0])
		complain("proxy.trusted", "", "a list of proxies when proxy.protocol is on");
	if (tls && !opt->tls_certificate[0])
		complain("tls.certificate", "", "a PEM file when there is a port for TLS");
	if (tls && !opt->tls_key[0])
		complain("tls.key", "", "a PEM file when there is a port for TLS");
}

static NO_RETURN void complain(const char *option, const char *value, const char *known)
{
	fprintf(stderr, "moot-gateway: %s is %s, not \"%s\"\n", option, known, value);
	exit(78);
}
