/* SPDX-License-Identifier: Apache-2.0 */
/* The command sql-migrate. What was applied is written in schema_migration, one row for each step,
 * in the transaction of the step. */
#include "deploy/ctl/migrate.h"

#include <string.h>

#include "common/json.h"
#include "deploy/ctl/acts.h"
#include "deploy/ctl/database.h"

#define STEP_MAX (1u << 20)
#define LOCK "SELECT pg_advisory_lock(hashtext('moot_schema_migration'))"

static bool prepare(struct ctl *, struct database *, bool check, struct buf *done);
static bool knows_all(struct ctl *, struct span done);
static bool has_line(struct span text, const char *line);
static bool apply(struct ctl *, struct database *, const struct schema_step *);
static void say(struct ctl *, const char *names, size_t count, bool check);

int act_sql_migrate(struct ctl *c)
{
	bool check = c->arg_count > 0;
	struct database *d = database_open(c);
	struct buf done, names;
	size_t count = 0;

	if (!d)
		return CTL_FAILED;
	buf_init(&done, STEP_MAX);
	buf_init(&names, STEP_MAX);
	bool good = prepare(c, d, check, &done) && knows_all(c, buf_span(&done));
	for (size_t i = 0; good && i < schema_step_count; i++) {
		if (has_line(buf_span(&done), schema_steps[i].name))
			continue;
		good = check || apply(c, d, &schema_steps[i]);
		count += good;
		buf_put_str(&names, schema_steps[i].name);
		buf_put_u8(&names, '\n');
	}
	buf_put_u8(&names, 0);
	if (good)
		say(c, (const char *)names.p, count, check);
	buf_fini(&done);
	buf_fini(&names);
	database_close(&d);
	if (!good)
		return CTL_FAILED;
	return check && count > 0 ? CTL_NOT_READY : CTL_DONE;
}

/* The names of what is there. The lock ends with the connection. */
static bool prepare(struct ctl *c, struct database *d, bool check, struct buf *done)
{
	struct buf found;

	if (check) {
		buf_init(&found, 256);
		bool good =
			database_ask(d, "SELECT to_regclass('schema_migration')", NULL, 0, &found);
		bool is_there = found.len > 1;
		buf_fini(&found);
		if (!good || !is_there)
			return good;
	} else if (!database_run(d, LOCK) ||
		   !database_run(
			   d, "SET client_min_messages = warning;"
			      "CREATE TABLE IF NOT EXISTS schema_migration (name text PRIMARY KEY,"
			      " applied_at timestamptz NOT NULL DEFAULT now())")) {
		return false;
	}
	(void)c;
	return database_ask(d, "SELECT name FROM schema_migration ORDER BY name", NULL, 0, done);
}

/* An older program must not think that all is well. */
static bool knows_all(struct ctl *c, struct span done)
{
	while (done.len > 0) {
		struct span name = span_until(&done, '\n');
		size_t i = 0;

		while (i < schema_step_count && !span_is(name, schema_steps[i].name))
			i++;
		if (i < schema_step_count || name.len == 0)
			continue;
		(void)ctl_fail(c,
			       "the database has %.*s, which this release does not know: run the "
			       "mootctl of the newer one",
			       SPAN_ARGS(name));
		return false;
	}
	return true;
}

static bool has_line(struct span text, const char *line)
{
	while (text.len > 0)
		if (span_is(span_until(&text, '\n'), line))
			return true;
	return false;
}

static bool apply(struct ctl *c, struct database *d, const struct schema_step *step)
{
	struct buf sql, why;

	buf_init(&sql, STEP_MAX);
	buf_printf(&sql, "BEGIN;\n%s\n;INSERT INTO schema_migration (name) VALUES ('%s');COMMIT",
		   step->sql, step->name);
	buf_put_u8(&sql, 0);
	must(!sql.over);
	bool done = database_run(d, (const char *)sql.p);
	buf_fini(&sql);
	if (done)
		return true;
	buf_init(&why, 2048);
	buf_put_span(&why, buf_span(&c->why));
	(void)ctl_fail(c, "%s failed and was rolled back: %.*s", step->name,
		       SPAN_ARGS(buf_span(&why)));
	buf_fini(&why);
	return false;
}

static void say(struct ctl *c, const char *names, size_t count, bool check)
{
	struct span rest = span_str(names);
	const char *comma = "";

	if (!c->json && count == 0)
		buf_put_str(&c->out, "the schema is that of this release\n");
	if (c->json)
		buf_printf(&c->out, "{\"%s\":[", check ? "missing" : "applied");
	while (rest.len > 0) {
		struct span name = span_until(&rest, '\n');

		if (name.len == 0)
			continue;
		if (c->json) {
			buf_put_str(&c->out, comma);
			json_put_string(&c->out, name);
		} else {
			buf_printf(&c->out, "%s %.*s\n", check ? "missing" : "applied",
				   SPAN_ARGS(name));
		}
		comma = ",";
	}
	if (c->json)
		buf_put_str(&c->out, "]}\n");
}
