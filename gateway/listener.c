/* SPDX-License-Identifier: Apache-2.0 */
/* The public ports, and the way in: what asks for a room's WebSocket is checked in the order that
 * clients of the v0 dialect know, admitted, and only then given to the WebSocket library.
 * Everything else is http.c's. */
#include "gateway/listener.h"

#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "gateway/entrance.h"
#include "gateway/forwarded.h"
#include "gateway/front.h"
#include "gateway/gateway.h"
#include "gateway/http.h"
#include "gateway/metrics.h"
#include "gateway/session.h"
#include "gateway/socket_set.h"
#include "gateway/upgrade.h"
#include "proto/frame.h"

enum { PORT_SHARED, PORT_OWN, PORT_TLS_SHARED, PORT_TLS_OWN, PORTS };

enum { OPENED_OK, OPENED_REFUSED, OPENED_BROKEN }; /* as metrics.def lists them */

struct listener {
	struct gateway *gw;
	struct socket_set *sockets;
	struct http *http;
	struct entrance ports[PORTS];
	struct list knocks;
};

struct knock { /* an upgrade that waits to hear whether it may enter */
	struct list node;
	struct listener *listener;
	struct visitor *visitor;
	enum room_kind kind;
	struct buf token, room_id;
};

static enum err open_ports(struct listener *l);
static void on_request(void *owner, struct visitor *v, const struct request *r);
static void on_gone(void *owner, struct visitor *v);
static void on_refusal(void *owner, const struct request *, enum err, struct buf *json);
static void take_native(struct listener *l, struct visitor *v);
static void knock(struct listener *l, struct visitor *v, const struct path *path);
static bool refuse_early(struct listener *l, struct visitor *v);
static bool is_full(const struct listener *l);
static void on_access(void *owner, const struct access_answer *a);
static void refuse_access(struct knock *k, enum access_refusal why);
static void admit(struct knock *k, const struct access_answer *a);
static struct user *shown_as(struct user *u);
static void take_in(struct listener *l, struct visitor *v, struct session *session);
static void say_where_from(const struct listener *l, const struct visitor *v,
			   const struct session *session);
static void refuse(struct knock *k, unsigned status, const char *text, const char *headers);
static void end_knock(struct knock *k);
static void knock_free(void *owner);

enum err listener_open(struct gateway *gw, struct listener **out)
{
	struct listener *l = mem_new(sizeof *l);

	l->gw = gw;
	l->sockets = gateway_sockets(gw);
	l->http = http_new(gw);
	list_init(&l->knocks);
	enum err e = open_ports(l);

	if (e != OK)
		listener_close(&l);
	*out = l;
	return e;
}

void listener_pause(struct listener *l)
{
	for (int i = 0; i < PORTS; i++) {
		if (l->ports[i].door)
			door_pause(l->ports[i].door);
	}
}

enum err listener_resume(struct listener *l)
{
	enum err e = OK;

	for (int i = 0; i < PORTS && e == OK; i++) {
		if (l->ports[i].door)
			e = door_resume(l->ports[i].door);
	}
	return e;
}

bool listener_is_short(const struct listener *l)
{
	for (int i = 0; i < PORTS; i++) {
		if (l->ports[i].door && door_is_short(l->ports[i].door))
			return true;
	}
	return false;
}

size_t listener_tls(const struct listener *l)
{
	size_t count = 0;

	for (int i = 0; i < PORTS; i++)
		count += entrance_streams(&l->ports[i]);
	return count;
}

void listener_close(struct listener **listener)
{
	struct listener *l = *listener;

	if (!l)
		return;
	*listener = NULL;
	LIST_EACH (&l->knocks, node, ahead)
		end_knock(container_of(node, struct knock, node));
	http_free(&l->http);
	for (int i = 0; i < PORTS; i++)
		entrance_close(&l->ports[i]);
	mem_free(l);
}

/* The shared one without TLS is there always; 0 means any port, there. */
static enum err open_ports(struct listener *l)
{
	const struct gateway_options *opt = gateway_options(l->gw);
	const char *tls_host = opt->tls_host[0] ? opt->tls_host : opt->public_host;
	const struct entrance_plan plans[PORTS] = {
		[PORT_SHARED] = {opt->public_host, opt->public_port, true, false, "public.port"},
		[PORT_OWN] = {opt->public_host, opt->public_own_port, false, false,
			      "public.own_port"},
		[PORT_TLS_SHARED] = {tls_host, opt->tls_port, true, true, "tls.port"},
		[PORT_TLS_OWN] = {tls_host, opt->tls_own_port, false, true, "tls.own_port"},
	};
	const struct door_options door = {
		.on_request = on_request,
		.on_gone = on_gone,
		.put_refusal = on_refusal,
		.owner = l,
	};
	enum err e = OK;

	for (int i = 0; i < PORTS && e == OK; i++) {
		if (i == PORT_SHARED || plans[i].port != 0)
			e = entrance_open(gateway_loop(l->gw), &plans[i], opt, gateway_front(l->gw),
					  &door, &l->ports[i]);
	}
	return e;
}

static void on_request(void *owner, struct visitor *v, const struct request *r)
{
	struct listener *l = owner;
	struct path path = path_read(r->path);

	bool asks = span_is(r->method, "GET");

	if (asks &&
	    (path.target == PATH_NATIVE || (path.target == PATH_SOCKET && upgrade_is_native(r))))
		take_native(l, v);
	else if (asks && path.target == PATH_SOCKET)
		knock(l, v, &path);
	else
		http_serve(l->http, v, &path);
}

static void on_gone(void *owner, struct visitor *v)
{
	struct listener *l = owner;
	struct path path = path_read(visitor_request(v)->path);

	if (path.target != PATH_SOCKET)
		http_gone(l->http, v);
	else if (visitor_get(v))
		end_knock(visitor_get(v));
}

static void on_refusal(void *owner, const struct request *r, enum err why, struct buf *json)
{
	struct path path = path_read(r->path);

	(void)owner;
	http_put_refusal(&path, why, json);
}

/* Who it is, its first message says: nothing is asked of the database for a stranger's handshake.
 */
static void take_native(struct listener *l, struct visitor *v)
{
	const struct request *r = visitor_request(v);

	if (refuse_early(l, v))
		return;
	struct upgrade_refusal no = upgrade_valid(r);
	if (!no.text && !upgrade_is_native(r))
		no = (struct upgrade_refusal){
			400, "Ask for the subprotocol " FRAME_PROTOCOL " at this path", NULL};
	if (no.text) {
		metrics_add(METRIC_connections_opened + OPENED_REFUSED, 1);
		http_refuse(l->http, v, no.status, no.text, no.headers);
		return;
	}
	take_in(l, v, session_new_native(l->gw));
}

static void knock(struct listener *l, struct visitor *v, const struct path *path)
{
	if (refuse_early(l, v))
		return;
	struct knock *k = mem_new(sizeof *k);

	k->listener = l;
	k->visitor = v;
	k->kind = path->kind;
	buf_init(&k->token, REQUEST_HEAD_MAX);
	buf_init(&k->room_id, REQUEST_HEAD_MAX);
	list_add_last(&l->knocks, &k->node);
	visitor_set(v, k);
	enum err e = request_param(visitor_request(v)->query, "sessionId", &k->token);

	if (e == ERR_NO_PATH || (e == OK && k->token.len == 0))
		refuse(k, 400, "Session ID is required", NULL);
	else if (e != OK || request_decode(path->id, &k->room_id) != OK)
		refuse(k, 400, "The address is not valid percent-encoding", NULL);
	else if (!http_is_id(buf_span(&k->token), TOKEN_MAX))
		refuse_access(k, ACCESS_NO_SESSION);
	else
		access_ask(gateway_access(l->gw), buf_span(&k->token), k->kind,
			   buf_span(&k->room_id), on_access, k);
}

/* What needs no look at who it is. */
static bool refuse_early(struct listener *l, struct visitor *v)
{
	struct upgrade_refusal no = upgrade_asked(visitor_request(v));
	enum err why = OK;

	if (!no.text && !gateway_takes_clients(l->gw))
		why = ERR_RESTARTING;
	else if (!no.text && is_full(l))
		why = ERR_OVERLOADED;
	if (why != OK)
		no = (struct upgrade_refusal){err_http(why), err_text(why), "Retry-After: 1\r\n"};
	if (!no.text)
		return false;
	metrics_add(METRIC_connections_opened + OPENED_REFUSED, 1);
	http_refuse(l->http, v, no.status, no.text, no.headers);
	return true;
}

static bool is_full(const struct listener *l)
{
	return socket_set_count(l->sockets) >= (size_t)gateway_options(l->gw)->limits_connections;
}

static void on_access(void *owner, const struct access_answer *a)
{
	struct knock *k = owner;

	if (a->refusal != ACCESS_GRANTED)
		refuse_access(k, a->refusal);
	else
		admit(k, a);
}

static void refuse_access(struct knock *k, enum access_refusal why)
{
	switch (why) {
	case ACCESS_NO_SESSION:
		refuse(k, 403, "Session not found or expired", NULL);
		break;
	case ACCESS_NO_USER:
		refuse(k, 403, "User not found", NULL);
		break;
	case ACCESS_NO_ROOM:
		refuse(k, 404,
		       k->kind == ROOM_SUBMISSION ? "Submission not found" : "Document not found",
		       NULL);
		break;
	case ACCESS_DENIED:
		refuse(k, 403, "Access denied", NULL);
		break;
	case ACCESS_GRANTED:
	case ACCESS_BROKEN:
		refuse(k, 500, "Failed to connect to WebSocket service", "Retry-After: 1\r\n");
		break;
	}
}

static void admit(struct knock *k, const struct access_answer *a)
{
	struct upgrade_refusal no = upgrade_valid(visitor_request(k->visitor));
	struct user *who = shown_as(a->user);
	const struct admission admission = {
		.kind = k->kind,
		.room_id = buf_span(&k->room_id),
		.token = buf_span(&k->token),
		.user = who,
		.role = a->role,
	};

	if (user_name(a->user).len == 0 || user_email(a->user).len == 0) {
		metrics_add(METRIC_connections_opened + OPENED_REFUSED, 1);
		door_answer(k->visitor, 400, "text/plain; charset=utf-8", NULL,
			    SPAN("Missing required parameters"));
		end_knock(k);
	} else if (no.text) {
		refuse(k, no.status, no.text, no.headers);
	} else if (is_full(k->listener)) { /* many may have been asked about at once */
		refuse(k, err_http(ERR_OVERLOADED), err_text(ERR_OVERLOADED), "Retry-After: 1\r\n");
	} else {
		struct listener *l = k->listener;
		struct visitor *v = k->visitor;
		struct session *session = session_new(l->gw, &admission);

		end_knock(k);
		take_in(l, v, session);
	}
	user_free(&who);
}

/* Who has no id goes by his address. */
static struct user *shown_as(struct user *u)
{
	return user_id(u).len > 0 ? user_ref(u)
				  : user_new(user_email(u), user_name(u), user_email(u));
}

static void take_in(struct listener *l, struct visitor *v, struct session *session)
{
	const struct request *r = visitor_request(v);
	size_t head_len = r->head_len + r->body.len;
	uint8_t key[UPGRADE_KEY_LEN];
	struct buf bytes;

	bool native = upgrade_is_native(r); /* any other is in the v0 dialect */

	say_where_from(l, v, session);
	memcpy(key, upgrade_key(r).p, sizeof key);
	int fd = door_take(v, &bytes);
	const struct socket_start start = {
		.fd = fd,
		.key = span_of(key, sizeof key),
		.early = span_from(buf_span(&bytes), head_len),
		.protocol = native ? FRAME_PROTOCOL : NULL,
	};

	socket_set_adopt(l->sockets, &start, session);
	buf_fini(&bytes);
}

/* The only place where an address is shown: it is somebody's, so only whoever looks for a fault
 * sees it. */
static void say_where_from(const struct listener *l, const struct visitor *v,
			   const struct session *session)
{
	char text[IP_TEXT_MAX];

	if (!log_is_on(LOG_LEVEL_DEBUG))
		return;
	struct ip from = visitor_from(v);
	struct ip client = forwarded_for(visitor_request(v), &from, gateway_front(l->gw)->proxies);

	log_debug("let_in", kv_hex("session", session_get_id(session).v),
		  kv_str("from", ip_text(&client, text)));
}

static void refuse(struct knock *k, unsigned status, const char *text, const char *headers)
{
	metrics_add(METRIC_connections_opened + (status >= 500 ? OPENED_BROKEN : OPENED_REFUSED),
		    1);
	http_refuse(k->listener->http, k->visitor, status, text, headers);
	end_knock(k);
}

/* After the answer, or instead of it: the visitor may not be there any more. */
static void end_knock(struct knock *k)
{
	access_forget(gateway_access(k->listener->gw), k);
	visitor_set(k->visitor, NULL);
	list_remove(&k->node);
	loop_reap(gateway_loop(k->listener->gw), knock_free, k);
}

static void knock_free(void *owner)
{
	struct knock *k = owner;

	buf_fini(&k->token);
	buf_fini(&k->room_id);
	mem_free(k);
}
