/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HALVINGS_MAX 5

int64_t memory_idle_ns(int64_t idle_ns, uint64_t aim, uint64_t used)
{
	if (aim < 8 || used <= aim)
		return idle_ns;
	uint64_t halvings = (used - aim) / (aim / 8) + 1;

	return idle_ns >> (halvings < HALVINGS_MAX ? halvings : HALVINGS_MAX);
}

uint64_t memory_used(void)
{
	char line[128] = "", *resident = line;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f)
		return 0;
	if (fgets(line, sizeof line, f))
		(void)strtoul(line, &resident, 10); /* the first is the whole address space */
	(void)fclose(f);
	return strtoul(resident, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}
