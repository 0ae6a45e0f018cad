/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/drain.h"

#include "common/log.h"
#include "common/mem.h"
#include "gateway/metrics.h"

#define LINGER_NS (6 * NS_PER_S)   /* closing handshakes may take so long after the spread */
#define FAREWELL_NS (NS_PER_S / 2) /* for the database to take our last word */
#define FLUSH_NS (100 * NS_PER_MS) /* for the bus to take our GOODBYEs */

enum drain_stage { DRAIN_OFF, DRAIN_SETTLING, DRAIN_SENDING_AWAY, DRAIN_LEAVING, DRAIN_DONE };

struct drain {
	struct drain_setup setup;
	enum drain_stage stage;
	int64_t start_ns; /* of the stage */
	size_t at_start;  /* clients when it began */
	size_t sent_away;
	bool left; /* the database knows */
};

static void begin(struct drain *, int64_t now_ns);
static void send_away(struct drain *, int64_t now_ns);
static void leave(struct drain *, int64_t now_ns);
static void on_left(void *owner);

struct drain *drain_new(const struct drain_setup *setup)
{
	struct drain *d = mem_new(sizeof *d);

	d->setup = *setup;
	return d;
}

void drain_free(struct drain **pd)
{
	mem_free(*pd);
	*pd = NULL;
}

void drain_start(struct drain *d, const char *why)
{
	if (d->stage != DRAIN_OFF) {
		log_warn("drain_cut_short", kv_str("why", why));
		loop_stop(d->setup.loop);
		return;
	}
	d->stage = DRAIN_SETTLING;
	d->start_ns = loop_now_ns(d->setup.loop);
	metrics_set(METRIC_draining, 1);
	log_info("draining", kv_str("why", why),
		 kv_u64("clients", session_set_connected(d->setup.sessions)));
	if (!d->setup.settle_ns)
		begin(d, d->start_ns);
}

bool drain_is_on(const struct drain *d)
{
	return d->stage != DRAIN_OFF;
}

bool drain_takes_clients(const struct drain *d)
{
	return d->stage <= DRAIN_SETTLING;
}

void drain_tick(struct drain *d, int64_t now_ns)
{
	int64_t stage_ns = now_ns - d->start_ns;

	switch (d->stage) {
	case DRAIN_SETTLING:
		if (stage_ns >= d->setup.settle_ns)
			begin(d, now_ns);
		break;
	case DRAIN_SENDING_AWAY:
		send_away(d, now_ns);
		if (!session_set_connected(d->setup.sessions) ||
		    stage_ns > d->setup.spread_ns + LINGER_NS)
			leave(d, now_ns);
		break;
	case DRAIN_LEAVING:
		if ((d->left && stage_ns > FLUSH_NS) || stage_ns > FAREWELL_NS) {
			d->stage = DRAIN_DONE;
			log_info("drained",
				 kv_u64("clients", session_set_connected(d->setup.sessions)));
			loop_stop(d->setup.loop);
		}
		break;
	case DRAIN_OFF:
	case DRAIN_DONE:
		break;
	}
}

static void begin(struct drain *d, int64_t now_ns)
{
	d->stage = DRAIN_SENDING_AWAY;
	d->start_ns = now_ns;
	d->at_start = session_set_connected(d->setup.sessions);
	if (*d->setup.listener)
		listener_pause(
			*d->setup.listener); /* new clients find the other gateways from now on */
}

/* Evenly over the spread; whoever came through the door since the start goes with the last. */
static void send_away(struct drain *d, int64_t now_ns)
{
	int64_t spent_ns = now_ns - d->start_ns;
	size_t due = SIZE_MAX;

	if (spent_ns < d->setup.spread_ns)
		due = (size_t)((double)d->at_start * (double)spent_ns /
			       (double)d->setup.spread_ns) +
		      1;
	if (due <= d->sent_away)
		return;
	session_set_drain(d->setup.sessions, due - d->sent_away);
	d->sent_away = due == SIZE_MAX ? d->sent_away : due;
}

static void leave(struct drain *d, int64_t now_ns)
{
	d->stage = DRAIN_LEAVING;
	d->start_ns = now_ns;
	router_say_goodbye(d->setup.router);
	registry_leave(d->setup.registry, on_left, d);
}

static void on_left(void *owner)
{
	struct drain *d = owner;

	d->left = true;
}
