/* SPDX-License-Identifier: Apache-2.0 */
/* moot-roomd: the table of contents. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/options_reload.h"
#include "roomd/endpoint.h"
#include "roomd/options.h"
#include "roomd/roomd.h"

static enum log_level level_of(const char *name);
static enum log_format format_of(const char *name);
static NO_RETURN void complain(const char *option, const char *value, const char *known);

int main(int argc, char **argv)
{
	struct roomd_options opt;
	char name[ROOMD_NAME_LEN];

	options_load(&roomd_option_table, argc, argv, environ,
		     &opt); /* or exits, naming the bad option */
	if (!endpoint_path_is_good(opt.bus_path))
		complain("bus.path", opt.bus_path,
			 "the whole path of a file, of at most 107 bytes");
	roomd_name(&opt, name);
	log_open("roomd", name, level_of(opt.log_level), format_of(opt.log_format));
	struct options_reload *reload =
		options_reload_new(&roomd_option_table, argc, argv, environ, &opt);
	struct roomd *r = roomd_open(&opt, name, reload); /* the bus first, then the store */
	bool well = r && roomd_run(r);                    /* NULL: said why */
	roomd_close(&r);
	options_reload_free(&reload);
	options_fini(&roomd_option_table, &opt);
	return well ? EXIT_SUCCESS : EXIT_FAILURE;
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

static NO_RETURN void complain(const char *option, const char *value, const char *known)
{
	fprintf(stderr, "moot-roomd: %s is %s, not \"%s\"\n", option, known, value);
	exit(78);
}
