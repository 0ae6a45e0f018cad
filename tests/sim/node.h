/* SPDX-License-Identifier: Apache-2.0 */
/* A place where a process of ours runs, one run after the other: what waits to be read, the turns
 * of its loop, stopping (SIGSTOP), killing, and the supervisor that starts it again. What a turn
 * does is in node_shard.c and node_gateway.c. */
#pragma once

#include "common/list.h"
#include "common/span.h"
#include "tests/sim/sim.h"

struct world;
struct node;

/* Something a process will read: a message, an answer of the database, a client, a signal. */
struct input {
	struct list node;
	void (*take)(struct input *, struct node *); /* consumes it; in a turn of the process */
	void (*drop)(struct input *);                /* consumes it: the process is gone */
};

enum node_kind { NODE_SHARD, NODE_GATEWAY };

struct node {
	struct world *world;
	enum node_kind kind;
	unsigned index;
	char name[16], endpoint[24]; /* of a shard: of this run */
	incarnation_id id;           /* of this run; 0: nothing runs here */
	unsigned runs;
	bool paused;
	bool leaving;                           /* was told to go */
	bool idle;                              /* not to be started again by the supervisor */
	int64_t start_ns, pause_ns, trouble_ns; /* trouble: when a fault last hit it */
	struct list inbox;
	size_t inbox_count;
	struct event turn, resume, start;
	struct shard_process *shard; /* one of the two while something runs */
	struct gateway_process *gateway;
};

void node_init(struct node *, struct world *, enum node_kind, unsigned index);
void node_fini(struct node *);

void node_start(struct node *); /* nothing runs there */
void node_start_in(struct node *, int64_t ns);
/* As by SIGKILL; the supervisor starts the next run after `restart_ns`, or never (SIM_NEVER). */
void node_kill(struct node *, int64_t restart_ns);
void node_pause(struct node *, int64_t ns); /* reads nothing, its timers are late */
void node_resume(struct node *);            /* before its time; fine when it is not stopped */
void node_terminate(struct node *);         /* as by SIGTERM */
void node_exit(struct node *, const char *why, int64_t restart_ns); /* from its own turn */

void node_give(struct node *, struct input *); /* dropped at once when nothing runs there */
bool node_runs(const struct node *);
bool node_serves(const struct node *); /* runs, is not stopped and was not told to go */

/* The two kinds. A turn returns when the next one is due at the latest. */
struct shard_process *shard_process_new(struct node *);
void shard_process_free(struct shard_process **);
int64_t shard_process_turn(struct shard_process *, int64_t now_ns);
void shard_process_terminate(struct shard_process *, int64_t now_ns);
void shard_process_receive(struct shard_process *, struct span route, struct span bytes);
const struct shard *shard_process_shard(const struct shard_process *);

struct gateway_process *gateway_process_new(struct node *);
void gateway_process_free(struct gateway_process **);
int64_t gateway_process_turn(struct gateway_process *, int64_t now_ns);
void gateway_process_terminate(struct gateway_process *, int64_t now_ns);
