/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/entrance.h"

#include "common/log.h"
#include "common/porch.h"
#include "gateway/front.h"
#include "gateway/metrics.h"

#define VISITORS_MAX 4096       /* connections in the door of one port, and as many before it */
#define HELD_BYTES (128u << 20) /* of requests that strangers may make us hold, at each port */
#define HEAD_NS (10 * NS_PER_S)
#define ANSWER_NS                                                                                  \
	(15 * NS_PER_S) /* access and the owner of a room have their own, shorter, limits */
#define FD_RESERVE 64   /* for links, the database and the internal port */

static struct porch *open_porch(struct loop *loop, const struct entrance_plan *plan,
				const struct gateway_options *opt, const struct front *front);
static void on_end(void *owner, enum porch_end why);
static void say(const struct entrance_plan *plan, const struct door *door, enum err e);

enum err entrance_open(struct loop *loop, const struct entrance_plan *plan,
		       const struct gateway_options *opt, const struct front *front,
		       const struct door_options *callbacks, struct entrance *e)
{
	struct door_options door = *callbacks;

	door.host = plan->host;
	door.port = (uint16_t)plan->port;
	door.share_port = plan->shared;
	door.max_body_bytes = opt->limits_message;
	door.max_held_bytes = HELD_BYTES;
	door.max_visitors = VISITORS_MAX;
	door.head_ns = HEAD_NS;
	door.answer_ns = ANSWER_NS;
	door.sndbuf_bytes = (int)opt->limits_kernel_buffer;
	door.fd_reserve = FD_RESERVE;
	e->porch = open_porch(loop, plan, opt, front);
	if (e->porch) {
		door.on_accepted = porch_take;
		door.before = e->porch;
	}
	enum err err = door_open(loop, &door, &e->door);

	if (err == OK && e->porch)
		porch_lead_to(e->porch, e->door);
	if (err != OK)
		porch_free(&e->porch);
	say(plan, e->door, err);
	return err;
}

void entrance_close(struct entrance *e)
{
	porch_free(&e->porch);
	door_close(&e->door);
}

size_t entrance_streams(const struct entrance *e)
{
	return e->porch ? porch_streams(e->porch) : 0;
}

/* NULL: who is accepted is in the door at once. */
static struct porch *open_porch(struct loop *loop, const struct entrance_plan *plan,
				const struct gateway_options *opt, const struct front *front)
{
	if (!plan->tls && !opt->proxy_protocol)
		return NULL;
	return porch_new(loop, &(struct porch_options){
				       .tls = plan->tls ? front->tls : NULL,
				       .proxies = opt->proxy_protocol ? front->proxies : NULL,
				       .shake_ns = opt->tls_handshake_ns,
				       .max_waiting = VISITORS_MAX,
				       .sndbuf_bytes = (int)opt->limits_kernel_buffer,
				       .on_end = on_end,
			       });
}

static void on_end(void *owner, enum porch_end why)
{
	(void)owner;
	if (why == PORCH_NO_HEADER)
		metrics_add(METRIC_proxy_headers_refused, 1);
	else
		metrics_add(METRIC_tls_handshakes + why, 1); /* as metrics.def lists them */
}

static void say(const struct entrance_plan *plan, const struct door *door, enum err e)
{
	if (e == OK)
		log_info("listening", kv_str("host", plan->host), kv_u64("port", door_port(door)),
			 kv_str("shared", plan->shared ? "yes" : "no"),
			 kv_str("tls", plan->tls ? "yes" : "no"));
	else
		log_error("port_refused", kv_str("host", plan->host), kv_i64("port", plan->port),
			  kv_str("option", plan->options),
			  kv_str("hint", e == ERR_IN_USE
						 ? "another program has this port: stop it, or "
						   "choose another one"
						 : "is the host an address of this machine?"));
}
