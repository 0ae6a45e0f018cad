/* SPDX-License-Identifier: Apache-2.0 */
#include "common/options_reload.h"

#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/options_env.h"
#include "common/options_ini.h"
#include "common/options_value.h"

#define WHY_MAX 4096

struct options_reload {
	const struct option_table *table;
	int argc;
	char **argv, **environ_;
	void *out;
	void *known; /* as it was read last: `out` may have been completed since */
};

static enum err read_all(const struct options_reload *, void *out, struct buf *why);
static enum err read_file(const struct options_reload *, void *out, struct buf *why);
static enum err read_flags(const struct options_reload *, void *out, struct buf *why);
static const char *config_of(const struct options_reload *);
static void adopt(struct options_reload *, const struct option_row *, const void *fresh);
static bool differs(const struct option_row *, const void *a, const void *b);

struct options_reload *options_reload_new(const struct option_table *table, int argc, char **argv,
					  char **environ_, void *out)
{
	struct options_reload *r = mem_new(sizeof *r);
	struct buf why;

	*r = (struct options_reload){table, argc, argv, environ_, out, mem_new(table->struct_size)};
	buf_init(&why, WHY_MAX);
	options_init(table, r->known);
	(void)read_all(r, r->known, &why); /* options_load has just found them good */
	buf_fini(&why);
	return r;
}

void options_reload_free(struct options_reload **pr)
{
	struct options_reload *r = *pr;

	if (!r)
		return;
	*pr = NULL;
	options_fini(r->table, r->known);
	mem_free(r->known);
	mem_free(r);
}

bool options_reload_run(struct options_reload *r)
{
	void *fresh = mem_new(r->table->struct_size);
	struct buf why;

	buf_init(&why, WHY_MAX);
	options_init(r->table, fresh);
	enum err e = read_all(r, fresh, &why);
	if (e)
		log_error("settings_refused", kv_span("why", buf_span(&why)),
			  kv_str("do", "correct them and send SIGHUP again; nothing was changed"));
	for (size_t i = 0; !e && i < r->table->count; i++)
		if (r->table->rows[i].name && differs(&r->table->rows[i], r->known, fresh))
			adopt(r, &r->table->rows[i], fresh);
	if (!e)
		log_info("settings_read");
	options_fini(r->table, fresh);
	mem_free(fresh);
	buf_fini(&why);
	return e == OK;
}

/* In the order of options_load. */
static enum err read_all(const struct options_reload *r, void *out, struct buf *why)
{
	bool *given = mem_new(r->table->count * sizeof *given);
	enum err e = read_file(r, out, why);

	if (!e)
		e = options_env_read(r->table, r->environ_, out, given, why);
	if (!e)
		e = read_flags(r, out, why);
	mem_free(given);
	return e;
}

static enum err read_file(const struct options_reload *r, void *out, struct buf *why)
{
	const char *config = config_of(r);
	char *text = config ? options_text(config, why) : NULL;

	if (!text)
		return config ? ERR_BAD_REQUEST : OK;
	enum err e = options_read_ini(r->table, span_str(text), config, out, why);
	mem_free(text);
	return e;
}

static enum err read_flags(const struct options_reload *r, void *out, struct buf *why)
{
	enum err e = OK;

	for (int i = 1; !e && i < r->argc; i++) {
		const char *arg = r->argv[i], *equals = strchr(arg, '=');
		size_t len = equals ? (size_t)(equals - arg) : strlen(arg);
		const struct option_row *row = option_find_flag(r->table, span_of(arg, len));
		const char *value = equals ? equals + 1 : r->argv[++i];

		if (row && value)
			e = option_store(row, value, out, why);
	}
	return e;
}

static const char *config_of(const struct options_reload *r)
{
	const char *found = NULL;

	for (int i = 1; i < r->argc; i++)
		if (strncmp(r->argv[i], "--config=", 9) == 0)
			found = r->argv[i] + 9;
		else if (strcmp(r->argv[i], "-c") == 0 || strcmp(r->argv[i], "--config") == 0)
			found = r->argv[++i];
	return found;
}

/* Both read it well, so it can be stored again. */
static void adopt(struct options_reload *r, const struct option_row *row, const void *fresh)
{
	bool live = option_is_live(r->table, row);
	struct buf text, shown;

	buf_init(&text, WHY_MAX);
	buf_init(&shown, WHY_MAX);
	option_put_value(row, fresh, false, &text);
	option_put_value(row, fresh, true, &shown);
	buf_put_u8(&text, 0);
	if (live) {
		must(option_store(row, (const char *)text.p, r->out, NULL) == OK);
		must(option_store(row, (const char *)text.p, r->known, NULL) == OK);
		log_info("setting_changed", kv_str("section", row->section),
			 kv_str("name", row->name), kv_span("value", buf_span(&shown)));
	} else {
		log_warn("setting_needs_restart", kv_str("section", row->section),
			 kv_str("name", row->name));
	}
	buf_fini(&text);
	buf_fini(&shown);
}

static bool differs(const struct option_row *row, const void *a, const void *b)
{
	struct buf x, y;

	buf_init(&x, WHY_MAX);
	buf_init(&y, WHY_MAX);
	option_put_value(row, a, false, &x);
	option_put_value(row, b, false, &y);
	bool other = !span_eq(buf_span(&x), buf_span(&y));
	buf_fini(&x);
	buf_fini(&y);
	return other;
}
