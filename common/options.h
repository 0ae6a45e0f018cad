/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of a process, from its options.def: default < INI file (-c) < MOOT_* environment <
 * flags. One row gives the struct member, the flag, the variable, the line in --help and in the
 * sample file under deploy/. common/options_table.h shows how a process makes its struct and table.
 * Rows: SECTION(name, "what the section is about") OPTION_STR(section, name, default, "sentence")
 * const char *section_name OPTION_SECRET(...)                                      the same; masked
 * in --print-config; also from MOOT_X_FILE OPTION_NUM(section, name, default, min, max, "unit",
 * "sentence")   int64_t section_name OPTION_MS(section, name, default_ms, min_ms, max_ms,
 * "sentence")   int64_t section_name_ns; accepts 500ms 2s 1m OPTION_BYTES(section, name, default,
 * min, max, "sentence")         size_t section_name; accepts 64k 2m OPTION_FLAG(section, name,
 * default, "sentence")                    bool section_name `database.url` is flag --database-url,
 * variable MOOT_DATABASE_URL, key `url` in `[database]`. */
#pragma once

#include "common/err.h"
#include "common/buf.h"

enum option_kind { OPTION_STR, OPTION_SECRET, OPTION_NUM, OPTION_MS, OPTION_BYTES, OPTION_FLAG };

struct option_row {
	enum option_kind kind;
	const char *section,
		*name;        /* name NULL: the row only opens the section, `help` is about it */
	const char *fallback; /* the default, as text */
	int64_t min, max;     /* in the unit of the text: a count, ms or bytes */
	const char *unit, *help;
	size_t offset; /* of the member */
};

struct option_table {
	const char *program; /* "moot-gateway" */
	const char *summary; /* one sentence */
	const char *version; /* what --version prints after the program's name */
	const char *live;    /* "section.name ...": what SIGHUP changes; NULL: nothing */
	const struct option_row *rows;
	size_t count;
	size_t struct_size;
};

/* Fill `out` (zeroed first; strings live as long as the process). Handles --help, --version,
 * --print-config, --print-sample, --print-man and --check-config by printing and exiting with 0,
 * and where there is an internal port --health and --ready by asking it and exiting with 0 or 1. A
 * wrong option, file or value: one sentence on stderr that says what to do, exit 2 (flags) or 78
 * (file, environment). Unknown MOOT_* variables that no process of ours knows: a warning. */
void options_load(const struct option_table *, int argc, char **argv, char **environ_, void *out);

/* Every default, and the end of the strings that were set; between them the pure part below. */
void options_init(const struct option_table *, void *out);
void options_fini(const struct option_table *, void *out);

/* The pure part: apply one INI text. Errors: BAD_REQUEST, with the sentence in `why`. */
MUST_USE enum err options_read_ini(const struct option_table *, struct span text,
				   const char *file_name, void *out, struct buf *why);
MUST_USE enum err options_set(const struct option_table *, const char *section, const char *name,
			      const char *value, void *out, struct buf *why);
void options_put_sample(const struct option_table *,
			struct buf *); /* an INI file with every default */
void options_put_help(const struct option_table *, struct buf *);
void options_put_flags(const struct option_table *, struct buf *);      /* of it: the options */
void options_put_flag_names(const struct option_table *, struct buf *); /* " --a-b --c-d" */
