/* SPDX-License-Identifier: Apache-2.0 */
/* One option: names, and text to value and back. A string member is NULL, the table's default, or
 * ours to free. */
#include "common/options_value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

struct unit {
	const char *name;
	int64_t factor;
};

static void put_name(char out[OPTION_NAME_MAX], const char *prefix, const struct option_row *row,
		     char sep);
static size_t distance(struct span a, struct span b);
static size_t least(size_t a, size_t b, size_t c);
static enum err parse_scaled(const struct option_row *row, const char *text, int64_t *v,
			     struct buf *why);
static const struct unit *units_of(enum option_kind kind);
static enum err parse_flag(const char *text, bool *v, struct buf *why);
static enum err say_range(const struct option_row *row, struct buf *why);
static void put_scaled(enum option_kind kind, int64_t v, struct buf *to);
static void store_str(const struct option_row *row, const char *value, const char **member);

/* largest first, so that a value is written in the largest unit that divides it */
static const struct unit ms_units[] = {
	{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {NULL, 0}};
static const struct unit byte_units[] = {
	{"g", 1 << 30}, {"m", 1 << 20}, {"k", 1 << 10}, {"", 1}, {NULL, 0}};
static const struct unit no_units[] = {{"", 1}, {NULL, 0}};

void option_flag(const struct option_row *row, char out[OPTION_NAME_MAX])
{
	put_name(out, "--", row, '-');
}

void option_env(const struct option_row *row, char out[OPTION_NAME_MAX])
{
	put_name(out, "MOOT_", row, '_');
	for (char *c = out; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
}

const struct option_row *option_find(const struct option_table *t, struct span section,
				     struct span name)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct option_row *row = &t->rows[i];
		if (row->name && span_is(section, row->section) && span_is(name, row->name))
			return row;
	}
	return NULL;
}

const struct option_row *options_internal_port(const struct option_table *t)
{
	return option_find(t, SPAN("internal"), SPAN("port"));
}

const struct option_row *option_find_flag(const struct option_table *table, struct span flag)
{
	char name[OPTION_NAME_MAX];

	for (size_t i = 0; i < table->count; i++) {
		if (!table->rows[i].name)
			continue;
		option_flag(&table->rows[i], name);
		if (span_is(flag, name))
			return &table->rows[i];
	}
	return NULL;
}

bool option_is_live(const struct option_table *table, const struct option_row *row)
{
	struct span names = span_str(table->live);

	while (row->name && names.len > 0) {
		struct span name = span_until(&names, ' ');

		if (span_is(span_until(&name, '.'), row->section) && span_is(name, row->name))
			return true;
	}
	return false;
}

const struct option_row *option_nearest(const struct option_table *t, struct span section,
					struct span name)
{
	const struct option_row *best = NULL;
	size_t best_cost = name.len / 2 + 1;

	for (size_t i = 0; i < t->count; i++) {
		const struct option_row *row = &t->rows[i];
		if (!row->name)
			continue;
		size_t cost = distance(name, span_str(row->name));
		if (!span_is(section, row->section))
			cost += distance(section, span_str(row->section)) > 2 ? 2 : 1;
		if (cost < best_cost) {
			best = row;
			best_cost = cost;
		}
	}
	return best;
}

enum err option_store(const struct option_row *row, const char *value, void *out, struct buf *why)
{
	void *member = (char *)out + row->offset;
	int64_t v = 0;
	enum err e = OK;

	switch (row->kind) {
	case OPTION_STR:
	case OPTION_SECRET:
		store_str(row, value, member);
		return OK;
	case OPTION_FLAG:
		return parse_flag(value, member, why);
	case OPTION_NUM:
	case OPTION_MS:
	case OPTION_BYTES:
		break;
	}
	e = parse_scaled(row, value, &v, why);
	if (e)
		return e;
	if (row->kind == OPTION_BYTES)
		*(size_t *)member = (size_t)v;
	else
		*(int64_t *)member = row->kind == OPTION_MS ? v * NS_PER_MS : v;
	return OK;
}

void option_put_value(const struct option_row *row, const void *out, bool mask, struct buf *to)
{
	const void *member = (const char *)out + row->offset;
	const char *text;

	switch (row->kind) {
	case OPTION_STR:
	case OPTION_SECRET:
		text = *(const char *const *)member;
		buf_put_str(to, mask && row->kind == OPTION_SECRET && text[0] ? "********" : text);
		return;
	case OPTION_FLAG:
		buf_put_str(to, *(const bool *)member ? "true" : "false");
		return;
	case OPTION_BYTES:
		put_scaled(row->kind, (int64_t) * (const size_t *)member, to);
		return;
	case OPTION_NUM:
		put_scaled(row->kind, *(const int64_t *)member, to);
		return;
	case OPTION_MS:
		put_scaled(row->kind, *(const int64_t *)member / NS_PER_MS, to);
		return;
	}
}

void option_put_fallback(const struct option_row *row, struct buf *to)
{
	union {
		const char *str;
		int64_t num;
		size_t bytes;
		bool flag;
	} member = {0};
	struct option_row at_start = *row;
	struct buf why;

	at_start.offset = 0;
	buf_init(&why, 256);
	if (row->kind == OPTION_STR || row->kind == OPTION_SECRET)
		member.str = row->fallback;
	else
		must(option_store(&at_start, row->fallback, &member, &why) == OK);
	option_put_value(&at_start, &member, false, to);
	buf_fini(&why);
}

static void put_name(char out[OPTION_NAME_MAX], const char *prefix, const struct option_row *row,
		     char sep)
{
	int len = snprintf(out, OPTION_NAME_MAX, "%s%s%c%s", prefix, row->section, sep, row->name);

	must(len > 0 && len < OPTION_NAME_MAX);
	for (char *c = out + strlen(prefix); *c; c++)
		if (*c == '_' || *c == '-')
			*c = sep;
}

/* Levenshtein, between names short enough to be names. */
static size_t distance(struct span a, struct span b)
{
	size_t row[65];

	if (a.len >= ARRAY_LEN(row) || b.len >= ARRAY_LEN(row))
		return SIZE_MAX / 2;
	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 0; i < a.len; i++) {
		size_t diagonal = row[0];
		row[0] = i + 1;
		for (size_t j = 0; j < b.len; j++) {
			size_t swap = diagonal + (a.p[i] != b.p[j]);
			diagonal = row[j + 1];
			row[j + 1] = least(swap, row[j] + 1, diagonal + 1);
		}
	}
	return row[b.len];
}

static size_t least(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

static enum err parse_scaled(const struct option_row *row, const char *text, int64_t *v,
			     struct buf *why)
{
	const struct unit *unit = units_of(row->kind);
	char *end;

	if (!isdigit((unsigned char)text[0]) && text[0] != '-')
		return say_range(row, why);
	errno = 0;
	long long n = strtoll(text, &end, 10);
	if (errno || end == text)
		return say_range(row, why);
	if (*end) {
		while (unit->name && strcasecmp(end, unit->name) != 0)
			unit++;
		if (!unit->name || __builtin_mul_overflow(n, unit->factor, &n))
			return say_range(row, why);
	}
	if (n < row->min || n > row->max)
		return say_range(row, why);
	*v = n;
	return OK;
}

static const struct unit *units_of(enum option_kind kind)
{
	return kind == OPTION_MS ? ms_units : kind == OPTION_BYTES ? byte_units : no_units;
}

static enum err parse_flag(const char *text, bool *v, struct buf *why)
{
	static const char *const yes[] = {"true", "yes", "on", "1"};
	static const char *const no[] = {"false", "no", "off", "0"};

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (strcasecmp(text, yes[i]) != 0 && strcasecmp(text, no[i]) != 0)
			continue;
		*v = strcasecmp(text, yes[i]) == 0;
		return OK;
	}
	buf_put_str(why, "give true or false");
	return ERR_BAD_REQUEST;
}

static enum err say_range(const struct option_row *row, struct buf *why)
{
	buf_put_str(why, row->kind == OPTION_MS ? "give a time from " : "give a number from ");
	put_scaled(row->kind, row->min, why);
	buf_put_str(why, " to ");
	put_scaled(row->kind, row->max, why);
	if (row->kind == OPTION_MS)
		buf_put_str(why, ", such as 500ms, 2s or 1m");
	if (row->kind == OPTION_BYTES)
		buf_put_str(why, " bytes, such as 4096, 64k or 2m");
	return ERR_BAD_REQUEST;
}

static void put_scaled(enum option_kind kind, int64_t v, struct buf *to)
{
	const struct unit *unit = units_of(kind);

	while (unit[1].name && (v == 0 || v % unit->factor != 0))
		unit++;
	buf_printf(to, "%" PRId64 "%s", v / unit->factor, unit->name);
}

static void store_str(const struct option_row *row, const char *value, const char **member)
{
	const char *old = *member;

	*member = strcmp(value, row->fallback) == 0 ? row->fallback : mem_str(value);
	if (old != row->fallback)
		mem_free((void *)(uintptr_t)old);
}
