/* SPDX-License-Identifier: Apache-2.0 */
/* Options from the environment: MOOT_SECTION_NAME, and for secrets MOOT_SECTION_NAME_FILE. */
#include "common/options_env.h"

#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/options_ini.h"
#include "common/options_value.h"

#define VARIABLE_MAX (OPTION_NAME_MAX + sizeof("_FILE"))

static void file_variable(const struct option_row *row, char out[VARIABLE_MAX]);
static enum err read_row(const struct option_row *row, char **environ_, void *out, bool *given,
			 struct buf *why);
static enum err store_from(const struct option_row *row, const char *name, const char *value,
			   void *out, struct buf *why);
static const char *find(char **environ_, const char *name);

/* What ./dev env exports for people and tests, and what mootctl reads beyond that. */
static const char *const shared_variables[] = {
	"MOOT_PUBLIC_URL",   "MOOT_PUBLIC_URLS",      "MOOT_INTERNAL_URLS",
	"MOOT_DATABASE_URL", "MOOT_APP_DATABASE_URL", "MOOT_ZMQ_PORTS",
	"MOOT_GATEWAY_PIDS", "MOOT_SHARD_PIDS",       "MOOT_LOGS",
	"MOOT_SERVICE_KEY",  "MOOT_SERVICE_KEY_FILE", "MOOT_INTERNAL_TIMEOUT",
};

enum err options_env_read(const struct option_table *table, char **environ_, void *out, bool *given,
			  struct buf *why)
{
	for (size_t i = 0; i < table->count; i++) {
		enum err e = OK;
		if (table->rows[i].name)
			e = read_row(&table->rows[i], environ_, out, &given[i], why);
		if (e)
			return e;
	}
	return OK;
}

bool options_env_is_stray(const struct option_table *table, const char *variable)
{
	struct span rest = span_str(variable);
	struct span name = span_until(&rest, '=');

	if (!span_starts(name, "MOOT_"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(shared_variables); i++)
		if (span_is(name, shared_variables[i]))
			return false;
	for (size_t i = 0; i < table->count; i++) {
		const struct option_row *row = &table->rows[i];
		char known[VARIABLE_MAX];
		if (!row->name)
			continue;
		option_env(row, known);
		if (span_is(name, known))
			return false;
		file_variable(row, known);
		if (row->kind == OPTION_SECRET && span_is(name, known))
			return false;
	}
	return true;
}

static void file_variable(const struct option_row *row, char out[VARIABLE_MAX])
{
	char name[OPTION_NAME_MAX];

	option_env(row, name);
	snprintf(out, VARIABLE_MAX, "%s_FILE", name);
}

static enum err read_row(const struct option_row *row, char **environ_, void *out, bool *given,
			 struct buf *why)
{
	char name[OPTION_NAME_MAX], file_name[VARIABLE_MAX];

	option_env(row, name);
	file_variable(row, file_name);
	const char *value = find(environ_, name);
	const char *path = row->kind == OPTION_SECRET ? find(environ_, file_name) : NULL;
	if (value && path) {
		buf_printf(why, "%s and %s are both set: unset one", name, file_name);
		return ERR_BAD_REQUEST;
	}
	if (!value && !path)
		return OK;
	*given = true;
	if (!path)
		return store_from(row, name, value, out, why);
	char *text = options_text(path, why);
	if (!text)
		return ERR_BAD_REQUEST;
	text[strcspn(text, "\r\n")] = 0; /* editors end a file with a newline */
	enum err e = store_from(row, file_name, text, out, why);
	mem_free(text);
	return e;
}

static enum err store_from(const struct option_row *row, const char *name, const char *value,
			   void *out, struct buf *why)
{
	struct buf reason;

	buf_init(&reason, 256);
	enum err e = option_store(row, value, out, &reason);
	if (e)
		buf_printf(why, "\"%s\" is no good for %s: %.*s", value, name,
			   SPAN_ARGS(buf_span(&reason)));
	buf_fini(&reason);
	return e;
}

static const char *find(char **environ_, const char *name)
{
	size_t len = strlen(name);

	for (char **at = environ_; *at; at++)
		if (strncmp(*at, name, len) == 0 && (*at)[len] == '=')
			return *at + len + 1;
	return NULL;
}
