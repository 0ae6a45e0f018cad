/* SPDX-License-Identifier: Apache-2.0 */
/* Small blocks of memory side by side with others of their size: a connection is a dozen of them,
 * and the C library's allocator adds 8 to 23 bytes to each. Blocks that come and go together leave
 * whole slabs empty, whose memory goes back to the kernel. One for the process, as the C library's
 * is; mem.c is its only caller. Thread: one. */
#pragma once

#include "common/base.h"

#define SLAB_BLOCK_MAX 1024 /* bytes of the largest block */

/* Not zeroed; aligned as structs of numbers and pointers are. NULL: there is none of that length,
 * or no room left; ask the C library. */
MUST_USE void *slab_new(size_t len);
bool slab_has(const void *); /* it came from slab_new; any other pointer may be asked about */
size_t slab_len(const void *block); /* how many bytes it has: at least what was asked for */
void slab_free(void *block);
/* To the kernel, the empty slab that is kept for the next block of each length. */
void slab_give_back(void);
