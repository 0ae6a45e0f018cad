/* SPDX-License-Identifier: Apache-2.0 */
/* moot-sim: runs seeds until one of them shows a violation. docs/simulator.md tells how to read it.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "tests/sim/world.h"

#define MUTANT_SEEDS 2000 /* within which each mutant must be found */

struct job {
	uint64_t first, count;
	double within; /* real seconds; 0: as long as it takes */
	int64_t seconds;
	enum mutant mutant;
	const char *only;
	bool traced, keeps_going, checks_repeat, async, full, native;
};

static uint64_t seed_now; /* for the signal handler alone */

static int usage(void);
static bool read_number(const char *text, uint64_t *out);
static bool read_args(int argc, char **argv, struct job *, bool *mutants);
static uint64_t run(const struct job *, uint64_t *digest);
static void report(const struct job *, const struct world *);
static uint64_t run_all(const struct job *, uint64_t *failed_seed);
static int run_mutants(const struct job *);
static void on_abort(int signo);
static double real_seconds(void);

int main(int argc, char **argv)
{
	struct job job = {.count = 200, .seconds = 30};
	bool mutants = false;
	uint64_t failed_seed;

	job.first = (uint64_t)time(NULL) * 1000003 % 1000000000;
	if (!read_args(argc, argv, &job, &mutants))
		return usage();
	signal(SIGABRT, on_abort);
	log_set_level(LOG_LEVEL_ERROR);
	if (mutants)
		return run_mutants(&job);
	printf("seeds from %" PRIu64 " on, %" PRId64 " s each\n", job.first, job.seconds);
	fflush(stdout);
	return run_all(&job, &failed_seed) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int usage(void)
{
	fprintf(stderr,
		"moot-sim [--seeds N] [--first S] [--seconds V] [--within R] [--seed S] [--trace]\n"
		"         [--fault NAME] [--mutant NAME] [--mutants] [--all] [--repeat] [--async]\n"
		"         [--full] [--native]\n"
		"--within R  begin no seed after so many real seconds\n"
		"--seed S    that one; with --trace all that happens, on stderr\n"
		"--full      always 3 gateways, 3 to 5 shards, up to three faults of any kind at "
		"once\n"
		"--native    always native clients beside those of v0\n"
		"--all       do not end with the first violation\n"
		"--async     a failover may lose the last values of the view's version\n"
		"--repeat    each seed twice; both must end the same\n"
		"--mutants   each mutant, until it is found\n"
		"faults:\n");
	fault_list();
	printf("mutants:\n");
	for (unsigned i = 1; i < MUTANTS; i++)
		printf("  %-18s %s\n", mutant_rows[i].name, mutant_rows[i].what);
	return 2;
}

static bool read_args(int argc, char **argv, struct job *job, bool *mutants)
{
	const struct {
		const char *name;
		bool *is_set;
	} switches[] = {
		{"--trace", &job->traced},
		{"--all", &job->keeps_going},
		{"--repeat", &job->checks_repeat},
		{"--async", &job->async},
		{"--full", &job->full},
		{"--native", &job->native},
		{"--mutants", mutants},
	};
	uint64_t n;

	for (int i = 1; i < argc; i++) {
		const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";

		size_t at = 0;

		while (at < ARRAY_LEN(switches) && strcmp(name, switches[at].name) != 0)
			at++;
		if (at < ARRAY_LEN(switches)) {
			*switches[at].is_set = true;
			continue;
		}
		i++;
		if (!strcmp(name, "--mutant") && mutant_of(value) < MUTANTS)
			job->mutant = mutant_of(value);
		else if (!strcmp(name, "--fault") && fault_is_known(value))
			job->only = value;
		else if (!strcmp(name, "--seeds") && read_number(value, &n))
			job->count = n;
		else if (!strcmp(name, "--first") && read_number(value, &n))
			job->first = n;
		else if (!strcmp(name, "--seed") && read_number(value, &n))
			job->first = n, job->count = 1;
		else if (!strcmp(name, "--within") && read_number(value, &n))
			job->within = (double)n;
		else if (!strcmp(name, "--seconds") && read_number(value, &n) && n >= 25)
			job->seconds = (int64_t)n;
		else
			return false;
	}
	return true;
}

static bool read_number(const char *text, uint64_t *out)
{
	char *end;

	*out = strtoull(text, &end, 10);
	return *text && !*end;
}

static uint64_t run_all(const struct job *job, uint64_t *failed_seed)
{
	uint64_t failed = 0, done = 0, once, twice;
	double began = real_seconds(), took = 0;

	while (done < job->count && (!failed || job->keeps_going) &&
	       (job->within == 0 || took < job->within)) {
		struct job one = *job;

		one.first = job->first + done++;
		if (run(&one, &once)) {
			failed++;
			*failed_seed = one.first;
		}
		if (job->checks_repeat && (run(&one, &twice), once != twice)) {
			printf("seed %" PRIu64 ": not the same twice\n", one.first);
			failed++;
		}
		took = real_seconds() - began;
	}
	if (job->mutant == MUTANT_NONE)
		printf("%" PRIu64 " seeds, %" PRIu64 " violations; %.0f virtual s in %.1f s: %.0f "
		       "per second\n",
		       done, failed, (double)done * (double)job->seconds, took,
		       (double)done * (double)job->seconds / (took > 0 ? took : 1));
	return failed;
}

/* 1: violated. */
static uint64_t run(const struct job *job, uint64_t *digest)
{
	seed_now = job->first;
	struct world *w = world_run(&(struct world_setup){
		.seed = job->first,
		.seconds = job->seconds,
		.mutant = job->mutant,
		.only = job->only,
		.async = job->async,
		.full = job->full,
		.native = job->native,
		.traced = job->traced,
	});
	bool violated = w->sim.violated;

	if (violated)
		report(job, w);
	*digest = w->sim.digest;
	world_free(&w);
	return violated;
}

static void report(const struct job *job, const struct world *w)
{
	printf("seed %" PRIu64 ": %s at %.3f s (%s): %s; replay: moot-sim --seed %" PRIu64
	       " --seconds %" PRId64,
	       job->first, w->sim.violated, (double)w->sim.violated_ns / 1e9, w->plan.faults->name,
	       w->sim.what, job->first, job->seconds);
	if (job->async)
		printf(" --async");
	if (job->full)
		printf(" --full");
	if (job->native)
		printf(" --native");
	if (job->only)
		printf(" --fault %s", job->only);
	if (job->mutant)
		printf(" --mutant %s", mutant_rows[job->mutant].name);
	printf(" --trace\n");
	fflush(stdout);
}

static int run_mutants(const struct job *job)
{
	int missed = 0;

	for (unsigned i = 1; i < MUTANTS; i++) {
		struct job one = *job;
		uint64_t failed_seed = 0;

		one.mutant = (enum mutant)i;
		one.count = MUTANT_SEEDS;
		if (run_all(&one, &failed_seed)) {
			printf("%s: found by seed %" PRIu64 " of %d\n", mutant_rows[i].name,
			       failed_seed - job->first + 1, MUTANT_SEEDS);
			continue;
		}
		printf("%s: NOT found in %d seeds from %" PRIu64 " on\n", mutant_rows[i].name,
		       MUTANT_SEEDS, job->first);
		missed++;
	}
	return missed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* An assertion of the product failed: say with which seed. */
static void on_abort(int signo)
{
	char text[96];
	int len = snprintf(text, sizeof text, "aborted in seed %" PRIu64 "\n", seed_now);

	(void)signo;
	if (write(STDERR_FILENO, text, (size_t)len) < 0)
		_exit(EXIT_FAILURE);
}

static double real_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
