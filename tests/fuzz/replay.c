/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target without libFuzzer: every seed (arguments: files or folders of files) as it is,
 * then 20,000 mutations in all, the same ones each time. Each input has its own allocation of
 * exactly its length, so that the sanitizer sees a read past the end. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/span.h"

#define MUTATIONS 20000
#define SEEDS_MAX 1024
#define SEED_MAX_BYTES 65536
#define INPUT_MAX_BYTES (2 * SEED_MAX_BYTES)

struct replay {
	struct span seeds[SEEDS_MAX];
	size_t count;
	uint64_t dice;
	uint8_t input[INPUT_MAX_BYTES];
	size_t len;
};

static void add_path(struct replay *r, const char *path);
static bool add_file(struct replay *r, const char *path);
static void run_exactly(struct span input);
static void mutate(struct replay *r);
static void change_bytes(struct replay *r, size_t at);
static void splice(struct replay *r, size_t at, struct span piece);
static size_t below(struct replay *r, size_t limit);

/* bytes and texts at which parsers change their mind */
static const char *const tokens[] = {"\"",         "\\",
				     "{",          "}",
				     "[",          "]",
				     ",",          ":",
				     "=",          "\n",
				     "\r",         "\xff",
				     "\xc0",       "\xed\xa0\x80",
				     "-1",         "1e999",
				     "0",          " ",
				     ";",          "\\u0000",
				     "\\ud800",    "true",
				     "4294967296", "18446744073709551616"};

int main(int argc, char **argv)
{
	struct replay *r = mem_new(sizeof(*r));

	r->dice = UINT64_C(0x2545f4914f6cdd1d);
	for (int i = 1; i < argc; i++)
		add_path(r, argv[i]);
	if (r->count == 0) {
		fprintf(stderr, "usage: %s SEED_FILE_OR_FOLDER...\n", argv[0]);
		return 2;
	}
	run_exactly(SPAN_NONE);
	for (size_t i = 0; i < r->count; i++)
		run_exactly(r->seeds[i]);
	for (size_t i = 0; i < MUTATIONS; i++) {
		struct span seed = r->seeds[i % r->count];
		memcpy(r->input, seed.p, seed.len);
		r->len = seed.len;
		for (size_t times = 1 + below(r, 4); times > 0; times--)
			mutate(r);
		run_exactly(span_of(r->input, r->len));
	}
	printf("%zu seeds and %d mutations: no finding\n", r->count, MUTATIONS);
	for (size_t i = 0; i < r->count; i++)
		mem_free((void *)(uintptr_t)r->seeds[i].p);
	mem_free(r);
	return 0;
}

static void add_path(struct replay *r, const char *path)
{
	struct dirent **names;
	int count =
		scandir(path, &names, NULL, alphasort); /* sorted: the same mutations everywhere */

	if (count < 0) {
		if (!add_file(r, path))
			fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return;
	}
	for (int i = 0; i < count; i++) {
		char file[4096];
		int len = snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
		must(len > 0 && (size_t)len < sizeof(file));
		if (names[i]->d_name[0] != '.')
			must(add_file(r, file));
		free(names[i]);
	}
	free(names);
}

static bool add_file(struct replay *r, const char *path)
{
	FILE *f = fopen(path, "re");

	if (!f)
		return false;
	size_t len = fread(r->input, 1, SEED_MAX_BYTES, f);
	must(!ferror(f) && r->count < SEEDS_MAX);
	fclose(f);
	r->seeds[r->count++] = span_of(mem_copy(r->input, len), len);
	return true;
}

static void run_exactly(struct span input)
{
	/* not mem_copy: the sanitizer should know the exact length */
	uint8_t *p = input.len ? malloc(input.len) : NULL;

	must(p || input.len == 0);
	if (input.len)
		memcpy(p, input.p, input.len);
	LLVMFuzzerTestOneInput(p, input.len);
	free(p);
}

static void mutate(struct replay *r)
{
	size_t at = below(r, r->len + 1);
	struct span other = r->seeds[below(r, r->count)];
	const char *token;

	switch (below(r, 6)) {
	case 0: /* cut short */
		r->len = at;
		return;
	case 1: /* take some out */
		splice(r, at, SPAN_NONE);
		return;
	case 2: /* a piece of another seed */
		other = span_from(other, below(r, other.len + 1));
		other.len = below(r, other.len + 1);
		splice(r, at, other);
		return;
	case 3:
		token = tokens[below(r, ARRAY_LEN(tokens))];
		splice(r, at, span_str(token));
		return;
	default:
		change_bytes(r, at);
	}
}

static void change_bytes(struct replay *r, size_t at)
{
	static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff};

	if (at >= r->len)
		return;
	if (below(r, 2))
		r->input[at] ^= (uint8_t)(1U << below(r, 8));
	else
		r->input[at] = edges[below(r, ARRAY_LEN(edges))];
}

/* Put `piece` at `at`, over up to 8 of the bytes there. */
static void splice(struct replay *r, size_t at, struct span piece)
{
	size_t out = below(r, 9);

	if (out > r->len - at)
		out = r->len - at;
	if (r->len - out + piece.len > INPUT_MAX_BYTES)
		return;
	memmove(r->input + at + piece.len, r->input + at + out, r->len - at - out);
	if (piece.len)
		memcpy(r->input + at, piece.p, piece.len);
	r->len = r->len - out + piece.len;
}

static size_t below(struct replay *r, size_t limit)
{
	r->dice ^= r->dice << 13;
	r->dice ^= r->dice >> 7;
	r->dice ^= r->dice << 17;
	return (size_t)(r->dice >> 11) % limit;
}
