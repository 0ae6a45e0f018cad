/* SPDX-License-Identifier: Apache-2.0 */
/* The words every file uses: assertions that stay in release builds, and three macros. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args), nonnull(fmt)))
#define NO_RETURN __attribute__((noreturn))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

/* A violated `cond` is a bug of ours, never something a peer sent: says where and aborts. */
#define must(cond) ((cond) ? (void)0 : must_failed(#cond, __FILE__, __LINE__))

NO_RETURN void must_failed(const char *cond, const char *file, int line);

/* Ids are one-member structs so that one can never be passed for another. */
typedef struct {
	uint64_t v;
} incarnation_id; /* one run of one process; random, never reused */

typedef struct {
	uint64_t v;
} session_id; /* one client connection; unique across gateways (high half: the gateway's boot) */
