/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/mutant_native.h"

#include <stdio.h>
#include <string.h>

#include "gateway/resume.h"
#include "tests/sim/mutant_publisher.h"
#include "tests/sim/world.h"

#define SKIPPED_PER_MILLE 50

void mutant_native_look(struct world *w, struct session *s)
{
	if (mutant_is(w->mutant, MUTANT_PUBLISHER_HASTY))
		mutant_publisher_forgive(s);
}

bool mutant_native_drops(struct world *w, struct span text)
{
	return mutant_is(w->mutant, MUTANT_CURSOR_SKIPS) &&
	       span_starts(text, "{\"type\":\"event\"") &&
	       memmem(text.p, text.len, "\"replay\":true", 13) &&
	       sim_chance(&w->sim, SIM_CLIENT, SKIPPED_PER_MILLE);
}

void mutant_native_token(const struct world *w, uint64_t session, unsigned user, char *resume)
{
	struct buf text;
	char id[8];

	if (!mutant_is(w->mutant, MUTANT_RESUME_GEN_FORGOTTEN))
		return;
	snprintf(id, sizeof id, "u%u", user);
	buf_init(&text, RESUME_MAX);
	resume_put(&text, &world_resume_key, &(struct resume){session, 0, span_str(id)});
	memcpy(resume, text.p, text.len);
	buf_fini(&text);
}
