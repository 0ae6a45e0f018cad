/* SPDX-License-Identifier: Apache-2.0 */
/* One connection in the door, from its first byte to its answer or until it is taken. */
#include "common/visitor.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/json.h"
#include "common/mem.h"

#define READ_BYTES 16384
#define EXTRA_MAX 65536  /* bytes taken in while the owner thinks; the kernel keeps the rest */
#define HEADERS_MAX 4096 /* bytes of what the owner may add */
#define ANSWER_MAX (16u << 20)   /* bytes */
#define WRITE_NS (10 * NS_PER_S) /* for a slow reader to take its answer */
#define LINGER_NS (1 * NS_PER_S) /* for it to hang up after that */

static void start_reading(struct visitor *v);
static void on_event(void *owner, unsigned events);
static void on_late(struct timer *timer, int64_t now_ns);
static void read_request(struct visitor *v);
static void hold(struct visitor *v, size_t len);
static bool is_too_much(const struct visitor *v);
static enum err take_bytes(struct visitor *v, bool *whole);
static size_t wanted_len(const struct visitor *v);
static void offer_to_continue(struct visitor *v);
static void hand_over(struct visitor *v);
static void listen_for_hang_up(struct visitor *v);
static void hung_up(struct visitor *v);
static void refuse(struct visitor *v, enum err err);
static void put_refusal(struct visitor *v, enum err err, struct buf *json);
static void put_head(struct buf *out, unsigned status, const char *type, const char *headers,
		     size_t body_len);
static void write_answer(struct visitor *v);
static void linger(struct visitor *v);
static void want(struct visitor *v, unsigned events);
static void set_deadline(struct visitor *v, int64_t after_ns);
static void leave(struct visitor *v);
static void free_visitor(void *visitor);
static const char *status_text(unsigned status);

void visitor_open(struct door *d, int fd, const struct ip *from)
{
	struct visitor *v = mem_new(sizeof *v);

	v->door = d;
	v->from = *from;
	v->fd = fd;
	buf_init(&v->in, REQUEST_HEAD_MAX + d->opt.max_body_bytes + READ_BYTES);
	buf_init(&v->extra, EXTRA_MAX);
	buf_init(&v->out, ANSWER_MAX);
	list_add_last(&d->visitors, &v->node);
	d->count++;
	set_deadline(v, d->opt.head_ns);
	start_reading(v);
}

void visitor_drop(struct visitor *v)
{
	int fd = v->fd;

	leave(v);
	close(fd);
}

void visitor_set(struct visitor *v, void *state)
{
	v->owner_state = state;
}

void *visitor_get(const struct visitor *v)
{
	return v->owner_state;
}

const struct request *visitor_request(const struct visitor *v)
{
	return &v->request;
}

struct ip visitor_from(const struct visitor *v)
{
	return v->from;
}

void door_answer(struct visitor *v, unsigned status, const char *type, const char *headers,
		 struct span body)
{
	must(v->state == VISITOR_READING || v->state == VISITOR_WAITING);
	put_head(&v->out, status, type, headers, body.len);
	if (!v->is_head)
		buf_put_span(&v->out, body);
	must(!v->out.over);
	v->state = VISITOR_ANSWERING;
	set_deadline(v, WRITE_NS);
	write_answer(v);
}

int door_take(struct visitor *v, struct buf *bytes)
{
	int fd = v->fd;

	must(v->state == VISITOR_WAITING);
	v->in.max += v->extra.len;
	buf_put_span(&v->in, buf_span(&v->extra));
	*bytes = v->in;
	buf_init(&v->in, 0);
	leave(v);
	return fd;
}

/* Often the request is there already, and then neither a watch nor a wake-up is needed. */
static void start_reading(struct visitor *v)
{
	read_request(v);
	if (v->state == VISITOR_READING)
		want(v, WATCH_READ);
}

static void on_event(void *owner, unsigned events)
{
	struct visitor *v = owner;

	(void)events;
	switch (v->state) {
	case VISITOR_READING:
		read_request(v);
		break;
	case VISITOR_WAITING:
		listen_for_hang_up(v);
		break;
	case VISITOR_ANSWERING:
		write_answer(v);
		break;
	case VISITOR_LINGERING:
		linger(v);
		break;
	case VISITOR_GONE:
		break;
	}
}

static void on_late(struct timer *timer, int64_t now_ns)
{
	struct visitor *v = container_of(timer, struct visitor, timer);
	const struct door_options *opt = &v->door->opt;

	(void)now_ns;
	if (v->state == VISITOR_READING && v->in.len > 0) {
		refuse(v, ERR_TIMEOUT);
	} else if (v->state == VISITOR_WAITING) {
		if (opt->on_gone)
			opt->on_gone(opt->owner, v);
		refuse(v, ERR_OVERLOADED);
	} else {
		visitor_drop(v);
	}
}

static void read_request(struct visitor *v)
{
	uint8_t bytes[READ_BYTES];
	bool whole = false;

	while (!whole) {
		ssize_t len = recv(v->fd, bytes, sizeof bytes, 0);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == EAGAIN)
			return;
		if (len <= 0) {
			visitor_drop(v);
			return;
		}
		buf_put(&v->in, bytes, (size_t)len);
		hold(v, (size_t)len);
		enum err err = is_too_much(v) ? ERR_OVERLOADED : take_bytes(v, &whole);
		if (err != OK) {
			refuse(v, err);
			return;
		}
	}
	hand_over(v);
}

static void hold(struct visitor *v, size_t len)
{
	v->held_bytes += len;
	v->door->held_bytes += len;
}

/* Bodies of strangers are bounded together too. Who sends a head only is let in all the same. */
static bool is_too_much(const struct visitor *v)
{
	const struct door *d = v->door;

	return v->held_bytes > REQUEST_HEAD_MAX && d->opt.max_held_bytes > 0 &&
	       d->held_bytes > d->opt.max_held_bytes;
}

static enum err take_bytes(struct visitor *v, bool *whole)
{
	struct request *r = &v->request;

	if (r->head_len == 0 || v->in.len >= wanted_len(v)) { /* the bytes may have moved */
		enum err err = request_read(r, buf_span(&v->in));
		if (err != OK || r->head_len == 0)
			return err;
		v->is_head = span_is(r->method, "HEAD");
	}
	if (r->body_len > v->door->opt.max_body_bytes)
		return ERR_TOO_BIG;
	*whole = v->in.len >= wanted_len(v);
	if (*whole)
		r->body = span_of(v->in.p + r->head_len, (size_t)r->body_len);
	else
		offer_to_continue(v);
	return OK;
}

static size_t wanted_len(const struct visitor *v)
{
	return v->request.head_len + (size_t)v->request.body_len;
}

/* Once, while the spans of the head are fresh. Should it get lost, the client goes on by itself. */
static void offer_to_continue(struct visitor *v)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

	if (v->has_offered)
		return;
	v->has_offered = true;
	if (request_field(&v->request, "Expect").p)
		(void)!send(v->fd, go_on, sizeof go_on - 1, MSG_NOSIGNAL);
}

static void hand_over(struct visitor *v)
{
	const struct door_options *opt = &v->door->opt;

	v->state = VISITOR_WAITING;
	set_deadline(v, opt->answer_ns);
	opt->on_request(opt->owner, v, &v->request);
	if (v->state == VISITOR_WAITING)
		want(v, WATCH_READ);
}

static void listen_for_hang_up(struct visitor *v)
{
	size_t left = v->extra.max - v->extra.len;
	uint8_t bytes[READ_BYTES];
	ssize_t len = recv(v->fd, bytes, left < sizeof bytes ? left : sizeof bytes, 0);

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len <= 0) {
		hung_up(v);
		return;
	}
	buf_put(&v->extra, bytes, (size_t)len);
	if (v->extra.len == v->extra.max)
		want(v, 0);
}

static void hung_up(struct visitor *v)
{
	const struct door_options *opt = &v->door->opt;

	if (opt->on_gone)
		opt->on_gone(opt->owner, v);
	visitor_drop(v);
}

static void refuse(struct visitor *v, enum err err)
{
	const char *headers = err_retryable(err) ? "Retry-After: 1\r\n" : NULL;
	struct buf json;

	buf_init(&json, HEADERS_MAX);
	put_refusal(v, err, &json);
	door_answer(v, err_http(err), "application/json", headers, buf_span(&json));
	buf_fini(&json);
}

/* The bytes may have moved since the head was read. */
static void put_refusal(struct visitor *v, enum err err, struct buf *json)
{
	const struct door_options *opt = &v->door->opt;
	struct request *r = &v->request;

	if (opt->put_refusal && request_read(r, buf_span(&v->in)) == OK && r->head_len > 0) {
		opt->put_refusal(opt->owner, r, err, json);
		return;
	}
	buf_put_str(json, "{\"error\":");
	json_put_string(json, span_str(err_text(err)));
	buf_put_str(json, "}");
}

static void put_head(struct buf *out, unsigned status, const char *type, const char *headers,
		     size_t body_len)
{
	buf_printf(out, "HTTP/1.1 %u %s\r\n", status, status_text(status));
	if (type)
		buf_printf(out, "Content-Type: %s\r\n", type);
	if (status != 204 && status != 304)
		buf_printf(out, "Content-Length: %zu\r\n", body_len);
	buf_put_str(out, "Connection: close\r\n");
	if (headers)
		buf_put_str(out, headers);
	buf_put_str(out, "\r\n");
}

static void write_answer(struct visitor *v)
{
	while (v->out_at < v->out.len) {
		ssize_t len =
			send(v->fd, v->out.p + v->out_at, v->out.len - v->out_at, MSG_NOSIGNAL);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == EAGAIN) {
			want(v, WATCH_WRITE);
			return;
		}
		if (len < 0) {
			visitor_drop(v);
			return;
		}
		v->out_at += (size_t)len;
	}
	shutdown(v->fd, SHUT_WR);
	v->state = VISITOR_LINGERING;
	set_deadline(v, LINGER_NS);
	linger(v);
}

/* Closing with bytes unread would reset the connection, and the answer could be lost with it. */
static void linger(struct visitor *v)
{
	uint8_t bytes[READ_BYTES];
	ssize_t len = recv(v->fd, bytes, sizeof bytes, 0);

	if (len > 0 || (len < 0 && (errno == EAGAIN || errno == EINTR)))
		want(v, WATCH_READ);
	else
		visitor_drop(v);
}

static void want(struct visitor *v, unsigned events)
{
	if (v->watch)
		watch_set(v->watch, events);
	else
		v->watch = watch_open(v->door->loop, v->fd, events, on_event, v);
}

static void set_deadline(struct visitor *v, int64_t after_ns)
{
	struct loop *loop = v->door->loop;

	timers_arm(loop_timers(loop), &v->timer, loop_now_ns(loop) + after_ns, on_late);
}

/* The list and the loop know it no longer; whoever is in one of its callbacks still may. */
static void leave(struct visitor *v)
{
	v->state = VISITOR_GONE;
	watch_close(&v->watch);
	timers_disarm(loop_timers(v->door->loop), &v->timer);
	list_remove(&v->node);
	v->door->count--;
	v->door->held_bytes -= v->held_bytes;
	loop_reap(v->door->loop, free_visitor, v);
}

static void free_visitor(void *visitor)
{
	struct visitor *v = visitor;

	buf_fini(&v->in);
	buf_fini(&v->extra);
	buf_fini(&v->out);
	mem_free(v);
}

static const char *status_text(unsigned status)
{
	static const struct {
		unsigned status;
		const char *text;
	} all[] = {
		{200, "OK"},
		{201, "Created"},
		{202, "Accepted"},
		{204, "No Content"},
		{304, "Not Modified"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{408, "Request Timeout"},
		{409, "Conflict"},
		{410, "Gone"},
		{413, "Content Too Large"},
		{426, "Upgrade Required"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{501, "Not Implemented"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
		{505, "HTTP Version Not Supported"},
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (all[i].status == status)
			return all[i].text;
	}
	return "Status";
}
