/* SPDX-License-Identifier: Apache-2.0 */
/* Who somebody is: id, name and address, in one allocation that all who speak of him share: his
 * sessions, the entries of rosters, what is remembered of his rights. Never changes; whoever keeps
 * it holds a reference. Thread: one. */
#pragma once

#include "common/span.h"

struct user;

MUST_USE struct user *user_new(struct span id, struct span name, struct span email);
struct user *user_ref(struct user *);
void user_free(struct user **); /* drops a reference; NULL is fine */
/* Drop `*mine` for `theirs` if both say the same; NULL is fine. */
void user_share(struct user **mine, struct user *theirs);
bool user_eq(const struct user *, const struct user *);

struct span user_id(const struct user *); /* all three: as long as the user */
struct span user_name(const struct user *);
struct span user_email(const struct user *);
