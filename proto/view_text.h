/* SPDX-License-Identifier: Apache-2.0 */
/* The view as JSON, for operators: its version, and each member with how many slots it owns. Pure.
 */
#pragma once

#include "common/buf.h"
#include "proto/view.h"

void view_put_json(const struct view *, struct buf *);
size_t view_slots_of(const struct view *, incarnation_id);
size_t view_members_of(const struct view *, enum member_kind); /* but for the dead */
