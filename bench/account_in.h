/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of account.h, for its four files. */
#pragma once

#include "bench/account.h"

#define CASTS_REMEMBERED 64    /* when each of the last casts of a person was said */
#define EVENTS_REMEMBERED 1024 /* of each room: what each of the last numbers is */
#define SPARES_REMEMBERED 32
#define EXAMPLES_MAX 20
#define EXAMPLE_LEN 160

struct stored {
	uint64_t seq, id; /* id: person + 1 and number, 32 bits each */
};

struct room {
	size_t first, people, casters;
	uint64_t shown, acked; /* the greatest seq that anybody was shown, or was told in an ack */
	struct stored *stored; /* ring of EVENTS_REMEMBERED; NULL before the first */
};

struct person {
	struct room *room;
	bool is_in, is_native, is_slow, was_in, is_unlisted, has_list;
	int64_t since_ns;                  /* hears casts that were said later */
	int64_t came_ns, left_ns, lost_ns; /* 0: never */
	int64_t late_ns;                   /* when it came back after it was shown as gone */

	uint32_t casts, casts_doubted; /* said; of these the last that may be lost */
	int64_t cast_at_ns[CASTS_REMEMBERED];
	uint32_t *heard; /* by caster of the room: the last number */

	bool has_seq;
	uint64_t seq, gap_from, gap_to; /* last event; the last hole before it */
	uint32_t published, refused,
		stored; /* stored: the greatest number that somebody was shown */

	uint64_t relay;
	uint32_t *shown; /* v0: by person of the room, the last number; NULL: not needed yet */
	uint64_t *known; /* one bit for each person of the room */
};

struct account {
	size_t room_count, person_count;
	struct room *rooms;
	struct person *people;
	int64_t merge_ns, grace_ns;
	struct {
		int64_t from_ns, to_ns;
	} spares[SPARES_REMEMBERED];
	size_t spare_count;
	bool spares_now;
	uint64_t flaws[FLAW_COUNT], merged, spared;
	char examples[EXAMPLES_MAX][EXAMPLE_LEN];
	size_t example_count;
};

void account_note(struct account *, enum flaw, uint64_t count, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
struct person *account_person(struct account *, size_t person);
bool account_same_room(const struct account *, size_t one, size_t other);
/* What is missing at the end. */
void account_close_casts(struct account *, size_t reader);
void account_close_events(struct account *, size_t reader);
void account_close_presence(struct account *, size_t reader, int64_t now_ns);
bool account_casts_are_in(const struct account *, const struct person *);
bool account_events_are_in(const struct account *, const struct person *);
