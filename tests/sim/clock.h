/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks of common/mono.h under virtual time: clock.c takes the place of mono.c. */
#pragma once

#include "common/mono.h"

void clock_set(int64_t now_ns);
/* The wall clock of the cluster: every process has the same. */
int64_t clock_unix_ms(int64_t now_ns);
/* What wall_iso wrote, back; -1: no such text. */
int64_t clock_read_ms(const uint8_t iso[ISO_TIME_LEN]);
