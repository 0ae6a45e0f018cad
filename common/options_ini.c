/* SPDX-License-Identifier: Apache-2.0 */
/* An INI text applied to a struct of options; the only file that speaks inih. It hands the library
 * one line at a time, which is how errors know their line: the packaged inih does not tell. */
#include "common/options_ini.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/options_value.h"

#define FILE_MAX_BYTES (1024 * 1024)

static char *next_line(char *to, int cap, void *reading);
static int on_pair(void *reading, const char *section, const char *name, const char *value);
static void say_unknown(struct options_ini *r, const char *section, const char *name);
static void say(struct options_ini *r, const char *what);

enum err options_read_ini(const struct option_table *table, struct span text, const char *file_name,
			  void *out, struct buf *why)
{
	struct options_ini r = {table, text, file_name, out, why, NULL, 0, false};

	return options_ini_read(&r);
}

enum err options_ini_read(struct options_ini *r)
{
	int bad_line = ini_parse_stream(next_line, r, on_pair, r);

	if (!r->failed && bad_line != 0) {
		r->line = bad_line;
		say(r, "expected [section] or key = value");
	}
	return r->failed ? ERR_BAD_REQUEST : OK;
}

char *options_text(const char *path, struct buf *why)
{
	FILE *f = fopen(path, "re");

	if (!f) {
		buf_printf(why, "cannot read %s: %s", path, strerror(errno));
		return NULL;
	}
	char *text = mem_new(FILE_MAX_BYTES + 1);
	size_t len = fread(text, 1, FILE_MAX_BYTES, f);
	bool bad = ferror(f) || !feof(f) || strlen(text) != len;
	fclose(f);
	if (!bad)
		return text;
	buf_printf(why, "cannot read %s: it must be a text file of at most 1 MB", path);
	mem_free(text);
	return NULL;
}

/* inih's fgets. Leading blanks go, because to inih they would continue the value of the line
 * before. */
static char *next_line(char *to, int cap, void *reading)
{
	struct options_ini *r = reading;

	if (r->failed || r->text.len == 0)
		return NULL;
	struct span line = span_until(&r->text, '\n');
	r->line++;
	while (line.len && (line.p[0] == ' ' || line.p[0] == '\t'))
		line = span_from(line, 1);
	if (line.len && memchr(line.p, 0, line.len)) {
		say(r, "there is a NUL byte in this line");
		return NULL;
	}
	if (line.len + 2 > (size_t)cap) {
		say(r, "this line is too long; give a long value in the environment instead");
		return NULL;
	}
	if (line.len)
		memcpy(to, line.p, line.len);
	memcpy(to + line.len, "\n", 2);
	return to;
}

static int on_pair(void *reading, const char *section, const char *name, const char *value)
{
	struct options_ini *r = reading;
	const struct option_row *row = option_find(r->table, span_str(section), span_str(name));

	if (r->failed)
		return 0;
	if (!row) {
		say_unknown(r, section, name);
		return 0;
	}
	struct buf reason;
	buf_init(&reason, 256);
	enum err e = option_store(row, value, r->out, &reason);
	if (e) {
		say(r, "");
		buf_printf(r->why, "\"%s\" is no good for %s in [%s]: ", value, name, section);
		buf_put_span(r->why, buf_span(&reason));
	}
	buf_fini(&reason);
	if (r->given)
		r->given[row - r->table->rows] = true;
	return e == OK;
}

static void say_unknown(struct options_ini *r, const char *section, const char *name)
{
	const struct option_row *near = option_nearest(r->table, span_str(section), span_str(name));

	say(r, "");
	buf_printf(r->why, "unknown option \"%s\" ", name);
	if (section[0])
		buf_printf(r->why, "in [%s]", section);
	else
		buf_put_str(r->why, "before any [section]");
	if (near && strcmp(near->section, section) == 0)
		buf_printf(r->why, "; did you mean \"%s\"?", near->name);
	else if (near)
		buf_printf(r->why, "; did you mean \"%s\" in [%s]?", near->name, near->section);
}

static void say(struct options_ini *r, const char *what)
{
	r->failed = true;
	buf_printf(r->why, "%s:%d: %s", r->file_name, r->line, what);
}
