/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/retreat.h"

#include "common/log.h"
#include "common/mem.h"

#define SLICE 25 /* clients sent away per tick: 500 a second */

struct retreat {
	struct retreat_setup setup;
	bool on;
	size_t sent_away;
};

static void begin(struct retreat *);
static void end(struct retreat *);

struct retreat *retreat_new(const struct retreat_setup *setup)
{
	struct retreat *r = mem_new(sizeof *r);

	r->setup = *setup;
	return r;
}

void retreat_free(struct retreat **pr)
{
	mem_free(*pr);
	*pr = NULL;
}

bool retreat_is_on(const struct retreat *r)
{
	return r->on;
}

void retreat_tick(struct retreat *r)
{
	bool cut_off = router_is_cut_off(r->setup.router);

	if (cut_off && !r->on)
		begin(r);
	else if (!cut_off && r->on)
		end(r);
	if (r->on)
		r->sent_away += session_set_retreat(r->setup.sessions, SLICE);
}

static void begin(struct retreat *r)
{
	log_warn("retreat", kv_u64("clients", session_set_connected(r->setup.sessions)));
	r->on = true;
	r->sent_away = 0;
	if (*r->setup.listener)
		listener_pause(*r->setup.listener);
}

/* Tried again with the next tick when the port is not to be had. */
static void end(struct retreat *r)
{
	if (*r->setup.listener && listener_resume(*r->setup.listener) != OK)
		return;
	log_info("retreat_over", kv_u64("sent_away", r->sent_away));
	r->on = false;
}
