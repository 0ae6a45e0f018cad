/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/cost.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static int64_t last_seen(const struct cost_meter *, int pid);
static int64_t cpu_of(int pid);
static int64_t thread_cpu(int pid, const char *thread);
static int64_t memory_of(int pid);

bool cost_watch(struct cost_meter *c, const char *text)
{
	struct cost_meter next = {.count = 0};

	while (*text) {
		char *end;
		long pid = strtol(text, &end, 10);

		if (end == text || pid <= 0 || pid > INT32_MAX || next.count == COST_PROCESSES_MAX)
			return false;
		next.of[next.count].pid = (int)pid;
		next.of[next.count].cpu_ns = last_seen(c, (int)pid);
		next.count++;
		text = *end == ',' ? end + 1 : end;
		if (*end && *end != ',')
			return false;
	}
	*c = next;
	return true;
}

static int64_t last_seen(const struct cost_meter *c, int pid)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->of[i].pid == pid)
			return c->of[i].cpu_ns;
	return cpu_of(pid);
}

struct cost cost_read(struct cost_meter *c)
{
	struct cost sum = {0};

	for (size_t i = 0; i < c->count; i++) {
		int64_t cpu_ns = cpu_of(c->of[i].pid);

		if (cpu_ns > c->of[i].cpu_ns) {
			sum.cpu_ns += cpu_ns - c->of[i].cpu_ns;
			c->of[i].cpu_ns = cpu_ns;
		}
		sum.memory_bytes += memory_of(c->of[i].pid);
	}
	return sum;
}

int64_t cost_own_cpu_ns(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * NS_PER_S +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
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
