/* SPDX-License-Identifier: Apache-2.0 */
/* moot-gateway: the table of contents. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "gateway/gateway.h"
#include "gateway/options.h"

static enum log_level level_of(const char *name);
static enum log_format format_of(const char *name);
static NO_RETURN void complain(const char *option, const char *value, const char *known);

int main(int argc, char **argv)
{
	static struct gateway_options opt; /* its strings live as long as the process */

	options_load(&gateway_option_table, argc, argv, environ,
		     &opt); /* or exits, naming the bad option */
	log_open("gateway", opt.node_name, level_of(opt.log_level), format_of(opt.log_format));
	struct gateway *gw = gateway_open(&opt); /* links first, listener last */
	if (!gw)
		return EXIT_FAILURE; /* said why where it failed */
	bool well = gateway_run(gw); /* until SIGTERM: stop listening, drain */
	gateway_close(&gw);
	return well ? EXIT_SUCCESS : EXIT_FAILURE;
}

static enum log_level level_of(const char *name)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};

	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(name, names[i]))
			return (enum log_level)i;
	complain("log.level", name, "error, warn, info or debug");
}

static enum log_format format_of(const char *name)
{
	if (!strcmp(name, "logfmt"))
		return LOG_FORMAT_LOGFMT;
	if (!strcmp(name, "json"))
		return LOG_FORMAT_JSON;
	complain("log.format", name, "logfmt or json");
}

static NO_RETURN void complain(const char *option, const char *value, const char *known)
{
	fprintf(stderr, "moot-gateway: %s is %s, not \"%s\"\n", option, known, value);
	exit(78);
}
