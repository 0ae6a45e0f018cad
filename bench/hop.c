/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/hop.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <zmq.h>

#include "common/mem.h"

#define BATCH_MAX (16u << 20)
#define ENDPOINT_MAX 64

struct hop {
	void *context, *socket;
	pid_t other;
	struct buf batch;
};

struct record { /* before each frame of a batch */
	uint64_t to, but;
	uint32_t len;
};

static NO_RETURN void echo(const char *endpoint);
static void take_batch(struct span batch, hop_fn *fn);

struct hop *hop_open(void)
{
	struct hop *h = mem_new(sizeof *h);
	char endpoint[ENDPOINT_MAX];
	int none = 0;

	snprintf(endpoint, sizeof endpoint, "ipc://@moot-limit-%ld", (long)getpid());
	h->other = fork(); /* before there is a ZeroMQ thread that it would not have */
	if (h->other == 0)
		echo(endpoint);
	must(h->other > 0);
	h->context = zmq_ctx_new();
	h->socket = zmq_socket(h->context, ZMQ_DEALER);
	must(h->socket && !zmq_setsockopt(h->socket, ZMQ_SNDHWM, &none, sizeof none) &&
	     !zmq_setsockopt(h->socket, ZMQ_RCVHWM, &none, sizeof none) &&
	     !zmq_connect(h->socket, endpoint));
	buf_init(&h->batch, BATCH_MAX);
	return h;
}

/* The other process: what comes from somebody goes back to him. */
static void echo(const char *endpoint)
{
	void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_ROUTER);
	zmq_msg_t from, batch;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	must(socket && !zmq_bind(socket, endpoint));
	zmq_msg_init(&from);
	zmq_msg_init(&batch);
	while (zmq_msg_recv(&from, socket, 0) >= 0 && zmq_msg_recv(&batch, socket, 0) >= 0) {
		must(zmq_msg_send(&from, socket, ZMQ_SNDMORE) >= 0);
		must(zmq_msg_send(&batch, socket, 0) >= 0);
	}
	exit(EXIT_FAILURE);
}

int hop_fd(const struct hop *h)
{
	int fd = -1;
	size_t len = sizeof fd;

	must(!zmq_getsockopt(h->socket, ZMQ_FD, &fd, &len));
	return fd;
}

int hop_pid(const struct hop *h)
{
	return h->other;
}

void hop_put(struct hop *h, uint64_t to, uint64_t but, struct span frame)
{
	struct record r = {to, but, (uint32_t)frame.len};

	buf_put(&h->batch, &r, sizeof r);
	buf_put_span(&h->batch, frame);
}

void hop_flush(struct hop *h)
{
	if (!h->batch.len)
		return;
	must(!h->batch.over);
	must(zmq_send(h->socket, h->batch.p, h->batch.len, 0) >= 0);
	buf_clear(&h->batch);
}

void hop_take(struct hop *h, hop_fn *fn)
{
	zmq_msg_t batch;

	zmq_msg_init(&batch);
	while (zmq_msg_recv(&batch, h->socket, ZMQ_DONTWAIT) >= 0)
		take_batch(span_of(zmq_msg_data(&batch), zmq_msg_size(&batch)), fn);
	zmq_msg_close(&batch);
}

static void take_batch(struct span batch, hop_fn *fn)
{
	struct record r;

	while (batch.len >= sizeof r) {
		memcpy(&r, batch.p, sizeof r);
		batch = span_from(batch, sizeof r);
		fn(r.to, r.but, span_of(batch.p, r.len));
		batch = span_from(batch, r.len);
	}
}
