/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/cork.h"

#include "common/mem.h"

struct cork *cork_new(struct outflow *outflow)
{
	struct cork *c = mem_new(sizeof *c);

	c->outflow = outflow;
	list_init(&c->of_all);
	bundle_init(&c->bundle);
	return c;
}

void cork_free(struct cork **cork)
{
	struct cork *c = *cork;

	if (!c)
		return;
	*cork = NULL;
	list_remove(&c->of_all);
	for (size_t i = 0; i < c->bundle.count; i++)
		payload_free(&c->bundle.each[i]);
	bundle_fini(&c->bundle);
	mem_free(c);
}

void cork_add(struct cork *c, struct payload *p)
{
	bundle_add(&c->bundle, payload_ref(p));
}

/* Half: the one that fills it is mostly in it, too. */
bool cork_is_full(const struct cork *c)
{
	return c->bundle.bytes > BUNDLE_BYTES / 2;
}
