/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/page.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mem.h"

#define FILES_MAX 100
#define FILE_MAX (1u << 20)    /* bytes */
#define FILES_BYTES (8u << 20) /* of all files together */
#define DEPTH_MAX 4            /* folders inside each other */

struct page {
	struct map files; /* path -> page_file */
	size_t bytes;
};

/* One of the pages: where it is served, where its folder may be, and what to do when it is not. */
struct top {
	const char *path;
	const char *const *places; /* beside the program, the last one as it is; then NULL */
	const char *hint;
};

static const struct top review = {
	"",
	(const char *const[]){"/../share/moothall/review", "/../../page", "/../page", "build/page",
			      NULL},
	"build it with ./dev page, or set page.dir to the folder of a page that is built",
};
static const struct top plain = {
	"/test",
	(const char *const[]){"/../share/moothall/demo", "/client/demo", "/../client/demo",
			      "/../../client/demo", "/../../../client/demo", "client/demo", NULL},
	"set page.test_dir to the folder of the plain page",
};
static const char not_built[] =
	"<!doctype html><html lang=en><meta charset=utf-8><title>Moothall</title>"
	"<h1>The review page is not built</h1>"
	"<p>In the source tree, <code>./dev run</code> and <code>./dev page</code> build it. "
	"Elsewhere, set <code>page.dir</code> to its folder. Then start this gateway again."
	"<p>The plain page is at <a href=/test>/test</a>.";

static void read_top(struct page *p, const struct top *, const char *dir);
static void find_dir(const char *const *places, char out[PATH_MAX]);
static int dir_len(const char *path);
static bool is_page_dir(const char *dir);
static void read_dir(struct page *p, int dir, const char *path, unsigned depth);
static void read_entry(struct page *p, int dir, const char *path, const char *name, unsigned depth);
static void read_file(struct page *p, int fd, const char *path);
static void add_file(struct page *p, const char *path, uint8_t *bytes, size_t len);
static bool read_all(int fd, uint8_t *out, size_t len);

struct page *page_new(const char *dir, const char *test_dir)
{
	struct page *p = mem_new(sizeof *p);

	map_init(&p->files);
	read_top(p, &review, dir);
	read_top(p, &plain, test_dir);
	if (!page_find(p, SPAN("/")))
		add_file(p, "/index.html", (uint8_t *)mem_str(not_built), strlen(not_built));
	log_info("page_read", kv_u64("files", p->files.len), kv_u64("bytes", p->bytes));
	return p;
}

void page_free(struct page **page)
{
	struct page *p = *page;
	struct page_file *f;
	size_t at = 0;

	if (!p)
		return;
	while ((f = map_next(&p->files, &at))) {
		mem_free(f->path);
		mem_free(f->bytes);
		mem_free(f);
	}
	map_fini(&p->files);
	mem_free(p);
	*page = NULL;
}

const struct page_file *page_find(const struct page *p, struct span path)
{
	if (span_is(path, "/"))
		path = SPAN("/index.html");
	else if (span_is(path, "/test") || span_is(path, "/test/"))
		path = SPAN("/test/index.html");
	return map_find(&p->files, path);
}

const struct page_file *page_gzipped(const struct page *p, const struct page_file *f)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s.gz", f->path);
	return map_find(&p->files, span_str(path));
}

const char *page_type(const char *name)
{
	static const struct {
		const char *ending, *type;
	} types[] = {
		{".html", "text/html; charset=utf-8"},
		{".js", "text/javascript; charset=utf-8"},
		{".mjs", "text/javascript; charset=utf-8"},
		{".css", "text/css; charset=utf-8"},
		{".json", "application/json"},
		{".svg", "image/svg+xml"},
		{".png", "image/png"},
		{".ico", "image/x-icon"},
		{".woff2", "font/woff2"},
		{".gz", "application/gzip"},
		{".txt", "text/plain; charset=utf-8"},
	};
	const char *ending = strrchr(name, '.');

	for (size_t i = 0; ending && i < ARRAY_LEN(types); i++) {
		if (strcmp(ending, types[i].ending) == 0)
			return types[i].type;
	}
	return "application/octet-stream";
}

static void read_top(struct page *p, const struct top *top, const char *dir)
{
	char found[PATH_MAX];

	if (dir[0] == '\0') {
		find_dir(top->places, found);
		dir = found;
	}
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		read_dir(p, fd, top->path, 0);
	else
		log_warn("page_missing", kv_str("dir", dir), kv_str("hint", top->hint));
}

/* The first place, beside the program, that has an index; if none has, the last one, from where the
 * program was started. */
static void find_dir(const char *const *places, char out[PATH_MAX])
{
	char self[PATH_MAX / 2];
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);

	self[len > 0 ? len : 0] = '\0';
	for (; places[1]; places++) {
		snprintf(out, PATH_MAX, "%.*s%s", dir_len(self), self, *places);
		if (len > 0 && is_page_dir(out))
			return;
	}
	snprintf(out, PATH_MAX, "%s", *places);
}

static int dir_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (int)(slash - path) : 0;
}

static bool is_page_dir(const char *dir)
{
	char index[PATH_MAX + 16];

	snprintf(index, sizeof index, "%s/index.html", dir);
	return access(index, R_OK) == 0;
}

/* Takes `dir`. Recursion is bounded by DEPTH_MAX and follows our own files, never input. */
static void read_dir(struct page *p, int dir, const char *path, unsigned depth)
{
	DIR *entries = fdopendir(dir);
	struct dirent *entry;

	must(entries != NULL);
	while ((entry = readdir(entries))) {
		if (entry->d_name[0] != '.')
			read_entry(p, dirfd(entries), path, entry->d_name, depth);
	}
	closedir(entries);
}

static void read_entry(struct page *p, int dir, const char *path, const char *name, unsigned depth)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char below[PATH_MAX];
	struct stat st;

	if (fd < 0)
		return;
	int len = snprintf(below, sizeof below, "%s/%s", path, name);

	if (fstat(fd, &st) != 0 || len < 0 || (size_t)len >= sizeof below) {
		close(fd);
	} else if (S_ISDIR(st.st_mode) && depth + 1 < DEPTH_MAX) {
		read_dir(p, fd, below, depth + 1);
	} else {
		if (S_ISREG(st.st_mode))
			read_file(p, fd, below);
		close(fd);
	}
}

static void read_file(struct page *p, int fd, const char *path)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return;
	size_t len = (size_t)st.st_size;

	if (len > FILE_MAX || p->bytes + len > FILES_BYTES || p->files.len >= FILES_MAX) {
		log_warn("page_file_skipped", kv_str("path", path),
			 kv_str("why", "too large, or too many files"));
		return;
	}
	uint8_t *bytes = mem_new(len + 1);

	if (!read_all(fd, bytes, len)) {
		log_warn("page_file_skipped", kv_str("path", path), kv_str("why", "unreadable"));
		mem_free(bytes);
		return;
	}
	add_file(p, path, bytes, len);
}

/* Takes `bytes`. */
static void add_file(struct page *p, const char *path, uint8_t *bytes, size_t len)
{
	struct page_file *f = mem_new(sizeof *f);

	f->path = mem_str(path);
	f->type = page_type(path);
	f->bytes = bytes;
	f->len = len;
	snprintf(f->etag, sizeof f->etag, "\"%016llx\"",
		 (unsigned long long)span_hash(span_of(bytes, len)));
	p->bytes += len;
	map_add(&p->files, span_str(f->path), f);
}

static bool read_all(int fd, uint8_t *out, size_t len)
{
	size_t at = 0;

	while (at < len) {
		ssize_t got = read(fd, out + at, len - at);

		if (got <= 0)
			return false;
		at += (size_t)got;
	}
	return true;
}
