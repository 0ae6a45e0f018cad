/* SPDX-License-Identifier: Apache-2.0 */
/* How long a message takes in our checker and in two parsers that build a tree; processor time of
 * the best of five rounds. Prints the table of docs/decisions/0001-json-is-checked-not-parsed.md.
 */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/json.h"
#include "tests/fuzz/json_reference.h"

enum { ROUNDS = 5 };

static const char message[] =
	"{\"type\":\"field_edit\",\"submissionId\":\"9f1c2e34-77aa-4f0e\",\"field\":\"title\","
	"\"value\":\"A second look at the results of the "
	"study.\",\"cursor\":{\"line\":12,\"column\":48},"
	"\"selection\":[12,48,12,60],\"editing\":true,\"color\":null,\"zoom\":1.25,"
	"\"timestamp\":1699999999123}";

static void ours(struct span text)
{
	enum json_kind kind;
	struct span name, value;
	size_t count = 0;

	must(json_is_utf8(text) && json_check(text, &kind) == OK);
	for (size_t at = 0; json_member(text, &at, &name, &value);)
		count += json_name_is(name, "type");
	must(count == 1);
}

static void jansson(struct span text)
{
	void *value;

	must(reference_load(text.p, text.len, &value) == REFERENCE_GOOD);
	must(reference_member(value, "type", 4));
	reference_free(value);
}

static void cjson(struct span text)
{
	cJSON *value = cJSON_ParseWithLength((const char *)text.p, text.len);

	must(value && cJSON_GetObjectItemCaseSensitive(value, "type"));
	cJSON_Delete(value);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double best_ns(void (*parse)(struct span), struct span text, int times)
{
	double best = 1e9;

	for (int round = 0; round < ROUNDS; round++) {
		double start = seconds();
		for (int i = 0; i < times; i++)
			parse(text);
		double each = (seconds() - start) / times;
		best = each < best ? each : best;
	}
	return best * 1e9;
}

static void print_row(const char *what, struct span text, int times)
{
	double a = best_ns(ours, text, times), b = best_ns(jansson, text, times),
	       c = best_ns(cjson, text, times);

	printf("| %s, %zu bytes | %.0f ns (%.0f MB/s) | %.0f ns | %.0f ns |\n", what, text.len, a,
	       (double)text.len * 1e3 / a, b, c);
}

/* A document as an editor sends it: one long string with a line break here and there. */
static void put_document(struct buf *out)
{
	buf_put_str(out, "{\"type\":\"document_update\",\"content\":\"");
	while (out->len < (1u << 20) - 2)
		buf_put_str(out,
			    "The quick brown fox jumps over the lazy dog, again and again.\\n");
	buf_put_str(out, "\"}");
}

/* The same size as a tree: paragraphs and marks. */
static void put_tree(struct buf *out)
{
	buf_put_str(out, "{\"type\":\"document_update\",\"content\":[");
	while (out->len < (1u << 20) - 100)
		buf_put_str(out,
			    "{\"type\":\"text\",\"text\":\"The quick brown fox\",\"at\":[1,25],"
			    "\"bold\":true},");
	buf_put_str(out, "null]}");
}

int main(void)
{
	struct buf document, tree;

	buf_init(&document, 2u << 20);
	buf_init(&tree, 2u << 20);
	put_document(&document);
	put_tree(&tree);
	puts("| | checked and walked | jansson | cJSON |\n|---|---|---|---|");
	print_row("message", SPAN(message), 200000);
	print_row("document, one string", buf_span(&document), 50);
	print_row("document, a tree", buf_span(&tree), 50);
	buf_fini(&document);
	buf_fini(&tree);
	return 0;
}
