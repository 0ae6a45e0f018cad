/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of text with a heading, in columns that are as wide as their widest cell. Pure. */
#pragma once

#include "common/buf.h"

#define TABLE_COLUMNS_MAX 12

/* How a cell is made of a value. */
enum column_kind { COLUMN_TEXT, COLUMN_NUMBER, COLUMN_BYTES, COLUMN_SECONDS, COLUMN_YES_NO };

struct column {
	const char *title, *path; /* path: of the member, as in reply_find; NULL: put by hand */
	enum column_kind kind;
};

struct table {
	const struct column *columns;
	size_t column_count, cell_count;
	struct buf text;    /* the cells, each ended by a NUL */
	size_t *cells, cap; /* where in it they begin */
};

void table_init(struct table *, const struct column *, size_t count); /* columns are borrowed */
void table_fini(struct table *);
void table_add(struct table *, struct span text);       /* the next cell, row after row */
void table_add_row(struct table *, struct span object); /* all cells of one, from JSON */
/* The next cells, as many as the columns from there on that have a path. */
void table_add_rest(struct table *, struct span object);
size_t table_rows(const struct table *);
void table_put(const struct table *, struct buf *out); /* nothing but the heading when empty */

void table_put_bytes(struct buf *, uint64_t bytes);     /* 12.3 MB */
void table_put_seconds(struct buf *, uint64_t seconds); /* 3 d 4 h */
