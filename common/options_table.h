/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
/* Turns a process' options.def into its struct and, a second time, into its rows. No #pragma once: it
 * is included once per use. The rows' macros are described in common/options.h.
 *
 *   gateway/options.def  SECTION(public, "The port that browsers connect to.")
 *                        OPTION_NUM(public, port, 8080, 0, 65535, "", "TCP port; 0: any free one.")
 *                        OPTION_MS(drain, spread, 20000, 0, 600000, "Time over which clients are sent away.")
 *                        OPTION_BYTES(public, sndbuf, 65536, 4096, 1048576, "Kernel buffer per client.")
 *                        OPTION_STR(database, url, "postgresql:///moot", "Where the views are.")
 *                        OPTION_FLAG(log, json, false, "...")
 *
 *   gateway/options.h    #define OPTIONS_DEF "gateway/options.def"
 *                        #define OPTIONS_STRUCT gateway_options
 *                        #include "common/options_table.h"      -> struct gateway_options
 *                        extern const struct option_table gateway_option_table;
 *
 *   gateway/options.c    #define OPTIONS_DEF "gateway/options.def"
 *                        #define OPTIONS_STRUCT gateway_options
 *                        #define OPTIONS_ROWS rows
 *                        #include "common/options_table.h"      -> static const struct option_row rows[]
 *                        const struct option_table gateway_option_table = {
 *                                .program = "moot-gateway", .summary = "...", .version = "0.1.0 (...)",
 *                                .rows = rows, .count = ARRAY_LEN(rows),
 *                                .struct_size = sizeof(struct gateway_options)};
 *
 *   gateway/main.c       options_load(&gateway_option_table, argc, argv, environ, &opt);
 *
 * Every option belongs under the SECTION row of its name. Defaults are literals: a number, true or
 * false, a string. */
#include "common/options.h"

#ifndef OPTIONS_ROWS

#define SECTION(section, help)
#define OPTION_STR(section, name, fallback, help) const char *section##_##name;
#define OPTION_SECRET(section, name, fallback, help) const char *section##_##name;
#define OPTION_NUM(section, name, fallback, min, max, unit, help) int64_t section##_##name;
#define OPTION_MS(section, name, fallback, min, max, help) int64_t section##_##name##_ns;
#define OPTION_BYTES(section, name, fallback, min, max, help) size_t section##_##name;
#define OPTION_FLAG(section, name, fallback, help) bool section##_##name;

struct OPTIONS_STRUCT {
#include OPTIONS_DEF
};

#else

#define OPTION_TEXT_(x) #x
#define OPTION_TEXT(x) OPTION_TEXT_(x)
#define OPTION_AT(member) offsetof(struct OPTIONS_STRUCT, member)

#define SECTION(section, help) {OPTION_STR, #section, NULL, NULL, 0, 0, NULL, help, 0},
#define OPTION_STR(section, name, fallback, help)                                                  \
	{OPTION_STR, #section, #name, fallback, 0, 0, NULL, help, OPTION_AT(section##_##name)},
#define OPTION_SECRET(section, name, fallback, help)                                               \
	{OPTION_SECRET, #section, #name, fallback, 0, 0, NULL, help, OPTION_AT(section##_##name)},
#define OPTION_NUM(section, name, fallback, min, max, unit, help)                                  \
	{OPTION_NUM, #section, #name, OPTION_TEXT(fallback), min, max, unit, help,                 \
	 OPTION_AT(section##_##name)},
#define OPTION_MS(section, name, fallback, min, max, help)                                         \
	{OPTION_MS, #section, #name, OPTION_TEXT(fallback), min, max, "ms", help,                  \
	 OPTION_AT(section##_##name##_ns)},
#define OPTION_BYTES(section, name, fallback, min, max, help)                                      \
	{OPTION_BYTES, #section, #name, OPTION_TEXT(fallback), min, max, "bytes", help,            \
	 OPTION_AT(section##_##name)},
#define OPTION_FLAG(section, name, fallback, help)                                                 \
	{OPTION_FLAG, #section, #name, OPTION_TEXT(fallback), 0, 1, NULL, help,                    \
	 OPTION_AT(section##_##name)},

static const struct option_row OPTIONS_ROWS[] = {
#include OPTIONS_DEF
};

#undef OPTION_AT
#undef OPTION_TEXT
#undef OPTION_TEXT_
#undef OPTIONS_ROWS

#endif

#undef SECTION
#undef OPTION_STR
#undef OPTION_SECRET
#undef OPTION_NUM
#undef OPTION_MS
#undef OPTION_BYTES
#undef OPTION_FLAG
#undef OPTIONS_STRUCT
#undef OPTIONS_DEF
