/* SPDX-License-Identifier: Apache-2.0 */
/* What must have come about some time after the last fault: everybody sees who is there, every slot
 * has a living owner, every room is attached, casts arrive, nothing is left over. */
#pragma once

struct world;

void liveness_cast(struct world *);  /* everybody who is there says one more thing */
void liveness_check(struct world *); /* a few seconds later */
