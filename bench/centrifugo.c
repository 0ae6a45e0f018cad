/* SPDX-License-Identifier: Apache-2.0 */
/* A client of Centrifugo with bench/rivals/centrifugo.json: its protocol in JSON, one command to a
 * frame; of replies and pushes there may be several, a line each. Whoever publishes is shown it,
 * too. */
#include "bench/crowd.h"

static void put_path(const struct client *, struct buf *);
static void on_open(struct client *);
static void on_text(struct client *, struct span text);
static void on_line(struct client *, struct span line);
static void say_subscribe(struct client *);
static void put_cast(const struct client *, const struct mark *, struct buf *);

const struct dialect dialect_centrifugo = {
	.server = "centrifugo",
	.put_path = put_path,
	.on_open = on_open,
	.on_text = on_text,
	.put_cast = put_cast,
};

static void put_path(const struct client *c, struct buf *out)
{
	(void)c;
	buf_put_str(out, "/connection/websocket");
}

static void on_open(struct client *c)
{
	client_say(c, SPAN("{\"id\":1,\"connect\":{}}"));
}

static void on_text(struct client *c, struct span text)
{
	while (text.len)
		on_line(c, span_until(&text, '\n'));
}

static void on_line(struct client *c, struct span line)
{
	struct account_entry entry = {.is_native = false};
	struct mark mark;

	if (span_starts(line, "{\"push\":") && mark_find(line, &mark)) {
		if (mark.person != c->person)
			client_hear(c, &mark);
	} else if (span_is(line, "{}")) {
		client_say(c, line); /* a ping, which is answered alike */
	} else if (span_starts(line, "{\"id\":1,\"connect\"")) {
		say_subscribe(c);
	} else if (span_starts(line, "{\"id\":2,\"subscribe\"") && c->state == CLIENT_CONNECTING) {
		client_is_in(c, &entry);
	} else if (!span_starts(line, "{\"id\":3,\"publish\"")) {
		account_garbled(c->crowd->account, c->person, line);
	}
}

static void say_subscribe(struct client *c)
{
	struct buf *out = &c->crowd->out;

	buf_clear(out);
	buf_printf(out, "{\"id\":2,\"subscribe\":{\"channel\":\"bench-%zu\"}}",
		   c->crowd->first + c->room);
	client_say(c, buf_span(out));
}

static void put_cast(const struct client *c, const struct mark *mark, struct buf *out)
{
	buf_printf(out, "{\"id\":3,\"publish\":{\"channel\":\"bench-%zu\",\"data\":{",
		   c->crowd->first + c->room);
	mark_put(out, mark);
	crowd_put_padding(c->crowd, out);
	buf_put_str(out, "}}}");
}
