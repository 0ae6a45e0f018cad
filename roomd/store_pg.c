/* SPDX-License-Identifier: Apache-2.0 */
/* Each call is one statement, so one implicit transaction; what it does is written in schema/. */
#include "roomd/store_pg_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/mono.h"
#include "roomd/metrics.h"

#define QUERIES_MAX 4096 /* a room that catches up asks for a page */
#define ARRAY_MAX ((size_t)SLOTS * NUMBER_LEN)

static void on_pulled(void *owner, enum err, const struct pg_rows *, const char *why);
static void read_view(const struct pg_rows *, struct store_view *, struct view_member *,
		      struct store_slot *);
static void read_member(const struct pg_rows *, size_t row, struct view_member *);
static void copy_text(char *out, size_t cap, struct span text);
static void put_array(struct buf *, const struct store_move *, size_t count, int column);
static void on_state(void *owner, bool up, const char *why);
static void on_notify(void *owner, const char *channel, struct span payload);

struct store *store_open(struct loop *loop, const char *url, const char *name,
			 const struct store_hooks *hooks)
{
	static const char *const channels[] = {"moot_view", "moot_publications", NULL};
	/* Whatever the role's defaults are: what is acknowledged is on disk, and a commit that was
	 * not replicated says so. */
	static const char *const preamble[] = {
		"SET client_min_messages = warning",
		"SELECT set_config('synchronous_commit', 'on', false)"
		" WHERE current_setting('synchronous_commit') IN ('off', 'local')",
		NULL,
	};
	struct store *s = mem_new(sizeof(*s));

	s->hooks = *hooks;
	list_init(&s->calls);
	s->pg = pg_open(loop, &(struct pg_options){
				      .url = url,
				      .name = name,
				      .is_urgent = true,
				      .max_queries = QUERIES_MAX,
				      .on_state = on_state,
				      .on_notify = on_notify,
				      .owner = s,
				      .channels = channels,
				      .preamble = preamble,
			      });
	return s;
}

void store_close(struct store **ps)
{
	struct store *s = *ps;

	if (!s)
		return;
	*ps = NULL;
	pg_close(&s->pg);
	LIST_EACH (&s->calls, it, ahead) {
		store_call_free(container_of(it, struct call, node));
	}
	mem_free(s);
}

bool store_is_up(const struct store *s)
{
	return pg_is_up(s->pg);
}

void store_register(struct store *s, const struct view_member *m, store_done_fn *done, void *owner)
{
	char id[NUMBER_LEN];
	struct call *c = store_call_new(s, owner);
	const struct span params[] = {
		store_number(id, m->id.v),
		span_str(m->kind == MEMBER_SHARD ? "shard" : "gateway"),
		span_str(m->name),
		span_str(m->endpoint),
		span_str(member_state_name(m->state)),
	};

	c->done = done;
	pg_query(s->pg, "SELECT moot_register($1::bigint, $2, $3, $4, $5)", params,
		 ARRAY_LEN(params), store_on_done, c);
}

void store_set_state(struct store *s, incarnation_id id, enum member_state state,
		     store_done_fn *done, void *owner)
{
	char text[NUMBER_LEN];
	struct call *c = store_call_new(s, owner);
	const struct span params[] = {store_number(text, id.v), span_str(member_state_name(state))};

	c->done = done;
	pg_query(s->pg, "SELECT moot_member_state($1::bigint, $2)", params, ARRAY_LEN(params),
		 store_on_done, c);
}

void store_pull(struct store *s, uint64_t since, store_view_fn *pulled, void *owner)
{
	char text[NUMBER_LEN];
	struct call *c = store_call_new(s, owner);
	const struct span params[] = {store_number(text, since)};

	c->pulled = pulled;
	pg_query(s->pg,
		 "SELECT what, id, kind, name, endpoint, state, owner, epoch"
		 " FROM moot_view($1::bigint)",
		 params, ARRAY_LEN(params), on_pulled, c);
}

void store_assign(struct store *s, const struct store_move *moves, size_t count, uint64_t seen,
		  store_assigned_fn *assigned, void *owner)
{
	char text[NUMBER_LEN];
	struct call *c = store_call_new(s, owner);
	struct buf columns[3];
	struct span params[4];

	for (int i = 0; i < 3; i++) {
		buf_init(&columns[i], ARRAY_MAX);
		put_array(&columns[i], moves, count, i);
		params[i] = buf_span(&columns[i]);
	}
	params[3] = store_number(text, seen);
	c->assigned = assigned;
	pg_query(s->pg,
		 "SELECT slot, owner, epoch, version"
		 " FROM moot_assign($1::int[], $2::bigint[], $3::bigint[], $4::bigint)",
		 params, ARRAY_LEN(params), store_on_assigned, c);
	for (int i = 0; i < 3; i++)
		buf_fini(&columns[i]);
}

struct call *store_call_new(struct store *s, void *owner)
{
	struct call *c = mem_new(sizeof(*c));

	c->owner = owner;
	c->asked_ns = mono_now_ns();
	list_init(&c->node);
	list_add_last(&s->calls, &c->node);
	return c;
}

void store_call_free(struct call *c)
{
	list_remove(&c->node);
	mem_free(c->room);
	mem_free(c);
}

void store_on_done(void *owner, enum err e, const struct pg_rows *rows, const char *why)
{
	struct call *c = owner;
	uint64_t version = 0;

	if (e)
		store_refused(STORE_STATEMENT, e, why);
	else if (pg_count(rows) > 0)
		version = (uint64_t)pg_int(rows, 0, 0);
	c->done(c->owner, e, version);
	store_call_free(c);
}

static void on_pulled(void *owner, enum err e, const struct pg_rows *rows, const char *why)
{
	struct call *c = owner;
	struct store_view view = {.version = 0};

	if (e) {
		store_refused(STORE_VIEW, e, why);
		c->pulled(c->owner, e, NULL);
	} else {
		size_t count = pg_count(rows);
		struct view_member *members = mem_new((count + 1) * sizeof(*members));
		struct store_slot *slots = mem_new((count + 1) * sizeof(*slots));

		read_view(rows, &view, members, slots);
		c->pulled(c->owner, OK, &view);
		mem_free(slots);
		mem_free(members);
	}
	store_call_free(c);
}

void store_on_assigned(void *owner, enum err e, const struct pg_rows *rows, const char *why)
{
	struct call *c = owner;
	size_t count = e ? 0 : pg_count(rows);
	struct store_slot *slots = mem_new((count + 1) * sizeof(*slots));
	uint64_t version = count > 0 ? (uint64_t)pg_int(rows, 0, 3) : 0;

	if (e)
		store_refused(STORE_ASSIGN, e, why);
	for (size_t row = 0; row < count; row++)
		slots[row] = (struct store_slot){
			.slot = (unsigned)pg_int(rows, row, 0) % SLOTS,
			.owner = {(uint64_t)pg_int(rows, row, 1)},
			.epoch = (uint64_t)pg_int(rows, row, 2),
		};
	c->assigned(c->owner, e, version, slots, count);
	mem_free(slots);
	store_call_free(c);
}

static void read_view(const struct pg_rows *rows, struct store_view *view,
		      struct view_member *members, struct store_slot *slots)
{
	view->members = members;
	view->slots = slots;
	for (size_t row = 0; row < pg_count(rows); row++) {
		struct span what = pg_text(rows, row, 0);

		if (span_is(what, "view"))
			view->version = (uint64_t)pg_int(rows, row, 1);
		else if (span_is(what, "member"))
			read_member(rows, row, &members[view->member_count++]);
		else if (span_is(what, "slot"))
			slots[view->slot_count++] = (struct store_slot){
				.slot = (unsigned)pg_int(rows, row, 1) % SLOTS,
				.owner = {(uint64_t)pg_int(rows, row, 6)},
				.epoch = (uint64_t)pg_int(rows, row, 7),
			};
	}
}

static void read_member(const struct pg_rows *rows, size_t row, struct view_member *m)
{
	m->id = (incarnation_id){(uint64_t)pg_int(rows, row, 1)};
	m->kind = span_is(pg_text(rows, row, 2), "shard") ? MEMBER_SHARD : MEMBER_GATEWAY;
	copy_text(m->name, sizeof(m->name), pg_text(rows, row, 3));
	copy_text(m->endpoint, sizeof(m->endpoint), pg_text(rows, row, 4));
	m->state = member_state_of(pg_text(rows, row, 5));
	m->age_ms = pg_int(rows, row, 7);
}

static void copy_text(char *out, size_t cap, struct span text)
{
	size_t len = text.len < cap ? text.len : cap - 1;

	memcpy(out, text.p, len);
	out[len] = '\0';
}

/* Column 0: slots, 1: from, 2: to; as the text of a PostgreSQL array. */
static void put_array(struct buf *b, const struct store_move *moves, size_t count, int column)
{
	char text[NUMBER_LEN];

	buf_put_u8(b, '{');
	for (size_t i = 0; i < count; i++) {
		const uint64_t columns[] = {moves[i].slot, moves[i].from.v, moves[i].to.v};

		if (i > 0)
			buf_put_u8(b, ',');
		buf_put_span(b, store_number(text, columns[column]));
	}
	buf_put_u8(b, '}');
	must(!b->over);
}

/* Unsigned 64 bits as the signed number with the same bits: that is what bigint holds. */
struct span store_number(char out[NUMBER_LEN], uint64_t v)
{
	int len = snprintf(out, NUMBER_LEN, "%" PRId64, (int64_t)v);

	return span_of(out, (size_t)len);
}

void store_refused(enum store_op op, enum err e, const char *why)
{
	static const char *const names[] = {"statement", "view", "assign",       "append",
					    "heads",     "read", "publications", "place"};

	metrics_add(METRIC_store_errors + op, 1);
	log_warn("store_failed", kv_str("what", names[op]), kv_str("err", err_name(e)),
		 kv_str("why", why ? why : ""),
		 kv_str("do",
			e == ERR_DB_REFUSED
				? "is the schema of this release applied, and may this role use it?"
				: "it is tried again; if it lasts, look at PostgreSQL and its "
				  "disk"));
}

static void on_state(void *owner, bool up, const char *why)
{
	struct store *s = owner;

	s->hooks.on_state(s->hooks.owner, up, why);
}

static void on_notify(void *owner, const char *channel, struct span payload)
{
	struct store *s = owner;
	char text[NUMBER_LEN];

	if (span_is(span_str(channel), "moot_publications")) {
		s->hooks.on_published(s->hooks.owner);
		return;
	}
	copy_text(text, sizeof(text), payload);
	s->hooks.on_hint(s->hooks.owner, strtoull(text, NULL, 10));
}
