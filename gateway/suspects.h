/* SPDX-License-Identifier: Apache-2.0 */
/* The shards this gateway misses: tells every other shard, and finds out when it is this gateway
 * that is cut off, because the others go on with a shard it cannot reach. Pure. Owner: router. */
#pragma once

#include "gateway/link.h"
#include "proto/view.h"

struct suspects;

enum suspect_reason { SUSPECT_NONE, SUSPECT_SILENT, SUSPECT_REFUSED, SUSPECT_DATABASE };

struct suspects_setup {
	incarnation_id self;
	int64_t silence_ns;  /* a shard that said nothing for so long is missed */
	int64_t isolated_ns; /* missed for so long, and alive for the others: it is us */
};

struct suspects_look {           /* borrowed for the call */
	const struct map *links; /* incarnation -> struct link */
	const struct view *view;
	bool fresh; /* the view is what the database says now */
};

MUST_USE struct suspects *suspects_new(const struct suspects_setup *);
void suspects_free(struct suspects **);

void suspects_tick(struct suspects *, const struct suspects_look *, int64_t now_ns);
size_t suspects_count(const struct suspects *);
/* This gateway is cut off from some shard that others serve clients with. */
bool suspects_cut_off(const struct suspects *);
bool suspects_cut_off_from(const struct suspects *, incarnation_id shard);
