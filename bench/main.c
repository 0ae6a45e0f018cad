/* SPDX-License-Identifier: Apache-2.0 */
/* moot-bench: the table of contents. */
#include <stdlib.h>
#include <string.h>

#include "bench/commands.h"

int main(int argc, char **argv)
{
	for (size_t i = 0; i < command_count && argc > 1; i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "--help")) {
		commands_put_help(stdout);
		return EXIT_SUCCESS;
	}
	commands_put_help(stderr);
	return 2;
}
