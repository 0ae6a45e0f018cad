/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/store_inside.h"

#include "common/mem.h"

#define TRIP_MIN_NS (80 * SIM_US) /* to the server, and back */
#define TRIP_MAX_NS (800 * SIM_US)
#define COMMIT_MIN_NS (200 * SIM_US)
#define COMMIT_MAX_NS (3 * NS_PER_MS)
#define LATE_PER_MILLE 10 /* a checkpoint, a busy disk */
#define LATE_MAX_NS (300 * NS_PER_MS)
#define LOCK_TIMEOUT_NS (250 * NS_PER_MS)
#define CONNECT_NS (10 * NS_PER_MS)
#define RETRY_MIN_NS (100 * NS_PER_MS)
#define RETRY_MAX_NS (2 * NS_PER_S)

/* The server's end of a connection: it goes on with what it read when its client is gone. */
struct backend {
	struct list node;
	struct database *db;
	struct store *client;   /* NULL: gone */
	struct list statements; /* the first one runs */
	size_t count;
	bool running;
	struct event work;
};

struct store {
	struct list node;
	struct database *db;
	struct node *process;
	struct store_link_hooks hooks;
	struct backend *backend; /* NULL: not connected */
	bool up;                 /* as the process knows */
	struct list calls;       /* on their way, oldest first */
	int64_t answered_ns;     /* when the newest answer arrives */
	int64_t retry_ns;
	struct event connect;
};

struct news { /* the connection came up or went down; or a version was told of */
	struct input input;
	struct store *store;
	bool is_hint, up;
	uint64_t version;
};

static void answer(struct call *, enum err);
static void on_arrive(struct event *);
static void take_answer(struct input *, struct node *);
static void drop_answer(struct input *);
static void tell(struct store *, const struct news *);
static void take_news(struct input *, struct node *);
static void drop_news(struct input *);
static void on_connect(struct event *);
static void lose(struct store *);
static void backend_leave(struct backend *);
static void backend_free(struct backend *);
static void begin_next(struct backend *, int64_t trip_ns);
static void on_begin(struct event *);
static void on_refuse(struct event *);
static void on_done(struct event *);
static void finish(struct backend *);
static int64_t some(struct database *, int64_t least, int64_t most);

struct store *store_open(struct node *process, const struct store_link_hooks *hooks)
{
	struct store *s = mem_new(sizeof *s);

	s->db = &process->world->database;
	s->process = process;
	s->hooks = *hooks;
	s->retry_ns = RETRY_MIN_NS;
	list_init(&s->calls);
	list_init(&s->node);
	list_add_last(&s->db->stores, &s->node);
	sim_in(&process->world->sim, &s->connect, some(s->db, CONNECT_NS / 2, CONNECT_NS),
	       on_connect);
	return s;
}

void store_close(struct store **ps)
{
	struct store *s = *ps;

	if (!s)
		return;
	*ps = NULL;
	sim_cancel(&s->db->world->sim, &s->connect);
	if (s->backend)
		backend_leave(s->backend);
	LIST_EACH (&s->calls, it, ahead) {
		struct call *c = container_of(it, struct call, node);

		sim_cancel(&s->db->world->sim, &c->arrive);
		drop_answer(&c->input);
	}
	list_remove(&s->node);
	mem_free(s);
}

bool store_is_up(const struct store *s)
{
	return s->up;
}

void store_register(struct store *s, const struct view_member *m, store_done_fn *done, void *owner)
{
	struct call *c;
	struct statement *q = store_ask(s, STATEMENT_REGISTER, &c, owner);

	q->member = *m;
	c->done = done;
	store_send(s, q);
}

void store_set_state(struct store *s, incarnation_id id, enum member_state state,
		     store_done_fn *done, void *owner)
{
	struct call *c;
	struct statement *q = store_ask(s, STATEMENT_STATE, &c, owner);

	q->member.id = id;
	q->member.state = state;
	c->done = done;
	store_send(s, q);
}

void store_pull(struct store *s, uint64_t since, store_view_fn *pulled, void *owner)
{
	struct call *c;
	struct statement *q = store_ask(s, STATEMENT_VIEW, &c, owner);

	q->since = since;
	c->pulled = pulled;
	store_send(s, q);
}

void store_assign(struct store *s, const struct store_move *moves, size_t count, uint64_t seen,
		  store_assigned_fn *assigned, void *owner)
{
	struct call *c;
	struct statement *q = store_ask(s, STATEMENT_ASSIGN, &c, owner);

	q->since = seen;
	q->moves = mem_copy(moves, count * sizeof *moves);
	q->count = count;
	c->assigned = assigned;
	store_send(s, q);
}

void store_lose(struct database *db, incarnation_id process)
{
	LIST_EACH (&db->stores, it, ahead) {
		struct store *s = container_of(it, struct store, node);

		if (s->process->id.v == process.v && s->backend)
			lose(s);
	}
}

void store_lose_connections(struct database *db)
{
	LIST_EACH (&db->stores, it, ahead) {
		struct store *s = container_of(it, struct store, node);

		if (s->backend)
			lose(s);
	}
}

void store_end_backends(struct database *db)
{
	LIST_EACH (&db->backends, it, ahead) {
		struct backend *b = container_of(it, struct backend, node);

		if (b->client) {
			while (b->count > 0) {
				statement_free(
					container_of(b->statements.prev, struct statement, node));
				b->count--;
			}
			b->running = false;
			sim_cancel(&db->world->sim, &b->work);
		} else {
			backend_free(b);
		}
	}
}

void store_notify(struct database *db)
{
	LIST_EACH (&db->stores, it, ahead) {
		struct store *s = container_of(it, struct store, node);

		if (s->backend)
			tell(s, &(struct news){.is_hint = true, .version = db->version});
	}
}

struct statement *store_ask(struct store *s, enum statement_kind kind, struct call **pc,
			    void *owner)
{
	struct statement *q = mem_new(sizeof *q);
	struct call *c = mem_new(sizeof *c);

	list_init(&q->node);
	q->kind = kind;
	q->by = s->process->id;
	q->call = c;
	c->input = (struct input){.take = take_answer, .drop = drop_answer};
	list_init(&c->input.node);
	list_init(&c->node);
	list_add_last(&s->calls, &c->node);
	c->store = s;
	c->kind = kind;
	c->owner = owner;
	*pc = c;
	return q;
}

void store_send(struct store *s, struct statement *q)
{
	struct backend *b = s->backend;

	if (!b || !s->up) {
		answer(q->call, ERR_DB_AWAY);
		statement_free(q);
		return;
	}
	list_add_last(&b->statements, &q->node);
	b->count++;
	if (!b->running)
		begin_next(b, some(s->db, TRIP_MIN_NS, TRIP_MAX_NS));
}

/* On its way back; never ahead of the one before. */
static void answer(struct call *c, enum err e)
{
	struct store *s = c->store;
	int64_t at_ns = s->db->world->sim.now_ns + some(s->db, TRIP_MIN_NS, TRIP_MAX_NS);

	c->err = e;
	if (at_ns < s->answered_ns)
		at_ns = s->answered_ns;
	s->answered_ns = at_ns;
	sim_at(&s->db->world->sim, &c->arrive, at_ns, on_arrive);
}

static void on_arrive(struct event *e)
{
	struct call *c = container_of(e, struct call, arrive);

	list_remove(&c->node);
	node_give(c->store->process, &c->input);
}

static void take_answer(struct input *in, struct node *process)
{
	struct call *c = container_of(in, struct call, input);
	const struct statement *q = c->answer;

	(void)process;
	if (c->kind == STATEMENT_VIEW)
		c->pulled(c->owner, c->err,
			  c->err ? NULL
				 : &(struct store_view){q->version, q->members, q->member_count,
							q->slots, q->slot_count});
	else if (c->kind == STATEMENT_ASSIGN || c->kind == STATEMENT_TAKE)
		c->assigned(c->owner, c->err, q ? q->version : 0, q ? q->slots : NULL,
			    q ? q->slot_count : 0);
	else if (c->kind == STATEMENT_REGISTER || c->kind == STATEMENT_STATE)
		c->done(c->owner, c->err, q ? q->version : 0);
	else
		store_take_events(c);
	drop_answer(in);
}

static void drop_answer(struct input *in)
{
	struct call *c = container_of(in, struct call, input);

	list_remove(&c->node);
	if (c->answer)
		statement_free(c->answer);
	mem_free(c);
}

static void tell(struct store *s, const struct news *what)
{
	struct news *n = mem_new(sizeof *n);

	*n = *what;
	n->store = s;
	n->input = (struct input){.take = take_news, .drop = drop_news};
	node_give(s->process, &n->input);
}

static void take_news(struct input *in, struct node *process)
{
	struct news *n = container_of(in, struct news, input);
	struct store *s = n->store;

	(void)process;
	if (n->is_hint) {
		s->hooks.on_hint(s->hooks.owner, n->version);
	} else if (s->up != n->up) {
		s->up = n->up;
		s->hooks.on_state(s->hooks.owner, n->up);
	}
	mem_free(n);
}

static void drop_news(struct input *in)
{
	mem_free(container_of(in, struct news, input));
}

static void on_connect(struct event *e)
{
	struct store *s = container_of(e, struct store, connect);
	struct database *db = s->db;

	if (!db->up || s->process->paused) {
		sim_in(&db->world->sim, e, s->retry_ns, on_connect);
		if (s->retry_ns < RETRY_MAX_NS)
			s->retry_ns *= 2;
		return;
	}
	struct backend *b = mem_new(sizeof *b);
	b->db = db;
	b->client = s;
	list_init(&b->statements);
	list_init(&b->node);
	list_add_last(&db->backends, &b->node);
	s->backend = b;
	s->retry_ns = RETRY_MIN_NS;
	tell(s, &(struct news){.up = true});
}

/* What was sent and not answered may have been done, and may still be done. */
static void lose(struct store *s)
{
	sim_trace(&s->db->world->sim, "%s loses its database connection", s->process->name);
	backend_leave(s->backend);
	s->backend = NULL;
	tell(s, &(struct news){.up = false});
	LIST_EACH (&s->calls, it, ahead) {
		struct call *c = container_of(it, struct call, node);

		sim_cancel(&s->db->world->sim, &c->arrive);
		if (c->answer)
			statement_free(c->answer);
		c->answer = NULL;
		if (c->err != ERR_DB_AWAY)
			c->err = ERR_DB_UNKNOWN;
		list_remove(&c->node);
		node_give(s->process, &c->input);
	}
	sim_in(&s->db->world->sim, &s->connect, RETRY_MIN_NS, on_connect);
}

/* Of what the server has read it does the first ones all the same. */
static void backend_leave(struct backend *b)
{
	size_t kept = sim_below(&b->db->world->sim, SIM_DATABASE, b->count + 1);

	b->client->backend = NULL;
	b->client = NULL;
	LIST_EACH (&b->statements, it, ahead)
		container_of(it, struct statement, node)->call = NULL;
	while (b->count > kept) {
		statement_free(container_of(b->statements.prev, struct statement, node));
		b->count--;
	}
	if (b->count == 0)
		backend_free(b);
}

static void backend_free(struct backend *b)
{
	sim_cancel(&b->db->world->sim, &b->work);
	LIST_EACH (&b->statements, it, ahead)
		statement_free(container_of(it, struct statement, node));
	list_remove(&b->node);
	mem_free(b);
}

static void begin_next(struct backend *b, int64_t trip_ns)
{
	b->running = true;
	sim_in(&b->db->world->sim, &b->work, trip_ns, on_begin);
}

static void on_begin(struct event *e)
{
	struct backend *b = container_of(e, struct backend, work);
	struct database *db = b->db;
	struct sim *s = &db->world->sim;
	struct statement *q = container_of(b->statements.next, struct statement, node);
	int64_t free_ns = db->lock_free_ns > s->now_ns ? db->lock_free_ns : s->now_ns;
	int64_t read_ns = s->now_ns + some(db, TRIP_MIN_NS, TRIP_MAX_NS);

	if (free_ns < database_free_ns(db, q))
		free_ns = database_free_ns(db, q);
	if (q->kind == STATEMENT_APPEND)
		read_ns += sim_between(s, SIM_DATABASE, 0, db->append_ns);
	database_begin(db, q, read_ns);
	if (!statement_writes(q)) {
		sim_at(s, e, read_ns, on_done);
	} else if (free_ns - s->now_ns > LOCK_TIMEOUT_NS) {
		sim_in(s, e, LOCK_TIMEOUT_NS, on_refuse);
	} else {
		db->lock_free_ns = free_ns + some(db, COMMIT_MIN_NS, COMMIT_MAX_NS);
		sim_at(s, e, db->lock_free_ns, on_done);
	}
}

static void on_refuse(struct event *e)
{
	struct backend *b = container_of(e, struct backend, work);

	container_of(b->statements.next, struct statement, node)->err = ERR_DB_REFUSED;
	finish(b);
}

static void on_done(struct event *e)
{
	struct backend *b = container_of(e, struct backend, work);

	database_run(b->db, container_of(b->statements.next, struct statement, node));
	finish(b);
}

static void finish(struct backend *b)
{
	struct statement *q = container_of(b->statements.next, struct statement, node);

	list_remove(&q->node);
	b->count--;
	b->running = false;
	if (q->call) {
		if (!q->err)
			q->call->answer = q;
		answer(q->call, q->err);
		if (q->err)
			statement_free(q);
	} else {
		statement_free(q);
	}
	if (b->count > 0)
		begin_next(b, 0);
	else if (!b->client)
		backend_free(b);
}

static int64_t some(struct database *db, int64_t least, int64_t most)
{
	struct sim *s = &db->world->sim;
	int64_t ns = sim_between(s, SIM_DATABASE, least, most);

	if (sim_chance(s, SIM_DATABASE, LATE_PER_MILLE))
		ns += sim_between(s, SIM_DATABASE, 0, LATE_MAX_NS);
	if (db->slow_ns)
		ns += sim_between(s, SIM_DATABASE, 0, db->slow_ns);
	return ns;
}
