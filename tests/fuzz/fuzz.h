/* SPDX-License-Identifier: Apache-2.0 */
/* What a fuzz target defines, for libFuzzer and for replay.c. `p` holds exactly `len` bytes. */
#pragma once

#include "common/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);
