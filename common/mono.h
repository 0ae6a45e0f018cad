/* SPDX-License-Identifier: Apache-2.0 */
/* The two clocks. Rules use monotonic time only; wall time is for people and for the wire's edge.
 */
#pragma once

#include "common/base.h"

int64_t mono_now_ns(void);
int64_t wall_unix_ms(void);
int64_t wall_offset_ns(void); /* the wall clock less the monotonic one, just now */

#define ISO_TIME_LEN 24 /* 2026-11-23T16:45:31.123Z */
void wall_iso(char out[ISO_TIME_LEN + 1], int64_t unix_ms);
