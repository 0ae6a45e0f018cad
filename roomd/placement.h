/* SPDX-License-Identifier: Apache-2.0 */
/* Which active shard should own which slot: a pure function of the view that every shard computes
 * alike. Sticky; as few moves as bring every load to within a tenth of the fair share; ties by
 * rendezvous hash. Says only what should be: who moves what, and when, is membership.c's business.
 */
#pragma once

#include "proto/view.h"

/* The owner each slot should have; {0} for all when no shard is active. */
void placement_targets(const struct view *, incarnation_id targets[SLOTS]);
