/* SPDX-License-Identifier: Apache-2.0 */
/* moot-bench: load a server that speaks the v0 dialect and print what it cost, as one JSON line. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cost.h"
#include "bench/swarm.h"
#include "common/mem.h"

struct bench_options {
	struct swarm_options swarm;
	struct cost_processes servers;
	double rate, seconds;
	const char *label;
	bool merges;
};

static void usage(FILE *to)
{
	fputs("use: moot-bench fanout|idle --port P [options]\n"
	      "  fanout: casts at a fixed rate; prints CPU of the servers per delivered message\n"
	      "  idle:   open connections and leave them; prints the servers' user-space bytes per "
	      "connection\n"
	      "  --host A         address (127.0.0.1)\n"
	      "  --port P         port\n"
	      "  --connections N  how many in all (1000)\n"
	      "  --room N         connections per room (5)\n"
	      "  --casters N      of each room, how many cast (all)\n"
	      "  --merges         the server may leave out a cast for a newer one of its sender\n"
	      "  --rate R         casts per second in all (200)\n"
	      "  --seconds S      how long (5)\n"
	      "  --bytes B        length of a cast (200)\n"
	      "  --pids A,B       the servers' processes on this host, for their cost\n"
	      "  --label L        printed with the result\n"
	      "Users bench-<n> with sessions bench-<n>, and submissions bench-<room>, must "
	      "exist.\n",
	      to);
}

static double number(const char *option, const char *text, double min, double max)
{
	char *end;
	double v = strtod(text, &end);

	if (*end || end == text || v < min || v > max) {
		fprintf(stderr, "moot-bench: --%s takes a number from %g to %g, not \"%s\"\n",
			option, min, max, text);
		exit(2);
	}
	return v;
}

static void options_read(struct bench_options *o, int argc, char **argv)
{
	static const struct option rows[] = {
		{"host", 1, NULL, 'h'},    {"port", 1, NULL, 'p'},   {"connections", 1, NULL, 'c'},
		{"room", 1, NULL, 'm'},    {"rate", 1, NULL, 'r'},   {"seconds", 1, NULL, 's'},
		{"bytes", 1, NULL, 'b'},   {"pids", 1, NULL, 'i'},   {"label", 1, NULL, 'l'},
		{"casters", 1, NULL, 'a'}, {"merges", 0, NULL, 'g'}, {"help", 0, NULL, '?' + 1},
		{NULL, 0, NULL, 0},
	};
	int c, at = 0;

	while ((c = getopt_long(argc, argv, "", rows, &at)) != -1) {
		switch (c) {
		case 'h':
			o->swarm.host = optarg;
			break;
		case 'p':
			o->swarm.port = (uint16_t)number("port", optarg, 1, 65535);
			break;
		case 'c':
			o->swarm.connections = (size_t)number("connections", optarg, 1, 19000);
			break;
		case 'm':
			o->swarm.room_size = (size_t)number("room", optarg, 1, 19000);
			break;
		case 'a':
			o->swarm.casters = (size_t)number("casters", optarg, 1, 19000);
			break;
		case 'g':
			o->merges = true;
			break;
		case 'r':
			o->rate = number("rate", optarg, 0.1, 1e6);
			break;
		case 's':
			o->seconds = number("seconds", optarg, 0.1, 3600);
			break;
		case 'b':
			o->swarm.body_bytes = (size_t)number("bytes", optarg, 1, 450);
			break;
		case 'l':
			o->label = optarg;
			break;
		case 'i':
			if (cost_processes_read(&o->servers, optarg))
				break;
			fprintf(stderr,
				"moot-bench: --pids takes up to %d numbers, separated by commas\n",
				COST_PROCESSES_MAX);
			exit(2);
		case '?' + 1:
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			exit(2);
		}
	}
}

static int run_fanout(struct swarm *s, const struct bench_options *o)
{
	struct swarm_result *r = mem_new(sizeof *r);

	swarm_publish(s, o->rate, 1.0, r); /* warm up */
	struct cost before = cost_now(&o->servers);
	swarm_publish(s, o->rate, o->seconds, r);
	struct cost after = cost_now(&o->servers);
	double per = r->delivered ? (double)r->delivered : 1;

	printf("{\"label\":\"%s\",\"connections\":%zu,\"room\":%zu,\"sent\":%llu,\"expected\":%llu,"
	       "\"delivered\":%llu,"
	       "\"lost_sockets\":%llu,\"server_cpu_us_per_delivery\":%.2f,\"bench_cpu_us_per_"
	       "delivery\":%.2f,"
	       "\"p50_us\":%lld,\"p99_us\":%lld}\n",
	       o->label, o->swarm.connections, o->swarm.room_size, (unsigned long long)r->sent,
	       (unsigned long long)r->expected, (unsigned long long)r->delivered,
	       (unsigned long long)r->lost_sockets,
	       (double)(after.cpu_ns - before.cpu_ns) / 1000 / per,
	       (double)r->own_cpu_ns / 1000 / per, (long long)histogram_at(&r->latency, 0.5) / 1000,
	       (long long)histogram_at(&r->latency, 0.99) / 1000);
	bool whole = (r->delivered == r->expected || o->merges) && !r->lost_sockets;
	mem_free(r);
	return whole ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run_idle(struct swarm *s, const struct bench_options *o, struct cost before)
{
	struct cost opened = cost_now(&o->servers);

	swarm_wait(s, o->seconds);
	struct cost after = cost_now(&o->servers);
	double per = (double)o->swarm.connections;

	printf("{\"label\":\"%s\",\"connections\":%zu,\"bytes_per_connection\":%.0f,\"connect_cpu_"
	       "us\":%.1f,"
	       "\"idle_cpu_us_per_connection_s\":%.3f}\n",
	       o->label, o->swarm.connections,
	       (double)(after.memory_bytes - before.memory_bytes) / per,
	       (double)(opened.cpu_ns - before.cpu_ns) / 1000 / per,
	       (double)(after.cpu_ns - opened.cpu_ns) / 1000 / per / o->seconds);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct bench_options o = {.swarm = {.host = "127.0.0.1",
					    .connections = 1000,
					    .room_size = 5,
					    .body_bytes = 200},
				  .rate = 200,
				  .seconds = 5,
				  .label = ""};
	int rc = EXIT_FAILURE;

	options_read(&o, argc, argv);
	const char *what = optind < argc ? argv[optind] : "";
	if (!o.swarm.port || (strcmp(what, "fanout") != 0 && strcmp(what, "idle") != 0)) {
		usage(stderr);
		return 2;
	}
	struct cost before = cost_now(&o.servers);
	struct swarm *s = swarm_new(&o.swarm);
	if (swarm_connect(s) == OK)
		rc = strcmp(what, "idle") == 0 ? run_idle(s, &o, before) : run_fanout(s, &o);
	swarm_free(&s);
	return rc;
}
