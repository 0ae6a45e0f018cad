/* SPDX-License-Identifier: Apache-2.0 */
/* A client of bench/rivals/socketio.mjs: Socket.IO 4 over a WebSocket alone. A text is a digit of
 * Engine.IO (0 open, 2 ping, 3 pong, 4 message), then one of Socket.IO (0 connect, 2 event). */
#include "bench/crowd.h"

static void put_path(const struct client *, struct buf *);
static void on_open(struct client *);
static void on_text(struct client *, struct span text);
static void say_connect(struct client *);
static void put_cast(const struct client *, const struct mark *, struct buf *);

const struct dialect dialect_socketio = {
	.server = "socketio",
	.put_path = put_path,
	.on_open = on_open,
	.on_text = on_text,
	.put_cast = put_cast,
};

static void put_path(const struct client *c, struct buf *out)
{
	(void)c;
	buf_put_str(out, "/socket.io/?EIO=4&transport=websocket");
}

static void on_open(struct client *c)
{
	(void)c; /* the server speaks first */
}

static void on_text(struct client *c, struct span text)
{
	struct account_entry entry = {.is_native = false};
	struct mark mark;

	if (span_starts(text, "42[\"cast\"") && mark_find(text, &mark))
		client_hear(c, &mark);
	else if (span_is(text, "2"))
		client_say(c, SPAN("3"));
	else if (span_starts(text, "0{"))
		say_connect(c);
	else if (span_is(text, "42[\"in\"]") && c->state == CLIENT_CONNECTING)
		client_is_in(c, &entry);
	else if (!span_starts(text, "40"))
		account_garbled(c->crowd->account, c->person, text);
}

static void say_connect(struct client *c)
{
	struct buf *out = &c->crowd->out;

	buf_clear(out);
	buf_printf(out, "40{\"room\":\"bench-%zu\"}", c->crowd->first + c->room);
	client_say(c, buf_span(out));
}

static void put_cast(const struct client *c, const struct mark *mark, struct buf *out)
{
	buf_put_str(out, "42[\"cast\",{");
	mark_put(out, mark);
	crowd_put_padding(c->crowd, out);
	buf_put_str(out, "}]");
}
