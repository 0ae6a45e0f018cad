/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the body, and as the query, of a request to the HTTP API: they are refused, or what
 * was read is what a record may carry to a shard, which would take anything else for a broken peer.
 * The answer to them is JSON. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "common/json.h"
#include "gateway/api.h"

static void check_text(struct span s, size_t max)
{
	must(s.len <= max && json_is_utf8(s) && field_is_plain(s));
}

static void check_refusal(enum err e, const char *wrong)
{
	struct buf out;
	enum json_kind kind;

	buf_init(&out, 4096);
	api_put_problem(&out, &(struct api_problem){.err = e, .field = wrong});
	must(!out.over && json_check(buf_span(&out), &kind) == OK);
	must((e == ERR_BAD_FIELD) == (wrong != NULL));
	buf_fini(&out);
}

static void try_publish(struct span text, struct buf *scratch)
{
	const char *wrong = NULL;
	struct api_publish p;
	enum json_kind kind;
	enum err e = api_read_publish(text, scratch, &p, &wrong);

	check_refusal(e, wrong);
	if (e)
		return;
	must(p.event.len > 0 && json_check(p.data, &kind) == OK && p.base <= EVENT_BASE_MAX);
	check_text(p.event, EVENT_TYPE_MAX);
	check_text(p.actor, USER_ID_MAX);
	check_text(p.name, USER_NAME_MAX);
	check_text(p.field, EVENT_FIELD_MAX);
}

static void try_kick(struct span text, struct buf *scratch)
{
	const char *wrong = NULL;
	struct api_kick k;
	enum err e = api_read_kick(text, scratch, &k, &wrong);

	check_refusal(e, wrong);
	if (e)
		return;
	must((k.user.len > 0) != (k.session != 0));
	check_text(k.user, USER_ID_MAX);
	check_text(k.reason, API_REASON_MAX);
}

static void try_page(struct span text)
{
	const char *wrong = NULL;
	struct msg_read page;
	struct buf types;

	buf_init(&types, EVENT_TYPES_MAX);
	enum err e = api_read_page(text, &types, &page, &wrong);

	check_refusal(e, wrong);
	if (!e)
		check_text(page.types, EVENT_TYPES_MAX);
	must(e || (page.limit >= 1 && page.limit <= READ_LIMIT_MAX));
	buf_fini(&types);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of(data, size);
	struct buf scratch;

	buf_init(&scratch, API_SCRATCH_BYTES);
	try_publish(text, &scratch);
	try_kick(text, &scratch);
	try_page(text);
	(void)api_is_idempotency_key(text);
	buf_fini(&scratch);
	return 0;
}
