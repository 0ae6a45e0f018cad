/* SPDX-License-Identifier: Apache-2.0 */
/* Commands about what happened: why, slow. They read the lines that processes keep in memory. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "deploy/ctl/acts.h"
#include "deploy/ctl/peers.h"
#include "deploy/ctl/reply.h"
#include "deploy/ctl/table.h"
#include "deploy/ctl/timeline.h"

static bool explain(struct ctl *, const char *word);
static void put_error(struct ctl *, enum err);
static bool gather(struct ctl *, const char *path, const char *with, struct timeline *);
static void put_lines(struct ctl *, const struct timeline *);
static void put_details(struct buf *, struct span line);
static void put_causes(struct ctl *, const struct timeline *);

int act_why(struct ctl *c)
{
	struct timeline t;
	char session[32] = "";

	if (explain(c, c->args[0]))
		return CTL_DONE;
	timeline_init(&t);
	bool done = gather(c, "/v1/log", c->args[0], &t);
	if (done && t.count > 0 && timeline_session(&t, session) &&
	    strcmp(session, c->args[0]) != 0)
		done = gather(c, "/v1/log", session, &t);
	if (done && t.count == 0) {
		(void)ctl_fail(c,
			       "no process that answers remembers \"%s\": each keeps its last "
			       "2,048 lines, until it ends; look for it in the logs",
			       c->args[0]);
		done = false;
	} else if (done) {
		put_lines(c, &t);
		put_causes(c, &t);
	}
	timeline_fini(&t);
	return done ? CTL_DONE : CTL_FAILED;
}

int act_slow(struct ctl *c)
{
	struct timeline t;
	char path[64];
	unsigned long limit = c->args[0] ? strtoul(c->args[0], NULL, 10) : 128;

	if (limit < 1 || limit > 128)
		return ctl_fail(c, "LIMIT is a number from 1 to 128, not \"%s\"", c->args[0]);
	snprintf(path, sizeof path, "/v1/slow?limit=%lu", limit);
	timeline_init(&t);
	bool done = gather(c, path, NULL, &t);
	if (done)
		put_lines(c, &t);
	timeline_fini(&t);
	return done ? CTL_DONE : CTL_FAILED;
}

/* The name of an error, or a close code. */
static bool explain(struct ctl *c, const char *word)
{
	static const enum err all[] = {
#define ERR(NAME, number, retryable, http, close, text, hint) ERR_##NAME,
#include "common/err.def"
#undef ERR
	};
	enum err named = err_of_name(word);
	unsigned long code = strtoul(word, NULL, 10);
	bool found = named != OK;

	if (found)
		put_error(c, named);
	for (size_t i = 1; strlen(word) == 4 && i < ARRAY_LEN(all); i++)
		if (code && err_close(all[i]) == code) {
			put_error(c, all[i]);
			found = true;
		}
	return found;
}

static void put_error(struct ctl *c, enum err e)
{
	if (c->json) {
		buf_printf(
			&c->out,
			"{\"error\":\"%s\",\"number\":%d,\"retryable\":%s,\"close\":%u,\"text\":",
			err_name(e), (int)e, err_retryable(e) ? "true" : "false", err_close(e));
		json_put_string(&c->out, span_str(err_text(e)));
		buf_put_str(&c->out, ",\"hint\":");
		json_put_string(&c->out, span_str(err_hint(e)));
		buf_put_str(&c->out, "}\n");
		return;
	}
	buf_printf(&c->out, "%s: %s (%s)\n  %s\n", err_name(e), err_text(e),
		   err_retryable(e) ? "may be tried again" : "final", err_hint(e));
}

/* Of all processes, in order of time. */
static bool gather(struct ctl *c, const char *path, const char *with, struct timeline *t)
{
	struct peers peers;
	struct buf full;

	buf_init(&full, 2048);
	buf_put_str(&full, path);
	if (with) {
		buf_put_str(&full, "?with=");
		address_put_encoded(&full, span_str(with));
	}
	buf_put_u8(&full, 0);
	bool done = peers_ask(c, (const char *)full.p, &peers);
	if (done) {
		for (size_t i = 0; i < peers.count; i++)
			if (peer_is_well(&peers.all[i]))
				timeline_add(t, peer_json(&peers.all[i]));
		peers_warn(&peers);
		peers_close(&peers);
	}
	buf_fini(&full);
	return done;
}

static void put_lines(struct ctl *c, const struct timeline *t)
{
	static const struct column columns[] = {
		{"TIME", "ts", COLUMN_TEXT},
		{"PROCESS", "node", COLUMN_TEXT},
		{"WHAT", "msg", COLUMN_TEXT},
		{"", NULL, COLUMN_TEXT},
	};
	struct table table;
	struct buf text;

	if (c->json) {
		timeline_put_json(t, &c->out);
		return;
	}
	buf_init(&text, 65536);
	table_init(&table, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < t->count; i++) {
		buf_clear(&text);
		put_details(&text, timeline_line(t, i));
		table_add_rest(&table, timeline_line(t, i));
		table_add(&table, buf_span(&text));
	}
	table_put(&table, &c->out);
	table_fini(&table);
	buf_fini(&text);
}

/* What a line says beyond what each says. */
static void put_details(struct buf *out, struct span line)
{
	static const char *const common[] = {"ts", "level", "msg", "proc", "node", "pid"};
	struct span name, value;
	size_t at = 0;

	while (json_member(line, &at, &name, &value)) {
		bool is_common = false;

		for (size_t i = 0; i < ARRAY_LEN(common); i++)
			is_common = is_common || span_is(name, common[i]);
		if (is_common)
			continue;
		buf_put_str(out, out->len > 0 ? " " : "");
		buf_put_span(out, name);
		buf_put_u8(out, '=');
		reply_put_text(value, out);
	}
}

/* What the errors mean that the lines name, each once. */
static void put_causes(struct ctl *c, const struct timeline *t)
{
	bool said[256] = {false};
	struct buf name;

	buf_init(&name, 64);
	for (size_t i = 0; i < t->count && !c->json; i++) {
		buf_clear(&name);
		reply_put_text(reply_find(timeline_line(t, i), "code"), &name);
		buf_put_u8(&name, 0);
		enum err e = name.over ? OK : err_of_name((const char *)name.p);
		if (e && (unsigned)e < ARRAY_LEN(said) && !said[e]) {
			said[e] = true;
			put_error(c, e);
		}
	}
	buf_fini(&name);
}
