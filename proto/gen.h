/* SPDX-License-Identifier: Apache-2.0 */
/* moot-gen: everything that is written from the tables, so that nothing is typed twice. A build
 * tool: it alone in this folder reads and writes files. */
#pragma once

#include "proto/v0.h"

/* A generated file; `path` is below the source root. */
typedef void gen_emit_fn(void *owner, const char *path, struct span content);

void gen_put_js(struct buf *); /* client/src/protocol.js */
void gen_put_docs(struct buf *,
		  struct span pattern);     /* docs/protocol.md from proto/protocol.in.md */
void gen_put_errors(struct buf *);          /* docs/errors.md */
void gen_put_v0_vectors(struct buf *);      /* tests/golden/v0.jsonl */
void gen_put_message_vectors(struct buf *); /* tests/golden/message.jsonl */
void gen_emit_v0_seeds(gen_emit_fn *, void *owner);
void gen_emit_message_seeds(gen_emit_fn *, void *owner);
void gen_emit_frame_seeds(gen_emit_fn *, void *owner);

/* Of the native protocol: tables of the manual, and a part of the SDK's constants. */
void gen_put_client_messages(struct buf *);
void gen_put_server_messages(struct buf *);
void gen_put_server_objects(struct buf *);
void gen_put_frame_js(struct buf *);

#define GEN_AT_MS INT64_C(1795452331123) /* 2026-11-23T16:45:31.123Z */

/* The message of this type as it leaves the gateway, made by the real encoder from fixed inputs. */
void gen_put_example(struct buf *, enum v0_type, enum room_kind, uint64_t seq);
const char *gen_sample(enum v0_type); /* what a sender wrote; NULL: the server makes it itself */
void gen_put_hex(struct buf *, struct span);
