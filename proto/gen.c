/* SPDX-License-Identifier: Apache-2.0 */
/* moot-gen write ROOT   writes every generated file
 * moot-gen check ROOT   says which ones differ from what the tables say now, and fails then */
#include "proto/gen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (1u << 20)

struct run {
	const char *root;
	bool is_check;
	unsigned files, wrong;
};

static void emit_all(struct run *);
static void on_file(void *owner, const char *path, struct span content);
static bool is_same(const char *path, struct span content);
static bool write_file(const char *path, struct span content);
static bool read_file(const char *path, struct buf *out);

int main(int argc, char **argv)
{
	if (argc != 3 || (strcmp(argv[1], "write") != 0 && strcmp(argv[1], "check") != 0)) {
		fprintf(stderr, "usage: moot-gen write|check SOURCE_ROOT\n");
		return 2;
	}
	struct run run = {.root = argv[2], .is_check = argv[1][0] == 'c'};

	emit_all(&run);
	printf("%u files, %u %s\n", run.files, run.wrong, run.is_check ? "differ" : "not written");
	if (run.wrong > 0 && run.is_check)
		printf("bring them up to date with: moot-gen write %s\n", run.root);
	return run.wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void emit_all(struct run *run)
{
	static const struct {
		const char *path;
		void (*put)(struct buf *);
	} files[] = {
		{"client/src/protocol.js", gen_put_js},
		{"client/demo/protocol.js",
		 gen_put_js}, /* the page is served from its own folder alone */
		{"docs/errors.md", gen_put_errors},
		{"tests/golden/v0.jsonl", gen_put_v0_vectors},
		{"tests/golden/message.jsonl", gen_put_message_vectors},
	};
	char path[1024];
	struct buf out, pattern;

	buf_init(&out, FILE_MAX);
	buf_init(&pattern, FILE_MAX);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		buf_clear(&out);
		files[i].put(&out);
		on_file(run, files[i].path, buf_span(&out));
	}
	snprintf(path, sizeof(path), "%s/proto/protocol.in.md", run->root);
	if (read_file(path, &pattern)) {
		buf_clear(&out);
		gen_put_docs(&out, buf_span(&pattern));
		on_file(run, "docs/protocol.md", buf_span(&out));
	} else {
		printf("%s: cannot be read\n", path);
		run->wrong++;
	}
	gen_emit_v0_seeds(on_file, run);
	gen_emit_message_seeds(on_file, run);
	gen_emit_frame_seeds(on_file, run);
	buf_fini(&out);
	buf_fini(&pattern);
}

static void on_file(void *owner, const char *path, struct span content)
{
	struct run *run = owner;
	char full[1024];

	snprintf(full, sizeof(full), "%s/%s", run->root, path);
	run->files++;
	if (run->is_check ? is_same(full, content) : write_file(full, content))
		return;
	printf("%s: %s\n", path, run->is_check ? "differs" : "cannot be written");
	run->wrong++;
}

static bool is_same(const char *path, struct span content)
{
	struct buf now;

	buf_init(&now, FILE_MAX);
	bool same = read_file(path, &now) && span_eq(buf_span(&now), content);
	buf_fini(&now);
	return same;
}

static bool write_file(const char *path, struct span content)
{
	FILE *f = fopen(path, "wb");

	if (!f)
		return false;
	bool done = fwrite(content.p, 1, content.len, f) == content.len;
	return fclose(f) == 0 && done;
}

static bool read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "rb");
	uint8_t chunk[4096];
	size_t len;

	if (!f)
		return false;
	while ((len = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_put(out, chunk, len);
	bool done = !ferror(f) && !out->over;
	fclose(f);
	return done;
}
