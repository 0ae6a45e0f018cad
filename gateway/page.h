/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the review page, served at /, and of the plain page, served at /test. Read once at
 * start and served from memory: what is not listed here does not exist, so no request ever becomes
 * a file name. Bounded in number and size. Thread: loop. */
#pragma once

#include "common/map.h"
#include "common/span.h"

struct page;

struct page_file {
	char *path; /* as it is asked for: "/index.html" */
	const char *type;
	uint8_t *bytes;
	size_t len;
	char etag[2 + 16 + 1]; /* quoted */
};

/* Never fails: a folder that cannot be read, or a file that is too much, is said in the log and is
 * simply not there; without a review page, / says how to get it. `dir` or `test_dir` empty: the
 * installed folder, or that of the source tree. */
MUST_USE struct page *page_new(const char *dir, const char *test_dir);
void page_free(struct page **);

/* "/" and "/test" are their indexes. NULL: no such file. */
const struct page_file *page_find(const struct page *, struct span path);
/* The same file as gzip has it, when `name.gz` lies beside `name`; else NULL. Its type is that of
 * the file. */
const struct page_file *page_gzipped(const struct page *, const struct page_file *);
const char *page_type(const char *name); /* the media type that a file's name says */
