/* SPDX-License-Identifier: Apache-2.0 */
/* The error table, searched by number: it is read off the hot path only. */
#include "common/err.h"

#include <strings.h>

struct row {
	enum err number;
	bool retryable;
	unsigned http, close;
	const char *name, *text, *hint;
};

static const struct row *find(enum err e);

static const struct row rows[] = {
#define ERR(NAME, number, retryable, http, close, text, hint)                                      \
	{ERR_##NAME, retryable, http, close, #NAME, text, hint},
#include "common/err.def"
#undef ERR
};

/* A newer peer may send a number that this process does not know yet. */
static const struct row unknown = {
	ERR_NONE, false, 500, 0, "UNKNOWN", "an error this process has no name for", ""};

const char *err_name(enum err e)
{
	return find(e)->name;
}

const char *err_text(enum err e)
{
	return find(e)->text;
}

const char *err_hint(enum err e)
{
	return find(e)->hint;
}

enum err err_of_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcasecmp(rows[i].name, name) == 0)
			return rows[i].number;
	return OK;
}

bool err_retryable(enum err e)
{
	return find(e)->retryable;
}

unsigned err_http(enum err e)
{
	return find(e)->http;
}

unsigned err_close(enum err e)
{
	return find(e)->close;
}

static const struct row *find(enum err e)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].number == e)
			return &rows[i];
	return &unknown;
}
