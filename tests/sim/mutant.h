/* SPDX-License-Identifier: Apache-2.0 */
/* Known ways to build the cluster wrongly, each switched on in the model or on the wire, never in
 * the product: a simulator that does not find them is worth nothing. */
#pragma once

#include "common/buf.h"

enum mutant {
	MUTANT_NONE,
#define MUTANT(NAME, name, what) MUTANT_##NAME,
#include "tests/sim/mutant.def"
#undef MUTANT
	MUTANTS
};

struct mutant_row {
	const char *name, *what;
};
extern const struct mutant_row mutant_rows[MUTANTS];

bool mutant_is(enum mutant set, enum mutant asked);
enum mutant mutant_of(const char *name); /* MUTANTS: there is none of that name */
/* A message as it goes on under this mutant; written to `changed` when it is another. */
struct span mutant_message(enum mutant, struct span bytes, struct buf *changed);
