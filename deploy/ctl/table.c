/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy/ctl/table.h"

#include <inttypes.h>
#include <string.h>

#include "common/mem.h"
#include "deploy/ctl/reply.h"

#define TEXT_MAX (64u << 20)
#define GAP 2 /* spaces between columns */

static void add_value(struct table *, const struct column *, struct span value);
static struct span cell(const struct table *, size_t at);
static size_t width(struct span text);
static size_t width_of(const struct table *, size_t column);
static void put_cell(struct buf *, const struct column *, struct span text, size_t wide, bool last);
static bool is_right(const struct column *);

void table_init(struct table *t, const struct column *columns, size_t count)
{
	must(count > 0 && count <= TABLE_COLUMNS_MAX);
	*t = (struct table){.columns = columns, .column_count = count};
	buf_init(&t->text, TEXT_MAX);
}

void table_fini(struct table *t)
{
	buf_fini(&t->text);
	mem_free(t->cells);
}

void table_add(struct table *t, struct span text)
{
	if (t->cell_count == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 64, *cells = mem_new(cap * sizeof *cells);

		if (t->cap)
			memcpy(cells, t->cells, t->cap * sizeof *cells);
		mem_free(t->cells);
		t->cells = cells;
		t->cap = cap;
	}
	t->cells[t->cell_count++] = t->text.len;
	buf_put_span(&t->text, text);
	buf_put_u8(&t->text, 0);
}

void table_add_row(struct table *t, struct span object)
{
	must(t->cell_count % t->column_count == 0);
	table_add_rest(t, object);
}

void table_add_rest(struct table *t, struct span object)
{
	for (size_t i = t->cell_count % t->column_count; i < t->column_count; i++) {
		const struct column *c = &t->columns[i];

		if (!c->path)
			return;
		add_value(t, c, reply_find(object, c->path));
	}
}

size_t table_rows(const struct table *t)
{
	return t->cell_count / t->column_count;
}

void table_put(const struct table *t, struct buf *out)
{
	size_t wide[TABLE_COLUMNS_MAX];

	must(t->column_count > 0);
	for (size_t i = 0; i < t->column_count; i++) {
		wide[i] = width_of(t, i);
		put_cell(out, &t->columns[i], span_str(t->columns[i].title), wide[i],
			 i + 1 == t->column_count);
	}
	for (size_t at = 0; at < t->cell_count; at++) {
		size_t i = at % t->column_count;

		put_cell(out, &t->columns[i], cell(t, at), wide[i], i + 1 == t->column_count);
	}
}

void table_put_bytes(struct buf *out, uint64_t bytes)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	double size = (double)bytes;
	size_t unit = 0;

	while (size >= 1000 && unit + 1 < ARRAY_LEN(units)) {
		size /= 1000;
		unit++;
	}
	buf_printf(out, unit == 0 || size >= 100 ? "%.0f %s" : "%.1f %s", size, units[unit]);
}

void table_put_seconds(struct buf *out, uint64_t seconds)
{
	static const struct {
		uint64_t long_s, short_s;
		const char *long_name, *short_name;
	} units[] = {{86400, 3600, "d", "h"}, {3600, 60, "h", "min"}, {60, 1, "min", "s"}};

	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (seconds >= units[i].long_s) {
			buf_printf(out, "%" PRIu64 " %s %" PRIu64 " %s", seconds / units[i].long_s,
				   units[i].long_name, seconds % units[i].long_s / units[i].short_s,
				   units[i].short_name);
			return;
		}
	buf_printf(out, "%" PRIu64 " s", seconds);
}

static void add_value(struct table *t, const struct column *c, struct span value)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	if (value.len == 0)
		buf_put_u8(&text, '-');
	else if (c->kind == COLUMN_BYTES)
		table_put_bytes(&text, reply_number(value, ""));
	else if (c->kind == COLUMN_SECONDS)
		table_put_seconds(&text, reply_number(value, ""));
	else if (c->kind == COLUMN_YES_NO)
		buf_put_str(&text, span_is(value, "true") ? "yes" : "no");
	else
		reply_put_text(value, &text);
	table_add(t, buf_span(&text));
	buf_fini(&text);
}

static struct span cell(const struct table *t, size_t at)
{
	return span_str((const char *)t->text.p + t->cells[at]);
}

/* Characters, not bytes. */
static size_t width(struct span text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += (text.p[i] & 0xc0) != 0x80;
	return count;
}

static size_t width_of(const struct table *t, size_t column)
{
	size_t wide = strlen(t->columns[column].title);

	for (size_t at = column; at < t->cell_count; at += t->column_count)
		if (width(cell(t, at)) > wide)
			wide = width(cell(t, at));
	return wide;
}

static void put_cell(struct buf *out, const struct column *c, struct span text, size_t wide,
		     bool last)
{
	size_t pad = wide - width(text);

	if (is_right(c))
		buf_printf(out, "%*s", (int)pad, "");
	buf_put_span(out, text);
	if (last)
		buf_put_u8(out, '\n');
	else
		buf_printf(out, "%*s", (int)(GAP + (is_right(c) ? 0 : pad)), "");
}

static bool is_right(const struct column *c)
{
	return c->kind == COLUMN_NUMBER || c->kind == COLUMN_BYTES;
}
