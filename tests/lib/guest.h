/* SPDX-License-Identifier: Apache-2.0 */
/* A native client in a lobby: what it says, and what it is told, a message as
 * "event seq=3 data=3 n=1": its type, then what tells the story, in the order of the wire. Lists
 * are "u1+u2{state}", by id or seq. Casts, which may be dropped, begin with ~. */
#pragma once

#include "tests/lib/owner.h"

struct guest {
	struct gateway *gateway;
	const char *user;
	struct socket socket;
	char told[8192];
	char resume[RESUME_MAX + 1]; /* of its last welcome */
};

/* Its socket is open; nothing is said yet. */
void guest_open(struct guest *, struct gateway *, const char *user);
void guest_say(struct guest *, const char *message);
void guest_hello(struct guest *, const char *resume); /* NULL: none; and is known */
/* open and hello; what it is told until then is told. */
void guest_greet(struct guest *, struct gateway *, const char *user);
void guest_answer(struct guest *, enum access_refusal); /* what access says of it, as an editor */
/* ROOM, which answers with this head: all that comes before the list, which is told within 50 ms.
 * `more`: further members of the join. */
void guest_ask(struct guest *, const char *more);
void guest_join(struct guest *, const char *more, uint64_t head);
void guest_join_cut(struct guest *, const char *more, uint64_t head, uint64_t first);
/* greet and join; what it is told until then is told. */
void guest_enter(struct guest *, struct gateway *, const char *user, uint64_t head);
void guest_lose(struct guest *); /* its connection breaks */
/* And `again` is the next one of its session; what it is told until then is told. */
void guest_come_back(struct guest *again, struct guest *);
uint64_t guest_session(const struct guest *);

const char *guest_told(struct guest *); /* since the last call, separated by "; " */
#define guest_expect(guest, text) assert_string_equal(guest_told(guest), text)
