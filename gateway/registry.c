/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/registry.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"

#define REGISTER_RETRY_NS (200 * NS_PER_MS) /* the row of `view` was locked for too long */

enum { COL_WHAT, COL_ID, COL_KIND, COL_NAME, COL_ENDPOINT, COL_STATE, COL_OWNER, COL_EPOCH };

struct registry {
	struct registry_setup setup;
	struct timer poll, retry;
	bool registered, registering;
	bool pulling, again; /* a reading is in flight; another one is wanted after it */
	bool leaving;
	void (*left)(void *owner);
	void *left_owner;
};

struct bigint_text {
	char text[24];
};

static void on_poll(struct timer *, int64_t now_ns);
static void on_version(void *owner, enum err, const struct pg_rows *, const char *why);
static void on_view(void *owner, enum err, const struct pg_rows *, const char *why);
static void read_member(struct registry *, const struct pg_rows *, size_t row);
static void check_alive(struct registry *);
static bool is_replaced(const struct registry *);
static void enlist(struct registry *);
static void on_retry(struct timer *, int64_t now_ns);
static void on_registered(void *owner, enum err, const struct pg_rows *, const char *why);
static void on_left(void *owner, enum err, const struct pg_rows *, const char *why);
static struct span bigint(struct bigint_text *, uint64_t);
static void copy_text(char *out, size_t cap, struct span text);

struct registry *registry_new(const struct registry_setup *setup)
{
	struct registry *r = mem_new(sizeof *r);

	r->setup = *setup;
	timers_arm(loop_timers(setup->loop), &r->poll, loop_now_ns(setup->loop) + setup->poll_ns,
		   on_poll);
	return r;
}

void registry_free(struct registry **pr)
{
	struct registry *r = *pr;

	if (!r)
		return;
	*pr = NULL;
	pg_forget(r->setup.pg, r);
	timers_disarm(loop_timers(r->setup.loop), &r->poll);
	timers_disarm(loop_timers(r->setup.loop), &r->retry);
	mem_free(r);
}

void registry_on_database(struct registry *r, bool up)
{
	router_set_database(r->setup.router, up);
	if (!up)
		return;
	enlist(r);
	registry_pull(r); /* notifications may have been lost with the connection */
}

void registry_pull(struct registry *r)
{
	struct bigint_text since;

	if (r->pulling) {
		r->again = true;
		return;
	}
	r->pulling = true;
	struct span param = bigint(&since, router_view(r->setup.router)->version);
	pg_query(r->setup.pg, "SELECT * FROM moot_view($1::bigint)", &param, 1, on_view, r);
}

void registry_leave(struct registry *r, void (*done)(void *owner), void *owner)
{
	struct bigint_text self;

	r->leaving = true;
	r->left = done;
	r->left_owner = owner;
	struct span param = bigint(&self, r->setup.self.v);
	pg_query(r->setup.pg, "SELECT moot_member_state($1::bigint, 'dead')", &param, 1, on_left,
		 r);
}

static void on_poll(struct timer *t, int64_t now_ns)
{
	struct registry *r = container_of(t, struct registry, poll);

	timers_arm(loop_timers(r->setup.loop), t, now_ns + r->setup.poll_ns, on_poll);
	if (pg_is_up(r->setup.pg))
		pg_query(r->setup.pg, "SELECT version FROM view", NULL, 0, on_version, r);
}

static void on_version(void *owner, enum err e, const struct pg_rows *rows, const char *why)
{
	struct registry *r = owner;

	(void)why; /* the view query says it, should it last */
	if (e || pg_count(rows) != 1)
		return;
	if ((uint64_t)pg_int(rows, 0, 0) == router_view(r->setup.router)->version)
		router_view_confirm(r->setup.router, loop_now_ns(r->setup.loop));
	else
		registry_pull(r);
}

static void on_view(void *owner, enum err e, const struct pg_rows *rows, const char *why)
{
	struct registry *r = owner;
	uint64_t version = 0;

	r->pulling = false;
	if (e == ERR_DB_REFUSED)
		log_error("view_failed", kv_str("why", why),
			  kv_str("hint", "is the schema of roomd/schema loaded?"));
	if (e)
		return; /* the next poll, or the next connection, reads it */
	router_view_begin(r->setup.router);
	for (size_t row = 0; row < pg_count(rows); row++) {
		struct span what = pg_text(rows, row, COL_WHAT);
		int64_t id = pg_int(rows, row, COL_ID);

		if (span_is(what, "view"))
			version = (uint64_t)id;
		else if (span_is(what, "member"))
			read_member(r, rows, row);
		else if (id >= 0 && id < SLOTS)
			router_put_slot(r->setup.router, (unsigned)id,
					(incarnation_id){(uint64_t)pg_int(rows, row, COL_OWNER)},
					(uint64_t)pg_int(rows, row, COL_EPOCH));
	}
	router_view_end(r->setup.router, version, loop_now_ns(r->setup.loop));
	check_alive(r);
	if (r->again) {
		r->again = false;
		registry_pull(r);
	}
}

static void read_member(struct registry *r, const struct pg_rows *rows, size_t row)
{
	struct view_member m = {
		.id = {(uint64_t)pg_int(rows, row, COL_ID)},
		.kind = span_is(pg_text(rows, row, COL_KIND), "shard") ? MEMBER_SHARD
								       : MEMBER_GATEWAY,
		.state = member_state_of(pg_text(rows, row, COL_STATE)),
	};

	copy_text(m.name, sizeof m.name, pg_text(rows, row, COL_NAME));
	copy_text(m.endpoint, sizeof m.endpoint, pg_text(rows, row, COL_ENDPOINT));
	router_put_member(r->setup.router, &m);
}

/* A shard that does not hear us for long takes us for dead. Only one that has our name means it. */
static void check_alive(struct registry *r)
{
	const struct view_member *self = view_member(router_view(r->setup.router), r->setup.self);

	if (r->leaving || !self || self->state != MEMBER_DEAD)
		return;
	if (is_replaced(r)) {
		r->setup.on_dead(r->setup.owner);
		return;
	}
	r->registered = false;
	enlist(r);
}

static bool is_replaced(const struct registry *r)
{
	const struct view *view = router_view(r->setup.router);
	const struct view_member *m;
	size_t at = 0;

	while ((m = map_next(&view->members, &at)))
		if (m->kind == MEMBER_GATEWAY && m->state != MEMBER_DEAD &&
		    !strcmp(m->name, r->setup.name))
			return true;
	return false;
}

static void enlist(struct registry *r)
{
	struct bigint_text self;

	if (r->registered || r->registering || r->leaving)
		return;
	r->registering = true;
	const struct span params[] = {bigint(&self, r->setup.self.v), span_str(r->setup.name)};
	pg_query(r->setup.pg, "SELECT moot_register($1::bigint, 'gateway', $2, '', 'active')",
		 params, 2, on_registered, r);
}

static void on_retry(struct timer *t, int64_t now_ns)
{
	(void)now_ns;
	enlist(container_of(t, struct registry, retry));
}

static void on_registered(void *owner, enum err e, const struct pg_rows *rows, const char *why)
{
	struct registry *r = owner;

	(void)rows;
	r->registering = false;
	r->registered = !e;
	if (!e) {
		log_info("registered", kv_str("name", r->setup.name),
			 kv_hex("self", r->setup.self.v));
		return;
	}
	log_warn("register_failed", kv_str("why", why ? why : err_name(e)));
	timers_arm(loop_timers(r->setup.loop), &r->retry,
		   loop_now_ns(r->setup.loop) + REGISTER_RETRY_NS, on_retry);
}

static void on_left(void *owner, enum err e, const struct pg_rows *rows, const char *why)
{
	struct registry *r = owner;

	(void)rows;
	if (e)
		log_warn("leave_failed", kv_str("why", why ? why : err_name(e)));
	r->left(r->left_owner);
}

/* Incarnations use all 64 bits; bigint has the same ones, read as signed. */
static struct span bigint(struct bigint_text *out, uint64_t v)
{
	int len = snprintf(out->text, sizeof out->text, "%" PRId64, (int64_t)v);

	return span_of(out->text, (size_t)len);
}

static void copy_text(char *out, size_t cap, struct span text)
{
	size_t len = text.len < cap ? text.len : cap - 1;

	if (len)
		memcpy(out, text.p, len);
	out[len] = '\0';
}
