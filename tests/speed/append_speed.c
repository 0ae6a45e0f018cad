/* SPDX-License-Identifier: Apache-2.0 */
/* How fast a shard's own statements store events, by the size of a batch and the number of
 * connections ("lanes") that append at once. Each lane sends the next batch when the last one is
 * answered, as a shard does (roomd/journal_store.c), to rooms of its own. Slots must be owned by
 * incarnation 1 under epoch 1: bench/commit.mjs sees to that, and prints the table. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/histogram.h"
#include "common/mem.h"
#include "common/mono.h"
#include "proto/slot.h"
#include "roomd/store_pg.h"

#define LANES_MAX 16
#define BATCH_MAX 1024
#define ROOMS 64 /* of a lane */
#define OWNER ((incarnation_id){1})

struct load;

struct lane {
	struct load *load;
	struct store *store;
	unsigned index;
	char keys[ROOMS][32];
	unsigned slots[ROOMS];
	uint64_t heads[ROOMS];
	uint64_t pseq;
	int64_t sent_ns;
};

struct load {
	struct loop *loop;
	struct lane lanes[LANES_MAX];
	size_t lane_count, batch, up, running;
	int64_t until_ns, seconds;
	uint64_t events;
	struct histogram took; /* each batch */
	char body[512];
};

static void on_state(void *owner, bool up, const char *why);
static void send(struct lane *);
static void on_appended(void *owner, enum err, const struct store_stored *, size_t count);
static size_t put_slot(struct store_slot *, size_t count, unsigned slot);
static double cpu_us(void);
static void ignore_hint(void *owner, uint64_t version);
static void ignore(void *owner);

int main(int argc, char **argv)
{
	static struct load l;

	if (argc != 5) {
		fprintf(stderr, "append_speed URL LANES BATCH SECONDS\n");
		return 2;
	}
	l.lane_count = strtoul(argv[2], NULL, 10);
	l.batch = strtoul(argv[3], NULL, 10);
	l.seconds = strtol(argv[4], NULL, 10);
	if (l.lane_count < 1 || l.lane_count > LANES_MAX || l.batch < 1 || l.batch > BATCH_MAX)
		return 2;
	memset(l.body, 'x', sizeof l.body);
	memcpy(l.body, "{\"text\":\"", 9);
	memcpy(l.body + 248, "\"}", 2); /* 250 bytes */
	l.loop = loop_new();
	for (unsigned i = 0; i < l.lane_count; i++) {
		struct lane *lane = &l.lanes[i];

		lane->load = &l;
		lane->index = i;
		for (unsigned r = 0; r < ROOMS; r++) {
			snprintf(lane->keys[r], sizeof lane->keys[r], "submission:%ld-%u-%u",
				 (long)time(NULL), i, r);
			lane->slots[r] = slot_of(span_str(lane->keys[r]));
		}
		lane->store =
			store_open(l.loop, argv[1], "append_speed",
				   &(struct store_hooks){on_state, ignore_hint, ignore, lane});
	}
	loop_run(l.loop);
	printf("{\"events\":%" PRIu64 ",\"batches\":%" PRIu64 ",\"p50_us\":%" PRId64
	       ",\"p99_us\":%" PRId64 ",\"cpu_us\":%.0f}\n",
	       l.events, l.took.total, histogram_at(&l.took, 0.5) / 1000,
	       histogram_at(&l.took, 0.99) / 1000, cpu_us());
	for (unsigned i = 0; i < l.lane_count; i++)
		store_close(&l.lanes[i].store);
	loop_free(&l.loop);
	return 0;
}

/* They begin together. */
static void on_state(void *owner, bool up, const char *why)
{
	struct lane *lane = owner;
	struct load *l = lane->load;

	if (!up) {
		fprintf(stderr, "lane %u: %s\n", lane->index, why);
		exit(1);
	}
	if (++l->up < l->lane_count)
		return;
	l->until_ns = mono_now_ns() + l->seconds * NS_PER_S;
	l->running = l->lane_count;
	for (unsigned i = 0; i < l->lane_count; i++)
		send(&l->lanes[i]);
}

static void send(struct lane *lane)
{
	static struct store_append events[BATCH_MAX];
	static struct store_slot slots[BATCH_MAX];
	struct load *l = lane->load;
	struct store_batch batch = {.owner = OWNER, .slots = slots, .events = events};
	char producer[32];
	int len = snprintf(producer, sizeof producer, "p%u", lane->index);

	for (size_t i = 0; i < l->batch; i++) {
		unsigned room = (unsigned)(lane->pseq % ROOMS);

		events[batch.count++] = (struct store_append){
			.room = {lane->slots[room], span_str(lane->keys[room])},
			.head = lane->heads[room],
			.event = {.producer = span_of(producer, (size_t)len),
				  .pseq = ++lane->pseq,
				  .type = SPAN("comment_added"),
				  .actor = SPAN("u_1"),
				  .name = SPAN("Somebody"),
				  .body = span_of(l->body, 250),
				  .at_ms = wall_unix_ms(),
				  .shape = 1},
		};
		batch.slot_count = put_slot(slots, batch.slot_count, lane->slots[room]);
	}
	lane->sent_ns = mono_now_ns();
	store_append(lane->store, &batch, on_appended, lane);
}

static void on_appended(void *owner, enum err e, const struct store_stored *stored, size_t count)
{
	struct lane *lane = owner;
	struct load *l = lane->load;
	int64_t now_ns = mono_now_ns();
	uint64_t first = lane->pseq - l->batch;

	if (e) {
		fprintf(stderr, "lane %u: %s\n", lane->index, err_name(e));
		exit(1);
	}
	for (size_t i = 0; i < count; i++) {
		must(stored[i].seq > 0);
		lane->heads[(first + i) % ROOMS] = stored[i].seq;
	}
	l->events += count;
	histogram_add(&l->took, now_ns - lane->sent_ns);
	if (now_ns < l->until_ns)
		send(lane);
	else if (--l->running == 0)
		loop_stop(l->loop);
}

static size_t put_slot(struct store_slot *slots, size_t count, unsigned slot)
{
	for (size_t i = 0; i < count; i++)
		if (slots[i].slot == slot)
			return count;
	slots[count] = (struct store_slot){slot, OWNER, 1};
	return count + 1;
}

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void ignore_hint(void *owner, uint64_t version)
{
	(void)owner, (void)version;
}

static void ignore(void *owner)
{
	(void)owner;
}
