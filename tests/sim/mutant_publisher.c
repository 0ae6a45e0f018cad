/* SPDX-License-Identifier: Apache-2.0 */
/* Apart from the rest of the simulator, whose frames are others than those of proto/frame.h. */
#include "tests/sim/mutant_publisher.h"

#include "gateway/native.h"

void mutant_publisher_forgive(struct session *s)
{
	if (s->dialect != &dialect_native)
		return;
	LIST_EACH (&s->visits, it, ahead)
		publisher_forgive(&native_visit_of(visit_of(it))->publisher);
}
