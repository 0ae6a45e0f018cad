/* SPDX-License-Identifier: Apache-2.0 */
/* A whole shard without a loop: what comes from the bus and the passing of time go in, what is said
 * leaves through a function. Pure, so that a simulator can run many of them under virtual time.
 * The turn: receive (as messages come), then shard_turn. Owner: roomd. */
#pragma once

#include "roomd/membership.h"
#include "roomd/room_set.h"

struct shard;

struct shard_setup {
	incarnation_id self;
	const char *name, *endpoint; /* borrowed for ever */
	struct timers *timers;       /* borrowed; run by its owner */
	struct store *store;         /* borrowed */
	feed_send_fn *send;
	void *send_owner;
	int64_t heartbeat_ns, silence_ns, grace_ns;
	int64_t state_interval_ns, welcome_wait_ns;
	int64_t retention_ns; /* of events; 0: for ever */
	int64_t resume_ns;    /* of v0 connections; 0: none is owed anything */
	int64_t hibernate_ns; /* an idle room is forgotten after so long; 0: never */
	size_t history_bytes;
	int64_t poll_ns, settle_ns, drain_ns, vote_ns;
};

struct shard_figures {
	size_t rooms, entries, slots, feeds, staged, staged_bytes;
	int64_t staged_ns; /* since when the oldest of them waits; 0: none does */
	uint64_t records, stale, refused, casts_dropped, hibernations; /* since the start */
	struct {
		size_t bytes;
		uint64_t hits, misses; /* since the start */
	} history;
};

MUST_USE struct shard *shard_new(const struct shard_setup *, int64_t now_ns);
void shard_free(struct shard **);

void shard_receive(struct shard *, struct span route, struct span bytes, int64_t now_ns);
void shard_on_connection(struct shard *); /* the store is up, perhaps again */
void shard_on_published(struct shard *);  /* an application has published in SQL */
void shard_on_hint(struct shard *, uint64_t view_version);
/* After everything that was ready has been delivered, and at the latest every 100 ms. `unix_ms`:
 * wall clock, for the stamps that people see. */
void shard_turn(struct shard *, int64_t now_ns, int64_t unix_ms);
/* Under memory pressure, or without it again: as shard_setup.hibernate_ns. */
void shard_hibernate_after(struct shard *, int64_t idle_ns, int64_t now_ns);
void shard_drain(struct shard *, int64_t now_ns);
void shard_say_goodbye(struct shard *, int64_t now_ns); /* to every gateway, and flush */

/* For the internal port. */
struct room_set *shard_rooms(struct shard *);
struct membership *shard_membership(struct shard *);

enum membership_state shard_state(const struct shard *);
bool shard_is_settled(const struct shard *);
bool shard_is_calm(const struct shard *);    /* as membership_is_calm, where settings allow it */
bool shard_is_storing(const struct shard *); /* events wait for an append, or for its answer */
void shard_figures(const struct shard *, struct shard_figures *);
