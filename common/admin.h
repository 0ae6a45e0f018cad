/* SPDX-License-Identifier: Apache-2.0 */
/* The internal port of a process: /healthz, /readyz, /metrics, and below /v1 what mootctl asks:
 * process, log, slow, and the paths that the process itself brings. Whoever may call the port may
 * do all of it; what changes something wants a header that no web page sends. Thread: loop. */
#pragma once

#include "common/door.h"

struct admin;

#define ADMIN_HEADER "Moot-Admin" /* of every POST, with any value */
#define ADMIN_ANSWER_MAX (4u << 20)

/* Append the named checks as JSON members (`"database":true,...`) and say whether all hold. */
typedef bool admin_ready_fn(void *owner, struct buf *checks);
/* Append what /v1/process says beyond that: JSON members, each after a comma. */
typedef void admin_state_fn(void *owner, struct buf *members);
/* Append the JSON of an answer. Not OK: append a sentence that says what to do, or nothing. */
typedef enum err admin_answer_fn(void *owner, struct span query, struct buf *out);

struct admin_path {
	const char *method, *path; /* GET (then HEAD too) or POST */
	admin_answer_fn *answer;
};

struct admin_setup { /* the strings and the paths are borrowed for ever */
	const char *kind, *name, *version;
	const char *host;
	uint16_t port; /* 0: any */
	incarnation_id self;
	admin_ready_fn *is_ready;
	admin_state_fn *put_state;
	void *owner; /* of these two */
	const struct admin_path *paths;
	size_t path_count;
	void *paths_owner;
};

MUST_USE enum err admin_open(struct loop *, const struct admin_setup *, struct admin **out);
void admin_close(struct admin **);
uint16_t admin_port(const struct admin *);

/* A number of the query from 1 to `max`; `fallback` when it is missing or none. */
uint64_t admin_number(struct span query, const char *name, uint64_t fallback, uint64_t max);
