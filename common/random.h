/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes nobody can guess, from the kernel. */
#pragma once

#include "common/base.h"

void random_bytes(void *out, size_t len);
uint64_t random_u64(void); /* never 0 */
