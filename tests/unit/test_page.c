/* SPDX-License-Identifier: Apache-2.0 */
/* The page's files, read from a folder made for each test. */
#include "gateway/page.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[64];

static void put(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "%s", "/tmp/moot-page-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof command, "rm -r %s", dir);
	return system(command);
}

static void page_serves_what_the_folder_held_at_start(void **state)
{
	char sub[128];

	(void)state;
	put("index.html", "<p>hello");
	snprintf(sub, sizeof sub, "%s/lib", dir);
	assert_int_equal(mkdir(sub, 0700), 0);
	put("lib/a.js", "1");
	struct page *p = page_new(dir, "/nonexistent");

	put("index.html", "changed");
	const struct page_file *index = page_find(p, SPAN("/")),
			       *script = page_find(p, SPAN("/lib/a.js"));

	assert_ptr_equal(index, page_find(p, SPAN("/index.html")));
	assert_memory_equal(index->bytes, "<p>hello", index->len);
	assert_string_equal(index->type, "text/html; charset=utf-8");
	assert_string_equal(script->type, "text/javascript; charset=utf-8");
	assert_string_not_equal(index->etag, script->etag);
	page_free(&p);
}

static void page_knows_nothing_outside_of_its_folder(void **state)
{
	static const char *const paths[] = {
		"/link",      "/.hidden", "/../etc/passwd", "/%2e%2e/etc/passwd",
		"index.html", "",         "/index.html/",   "//index.html"};
	char link_path[128];

	(void)state;
	put("index.html", "x");
	put(".hidden", "x");
	snprintf(link_path, sizeof link_path, "%s/link", dir);
	assert_int_equal(symlink("/etc/passwd", link_path), 0);
	struct page *p = page_new(dir, "/nonexistent");

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		assert_null(page_find(p, span_str(paths[i])));
	page_free(&p);
}

static void page_skips_a_file_that_is_too_large(void **state)
{
	char path[128];

	(void)state;
	put("small.txt", "x");
	snprintf(path, sizeof path, "%s/large.txt", dir);
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	assert_int_equal(ftruncate(fd, 2 << 20), 0);
	close(fd);
	struct page *p = page_new(dir, "/nonexistent");

	assert_non_null(page_find(p, SPAN("/small.txt")));
	assert_null(page_find(p, SPAN("/large.txt")));
	page_free(&p);
}

static void page_serves_the_plain_one_below_test(void **state)
{
	(void)state;
	put("index.html", "<p>plain");
	put("page.js", "1");
	struct page *p = page_new("/nonexistent", dir);
	const struct page_file *index = page_find(p, SPAN("/test"));

	assert_memory_equal(index->bytes, "<p>plain", index->len);
	assert_ptr_equal(page_find(p, SPAN("/test/")), index);
	assert_non_null(page_find(p, SPAN("/test/page.js")));
	assert_null(page_find(p, SPAN("/page.js")));
	page_free(&p);
}

static void page_gives_what_gzip_made_of_a_file(void **state)
{
	(void)state;
	put("page.js", "long");
	put("page.js.gz", "short");
	put("other.js", "1");
	struct page *p = page_new(dir, "/nonexistent");
	const struct page_file *script = page_find(p, SPAN("/page.js"));
	const struct page_file *gzipped = page_gzipped(p, script);

	assert_memory_equal(script->bytes, "long", script->len);
	assert_memory_equal(gzipped->bytes, "short", gzipped->len);
	assert_string_not_equal(gzipped->etag, script->etag);
	assert_null(page_gzipped(p, page_find(p, SPAN("/other.js"))));
	page_free(&p);
}

static void page_that_is_not_built_says_what_to_do(void **state)
{
	(void)state;
	struct page *p = page_new("/nonexistent", "/nonexistent");
	const struct page_file *index = page_find(p, SPAN("/"));

	assert_non_null(strstr((const char *)index->bytes, "./dev page"));
	assert_string_equal(index->type, "text/html; charset=utf-8");
	assert_null(page_find(p, SPAN("/test")));
	page_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(page_serves_what_the_folder_held_at_start, setup,
						teardown),
		cmocka_unit_test_setup_teardown(page_knows_nothing_outside_of_its_folder, setup,
						teardown),
		cmocka_unit_test_setup_teardown(page_skips_a_file_that_is_too_large, setup,
						teardown),
		cmocka_unit_test_setup_teardown(page_serves_the_plain_one_below_test, setup,
						teardown),
		cmocka_unit_test_setup_teardown(page_gives_what_gzip_made_of_a_file, setup,
						teardown),
		cmocka_unit_test(page_that_is_not_built_says_what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
