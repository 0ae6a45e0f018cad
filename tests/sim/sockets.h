/* SPDX-License-Identifier: Apache-2.0 */
/* WebSockets between clients and gateways, in the place of gateway/socket.c: ordered, delayed, and
 * lost with or without a word. A line is one of them as its client has it; at the gateway's end
 * there is a real session (gateway/session.h). Lines live until the world ends. */
#pragma once

#include "gateway/session_set.h"
#include "tests/sim/node.h"

struct line;

/* What becomes of it, at the client's end. None may open or close lines from inside on_sent. */
struct line_hooks {
	void (*on_open)(void *owner, uint64_t session); /* v0: the gateway has made its session */
	void (*on_sent)(void *owner, struct span text); /* the gateway sends it; native only */
	void (*on_text)(void *owner, struct span text); /* it is here */
	void (*on_welcomed)(void *owner);               /* v0: after what is sent to a newcomer */
	/* The other end closed it, with this code (1006: with none), and did so then. */
	void (*on_closed)(void *owner, unsigned code, int64_t sent_ns);
};

struct line_setup {
	struct node *gateway;
	unsigned user, room; /* v0: into this room */
	bool native;
	const struct line_hooks *hooks;
	void *owner;
};

enum line_end {
	LINE_CLOSE,    /* with a close frame */
	LINE_LOSE,     /* without; the gateway learns of it soon */
	LINE_HALF_OPEN /* without; the gateway learns of it late */
};

MUST_USE struct line *line_open(struct world *, const struct line_setup *);
void line_say(struct line *, struct span text);
void line_close(struct line *, enum line_end); /* nothing is heard of it from here on */
void line_slow(struct line *, bool slow);      /* the client reads slowly */
bool line_is_slow(const struct line *);
void line_stop(struct line *, int64_t ns);     /* the client reads nothing for so long */
bool line_has_lost_casts(const struct line *); /* ever: its gateway gave some up */
uint64_t line_epoch(const struct line *); /* v0: under which its gateway hears the room; 0: none */

void lines_fini(struct world *);

/* ---- of a gateway's process ---- */
struct sockets;

MUST_USE struct sockets *sockets_new(void);
void sockets_end(struct sockets **); /* the process ends: every one of them breaks */
void sockets_tick(struct sockets *, int64_t now_ns); /* ends those whose clients take nothing */
const struct audience_sink *sockets_sink(void);

#define LINE_TEXT_MAX 512 /* bytes of what a client says */
