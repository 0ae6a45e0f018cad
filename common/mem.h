/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation that cannot fail: out of memory aborts. Every size that a peer can choose is bounded
 * before it gets here. Thread: one. */
#pragma once

#include "common/base.h"

MUST_USE void *mem_new(size_t len);                 /* zeroed; caller owns; len 0 is a bug */
MUST_USE void *mem_grow(void *p, size_t len);       /* like realloc; new bytes are not zeroed */
MUST_USE void *mem_copy(const void *p, size_t len); /* len 0 gives a valid pointer */
MUST_USE char *mem_str(const char *s);              /* copy of a C string */
void mem_free(void *p);                             /* NULL is fine */
/* To the kernel, what the allocator keeps for later: after many have gone it is nearly all. */
void mem_give_back(void);
char **mem_texts(const char *const *); /* a copy of a NULL-terminated list; NULL: an empty one */
void mem_free_texts(char **);
