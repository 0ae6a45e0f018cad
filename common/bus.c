/* SPDX-License-Identifier: Apache-2.0 */
/* ZeroMQ behind the loop. A socket's descriptor is edge-triggered, and any call on the socket can
 * use the edge up: so a socket that woke or that sent is `stirred`, and a stirred one is received
 * from until it is empty (in the turn), or asked for its state (after the turn), before the loop
 * may block. */
#include "common/bus.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include "common/list.h"
#include "common/log.h"
#include "common/mem.h"

#define TURN_MESSAGES 256 /* received from one socket in one turn */
#define HANDSHAKE_MS 2000
#define CONNECT_MS 2000
#define UNANSWERED_MS 10000 /* what the other host did not even acknowledge for so long */
#define RECONNECT_MS 50
#define RECONNECT_MAX_MS 500
#define ID_MAX 64
#define ENDPOINT_MAX 512
#define MONITOR_MAX 48
#define IPC "ipc://"
#define MONITOR_EVENTS (ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED)

struct bus_context {
	struct loop *loop;
	void *zmq;
	struct list idle, stirred; /* every bus is on one of them */
	bool will_look;            /* look_again is due at the end of this turn */
	unsigned monitors;         /* so far: each has a name of its own */
};

struct bus {
	struct list node;
	struct bus_context *context;
	void *socket; /* NULL: closed, and gone when the turn is over */
	struct watch *watch;
	bus_fn *fn;
	void *owner;
	bool is_router, is_paused;
	uint64_t full_turns;
	char *endpoint;
	void *monitor; /* NULL unless its owner is told */
	struct watch *monitor_watch;
	bus_change_fn *change;
};

static struct bus *bus_new(struct bus_context *c, int type, bus_fn *fn, void *owner);
static void set_options(struct bus *b);
static void set_int(void *socket, int option, int value);
static enum err open_failed(struct bus *b, const char *what, const char *endpoint);
static bool may_bind(const char *endpoint);
static void start(struct bus *b);
static void on_readable(void *owner, unsigned events);
static void stir(struct bus *b);
static bool on_turn(void *owner, int64_t now_ns);
static bool drain(struct bus *b);
static bool receive(struct bus *b, size_t *bytes);
static void drop_rest(void *socket);
static void look_again(void *context);
static bool watch_changes(struct bus *b, bus_change_fn *fn);
static enum err send_failed(void);
static void look_first(void *bus);
static void on_monitor(void *owner, unsigned events);
static bool next_event(void *monitor, unsigned *event);
static void close_monitor(struct bus *b);

struct bus_context *bus_context_new(struct loop *loop)
{
	struct bus_context *c = mem_new(sizeof *c);

	c->loop = loop;
	c->zmq = zmq_ctx_new();
	must(c->zmq);
	zmq_ctx_set(c->zmq, ZMQ_IO_THREADS, 1);
	list_init(&c->idle);
	list_init(&c->stirred);
	loop_on_turn(loop, on_turn, c);
	return c;
}

void bus_context_free(struct bus_context **context)
{
	struct bus_context *c = *context;

	if (!c)
		return;
	must(list_is_empty(&c->idle) && list_is_empty(&c->stirred));
	loop_off_turn(c->loop, c);
	while (zmq_ctx_term(c->zmq) != 0 && zmq_errno() == EINTR)
		;
	c->zmq = NULL;
	loop_reap(c->loop, mem_free, c); /* look_again may still be due */
	*context = NULL;
}

enum err bus_listen(struct bus_context *c, const char *endpoint, bus_fn *fn, void *owner,
		    struct bus **out)
{
	struct bus *b = bus_new(c, ZMQ_ROUTER, fn, owner);
	char bound[ENDPOINT_MAX];
	size_t len = sizeof bound;

	*out = NULL;
	if (!b->socket)
		return open_failed(b, "socket", endpoint);
	set_options(b);
	set_int(b->socket, ZMQ_IPV6, strchr(endpoint, '[') != NULL);
	set_int(b->socket, ZMQ_ROUTER_MANDATORY, 1);
	set_int(b->socket, ZMQ_ROUTER_HANDOVER, 1);
	if (!may_bind(endpoint) || zmq_bind(b->socket, endpoint) != 0)
		return open_failed(b, "bind", endpoint);
	if (zmq_getsockopt(b->socket, ZMQ_LAST_ENDPOINT, bound, &len) != 0)
		return open_failed(b, "endpoint", endpoint);
	b->endpoint = mem_str(bound);
	start(b);
	*out = b;
	return OK;
}

enum err bus_connect(struct bus_context *c, const struct bus_call *call, struct bus **out)
{
	struct bus *b = bus_new(c, ZMQ_DEALER, call->fn, call->owner);
	struct span id = call->id;

	must(id.len >= 1 && id.len <= ID_MAX);
	*out = NULL;
	if (!b->socket)
		return open_failed(b, "socket", call->endpoint);
	set_options(b);
	set_int(b->socket, ZMQ_IPV6, strchr(call->endpoint, '[') != NULL);
	set_int(b->socket, ZMQ_IMMEDIATE, 1);
	must(zmq_setsockopt(b->socket, ZMQ_ROUTING_ID, id.p, id.len) == 0);
	if (call->change && !watch_changes(b, call->change))
		return open_failed(b, "monitor", call->endpoint);
	if (zmq_connect(b->socket, call->endpoint) != 0)
		return open_failed(b, "connect", call->endpoint);
	b->endpoint = mem_str(call->endpoint);
	start(b);
	*out = b;
	return OK;
}

void bus_close(struct bus **bus)
{
	struct bus *b = *bus;

	if (!b)
		return;
	*bus = NULL;
	list_remove(&b->node);
	watch_close(&b->watch);
	close_monitor(b);
	if (b->socket)
		zmq_close(b->socket);
	b->socket = NULL;
	mem_free(b->endpoint);
	b->endpoint = NULL;
	loop_reap(b->context->loop, mem_free, b);
}

const char *bus_endpoint(const struct bus *b)
{
	return b->endpoint;
}

uint64_t bus_full_turns(const struct bus *b)
{
	return b->full_turns;
}

void bus_pause(struct bus *b, bool is_paused)
{
	b->is_paused = is_paused;
	if (is_paused)
		return;
	stir(b);
	loop_hurry(b->context->loop);
}

enum err bus_send(struct bus *b, struct span peer, struct span body)
{
	must(b->is_router == (peer.len > 0));
	stir(b);
	if (b->is_router && zmq_send(b->socket, peer.p, peer.len, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0)
		return send_failed();
	if (zmq_send(b->socket, body.p, body.len, ZMQ_DONTWAIT) < 0)
		return send_failed();
	return OK;
}

static struct bus *bus_new(struct bus_context *c, int type, bus_fn *fn, void *owner)
{
	struct bus *b = mem_new(sizeof *b);

	b->context = c;
	b->fn = fn;
	b->owner = owner;
	b->is_router = type == ZMQ_ROUTER;
	b->socket = zmq_socket(c->zmq, type);
	list_add_last(&c->idle, &b->node);
	return b;
}

static void set_options(struct bus *b)
{
	static const struct {
		int option, value;
	} all[] = {
		{ZMQ_LINGER, 0},
		{ZMQ_SNDHWM, BUS_HIGH_WATER},
		{ZMQ_RCVHWM, BUS_HIGH_WATER},
		{ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS},
		{ZMQ_CONNECT_TIMEOUT, CONNECT_MS},
		{ZMQ_RECONNECT_IVL, RECONNECT_MS},
		{ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS},
		{ZMQ_TCP_MAXRT, UNANSWERED_MS},
		{ZMQ_TCP_KEEPALIVE, 1},
		{ZMQ_TCP_KEEPALIVE_IDLE, 10},
		{ZMQ_TCP_KEEPALIVE_INTVL, 5},
		{ZMQ_TCP_KEEPALIVE_CNT, 3},
	};
	int64_t max_bytes = BUS_MESSAGE_MAX;

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		set_int(b->socket, all[i].option, all[i].value);
	must(zmq_setsockopt(b->socket, ZMQ_MAXMSGSIZE, &max_bytes, sizeof max_bytes) == 0);
}

static void set_int(void *socket, int option, int value)
{
	must(zmq_setsockopt(socket, option, &value, sizeof value) == 0);
}

static enum err open_failed(struct bus *b, const char *what, const char *endpoint)
{
	int why = zmq_errno();

	log_error("bus_failed", kv_str("at", what), kv_str("endpoint", endpoint),
		  kv_str("why", zmq_strerror(why)));
	bus_close(&b);
	return why == EADDRINUSE ? ERR_IN_USE : ERR_SYSTEM;
}

/* The library would take away whatever has the path of a Unix socket, a living one's, too. Sets
 * errno. */
static bool may_bind(const char *endpoint)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct stat found;

	if (strncmp(endpoint, IPC, strlen(IPC)) != 0 || lstat(endpoint + strlen(IPC), &found) != 0)
		return true;
	if (!S_ISSOCK(found.st_mode)) {
		errno = EEXIST;
		return false;
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	snprintf(at.sun_path, sizeof at.sun_path, "%s", endpoint + strlen(IPC));
	bool is_alone =
		connect(fd, (const struct sockaddr *)&at, sizeof at) != 0 && errno == ECONNREFUSED;
	close(fd);
	errno = EADDRINUSE;
	return is_alone;
}

static void start(struct bus *b)
{
	int fd;
	size_t len = sizeof fd;

	must(zmq_getsockopt(b->socket, ZMQ_FD, &fd, &len) == 0);
	b->watch = watch_open(b->context->loop, fd, WATCH_READ | (b->is_router ? 0 : WATCH_URGENT),
			      on_readable, b);
	stir(b);
	loop_hurry(b->context->loop);
}

static void on_readable(void *owner, unsigned events)
{
	(void)events;
	stir(owner);
}

static void stir(struct bus *b)
{
	struct bus_context *c = b->context;

	list_remove(&b->node);
	list_add_last(&c->stirred, &b->node);
	if (c->will_look)
		return;
	c->will_look = true;
	loop_reap(c->loop, look_again, c);
}

static bool on_turn(void *owner, int64_t now_ns)
{
	struct bus_context *c = owner;
	struct list now;
	bool more = false;

	(void)now_ns;
	list_init(&now);
	while (!list_is_empty(&c->stirred)) {
		struct list *first = c->stirred.next;
		list_remove(first);
		list_add_last(&now, first);
	}
	while (!list_is_empty(&now)) {
		struct bus *b = container_of(now.next, struct bus, node);
		list_remove(&b->node);
		list_add_last(&c->idle, &b->node);
		if (drain(b)) {
			stir(b);
			more = true;
		}
	}
	return more;
}

/* True: the budget is used up and more may wait. Of many peers of a ROUTER, ZeroMQ takes one
 * message each in turn, so none waits for another one's backlog. */
static bool drain(struct bus *b)
{
	size_t bytes = 0;

	for (int i = 0; i < TURN_MESSAGES && bytes < BUS_TURN_BYTES; i++) {
		if (!b->socket || b->is_paused || !receive(b, &bytes))
			return false;
	}
	b->full_turns++;
	return b->socket != NULL;
}

/* One message; false: there is none. A message of any other shape comes from a stranger. */
static bool receive(struct bus *b, size_t *bytes)
{
	zmq_msg_t peer, body;
	struct span from = SPAN_NONE;
	void *socket = b->socket;

	zmq_msg_init(&peer);
	zmq_msg_init(&body);
	bool got = zmq_msg_recv(&body, socket, ZMQ_DONTWAIT) >= 0;

	if (got && b->is_router) {
		zmq_msg_move(&peer, &body);
		from = span_of(zmq_msg_data(&peer), zmq_msg_size(&peer));
		if (!zmq_msg_more(&peer) || zmq_msg_recv(&body, socket, ZMQ_DONTWAIT) < 0)
			goto done;
	}
	*bytes += got ? zmq_msg_size(&body) : 0;
	if (got && zmq_msg_more(&body))
		drop_rest(socket);
	else if (got)
		b->fn(b->owner, from, span_of(zmq_msg_data(&body), zmq_msg_size(&body)));
done:
	zmq_msg_close(&peer);
	zmq_msg_close(&body);
	return got;
}

static void drop_rest(void *socket)
{
	zmq_msg_t part;
	bool more = true;

	while (more) {
		zmq_msg_init(&part);
		more = zmq_msg_recv(&part, socket, ZMQ_DONTWAIT) >= 0 && zmq_msg_more(&part);
		zmq_msg_close(&part);
	}
}

/* After the turn: whoever sent since it was drained may have swallowed the edge of what came in. */
static void look_again(void *context)
{
	struct bus_context *c = context;

	c->will_look = false;
	LIST_EACH (&c->stirred, node, ahead) {
		struct bus *b = container_of(node, struct bus, node);
		int events = 0;
		size_t len = sizeof events;

		zmq_getsockopt(b->socket, ZMQ_EVENTS, &events, &len);
		if (events & ZMQ_POLLIN && !b->is_paused) {
			loop_hurry(c->loop);
		} else {
			list_remove(&b->node);
			list_add_last(&c->idle, &b->node);
		}
	}
}

static enum err send_failed(void)
{
	return zmq_errno() == EAGAIN ? ERR_NO_CREDIT : ERR_NO_PEER;
}

/* Before it connects: the I/O thread may be done with that before we go on, and it tells only once.
 * False: out of descriptors; it takes one, and so does the next socket. */
static bool watch_changes(struct bus *b, bus_change_fn *fn)
{
	char name[MONITOR_MAX];
	int fd;
	size_t len = sizeof fd;

	snprintf(name, sizeof name, "inproc://monitor-%u", b->context->monitors++);
	if (zmq_socket_monitor(b->socket, name, MONITOR_EVENTS) != 0)
		return false;
	b->monitor = zmq_socket(b->context->zmq, ZMQ_PAIR);
	if (!b->monitor) {
		zmq_socket_monitor(b->socket, NULL, 0);
		return false;
	}
	b->change = fn;
	set_int(b->monitor, ZMQ_LINGER, 0);
	set_int(b->monitor, ZMQ_RCVHWM, 0); /* the I/O thread would wait for us */
	must(zmq_connect(b->monitor, name) == 0);
	must(zmq_getsockopt(b->monitor, ZMQ_FD, &fd, &len) == 0);
	b->monitor_watch = watch_open(b->context->loop, fd, WATCH_READ, on_monitor, b);
	loop_reap(b->context->loop, look_first, b);
	return true;
}

/* Connecting may have used up the first edge. */
static void look_first(void *bus)
{
	struct bus *b = bus;

	if (!b->monitor)
		return;
	on_monitor(b, WATCH_READ);
	loop_hurry(b->context->loop);
}

/* Its descriptor is edge-triggered too, but nothing is ever sent here: empty is empty. */
static void on_monitor(void *owner, unsigned events)
{
	static const struct {
		unsigned event;
		enum bus_change change;
	} changes[] = {
		{ZMQ_EVENT_HANDSHAKE_SUCCEEDED, BUS_UP},
		{ZMQ_EVENT_DISCONNECTED, BUS_BROKEN},
		{ZMQ_EVENT_CLOSED, BUS_REFUSED},
	};
	struct bus *b = owner;
	unsigned event;

	(void)events;
	while (b->monitor && next_event(b->monitor, &event))
		for (size_t i = 0; b->monitor && i < ARRAY_LEN(changes); i++)
			if (changes[i].event == event)
				b->change(b->owner, changes[i].change);
}

/* Two frames: the event's number in 16 bits and its value, then the address. */
static bool next_event(void *monitor, unsigned *event)
{
	uint8_t head[8];
	uint16_t number;
	int len = zmq_recv(monitor, head, sizeof head, ZMQ_DONTWAIT);

	if (len < 0)
		return false;
	drop_rest(monitor);
	memcpy(&number, head, sizeof number);
	*event = len >= (int)sizeof number ? number : 0;
	return true;
}

/* Stopped first: the I/O thread waits for ever for a monitor that is gone. */
static void close_monitor(struct bus *b)
{
	watch_close(&b->monitor_watch);
	if (!b->monitor)
		return;
	zmq_socket_monitor(b->socket, NULL, 0);
	zmq_close(b->monitor);
	b->monitor = NULL;
}
