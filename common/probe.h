/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the internal port of a process on this machine whether all is well: what --health and
 * --ready do, so that an image needs no other program to look after this one. Blocks; before there
 * is a loop. */
#pragma once

#include "common/buf.h"

/* GET `path` at `host`, an address that a process listens on ("", "*" and 0.0.0.0: any of this
 * machine). Appends what was answered, or why nothing was. True: 200, within 2 s. */
MUST_USE bool probe_ask(const char *host, uint16_t port, const char *path, struct buf *said);
