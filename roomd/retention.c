/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/retention.h"

#include "common/log.h"

#define PIECE 5000        /* events of one statement: some 100 ms of the database */
#define PAUSE_NS NS_PER_S /* between two pieces, for everybody else */
#define LOOKS 100         /* within the age */
#define LOOK_MIN_NS NS_PER_S
#define LOOK_MAX_NS (3600 * NS_PER_S)

static void on_forgotten(void *owner, enum err, uint64_t count);
static int64_t interval(const struct retention *);

void retention_init(struct retention *r, struct store *store, int64_t age_ns, int64_t now_ns)
{
	*r = (struct retention){.store = store, .age_ns = age_ns};
	r->next_ns = now_ns + interval(r);
}

void retention_turn(struct retention *r, int64_t now_ns)
{
	r->now_ns = now_ns;
	if (r->age_ns == 0 || r->asking || now_ns < r->next_ns || !store_is_up(r->store))
		return;
	r->asking = true;
	store_forget(r->store, r->age_ns / NS_PER_MS, PIECE, on_forgotten, r);
}

static void on_forgotten(void *owner, enum err e, uint64_t count)
{
	struct retention *r = owner;
	bool more = !e && count >= PIECE;

	r->asking = false;
	r->next_ns = r->now_ns + (more ? PAUSE_NS : interval(r));
	if (!e && count > 0)
		log_info("events_forgotten", kv_u64("count", count));
}

static int64_t interval(const struct retention *r)
{
	int64_t ns = r->age_ns / LOOKS;

	return ns < LOOK_MIN_NS ? LOOK_MIN_NS : ns > LOOK_MAX_NS ? LOOK_MAX_NS : ns;
}
