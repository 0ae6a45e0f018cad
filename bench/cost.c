/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/cost.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t cpu_of(int pid);
static int64_t thread_cpu(int pid, const char *thread);
static int64_t memory_of(int pid);

bool cost_processes_read(struct cost_processes *c, const char *text)
{
	memset(c, 0, sizeof *c);
	while (*text) {
		char *end;
		long pid = strtol(text, &end, 10);

		if (end == text || pid <= 0 || pid > INT32_MAX || c->count == COST_PROCESSES_MAX)
			return false;
		c->pids[c->count++] = (int)pid;
		text = *end == ',' ? end + 1 : end;
		if (*end && *end != ',')
			return false;
	}
	return true;
}

struct cost cost_now(const struct cost_processes *c)
{
	struct cost sum = {0};

	for (size_t i = 0; i < c->count; i++) {
		sum.cpu_ns += cpu_of(c->pids[i]);
		sum.memory_bytes += memory_of(c->pids[i]);
	}
	return sum;
}

/* schedstat has nanoseconds per thread; /proc/PID/stat would round to 10 ms. */
static int64_t cpu_of(int pid)
{
	char path[64];
	int64_t sum = 0;

	snprintf(path, sizeof path, "/proc/%d/task", pid);
	DIR *tasks = opendir(path);
	if (!tasks)
		return 0;
	for (struct dirent *d = readdir(tasks); d; d = readdir(tasks))
		if (d->d_name[0] != '.')
			sum += thread_cpu(pid, d->d_name);
	closedir(tasks);
	return sum;
}

static int64_t thread_cpu(int pid, const char *thread)
{
	char path[320], line[128];
	int64_t ns = 0;

	snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", pid, thread);
	FILE *f = fopen(path, "r");
	if (!f)
		return 0;
	if (fgets(line, sizeof line, f))
		ns = strtoll(line, NULL, 10);
	fclose(f);
	return ns;
}

static int64_t memory_of(int pid)
{
	static const char label[] = "Pss_Anon:";
	char path[64], line[256];
	int64_t kib = 0;

	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
	FILE *f = fopen(path, "r");
	if (!f)
		return 0;
	while (fgets(line, sizeof line, f))
		if (!strncmp(line, label, sizeof label - 1))
			kib = strtoll(line + sizeof label - 1, NULL, 10);
	fclose(f);
	return kib * 1024;
}
