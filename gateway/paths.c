/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/paths.h"

#include "common/base.h"

/* `*` stands for one segment that is not empty, the id. Every row is also served below /api:
 * the router of the relay that Moothall replaces is there, its tools and guides are not. */
static const struct row {
	const char *pattern;
	enum path_target target;
	enum room_kind kind;
	const char *allow;
} rows[] = {
	{"/v1/ws", PATH_NATIVE, ROOM_SUBMISSION, "GET, OPTIONS"},
	{"/ws/test", PATH_TEST, ROOM_SUBMISSION, "GET, OPTIONS"},
	{"/ws/submissions/*", PATH_SOCKET, ROOM_SUBMISSION, "GET, OPTIONS"},
	{"/ws/submissions/*/broadcast", PATH_BROADCAST, ROOM_SUBMISSION, "POST, OPTIONS"},
	{"/ws/submissions/*/room", PATH_ROOM, ROOM_SUBMISSION, "GET, OPTIONS"},
	{"/ws/documents/*", PATH_SOCKET, ROOM_DOCUMENT, "GET, OPTIONS"},
	{"/ws/documents/*/broadcast", PATH_BROADCAST, ROOM_DOCUMENT, "POST, OPTIONS"},
	{"/ws/documents/*/room", PATH_ROOM, ROOM_DOCUMENT, "GET, OPTIONS"},
	{"/auth/session", PATH_SESSION, ROOM_SUBMISSION, "GET, OPTIONS"},
	{"/v1/rooms/*", PATH_V1_ROOM, ROOM_SUBMISSION, "GET, OPTIONS"},
	{"/v1/rooms/*/events", PATH_V1_EVENTS, ROOM_SUBMISSION, "GET, POST, OPTIONS"},
	{"/v1/rooms/*/kick", PATH_V1_KICK, ROOM_SUBMISSION, "POST, OPTIONS"},
	{"/v1/sessions/*/revoke", PATH_V1_REVOKE, ROOM_SUBMISSION, "POST, OPTIONS"},
};

static bool matches(const char *pattern, struct span path, struct span *id);
static struct span next_segment(struct span *rest);

struct path path_read(struct span path)
{
	struct span below = span_starts(path, "/api/") ? span_from(path, 4) : path;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct span id = SPAN_NONE;

		if (matches(rows[i].pattern, below, &id))
			return (struct path){rows[i].target, rows[i].kind, id, rows[i].allow};
	}
	if (span_starts(below, "/v1/"))
		return (struct path){.target = PATH_V1_NONE, .allow = "OPTIONS"};
	return (struct path){.target = PATH_PAGE, .allow = "GET, HEAD"};
}

bool path_is_v1(const struct path *p)
{
	return p->target == PATH_NATIVE || p->target >= PATH_V1_ROOM;
}

bool path_takes(const struct path *p, struct span method)
{
	struct span rest = span_str(p->allow);

	while (rest.len > 0) {
		struct span word = span_until(&rest, ',');

		while (word.len > 0 && word.p[0] == ' ')
			word = span_from(word, 1);
		if (span_eq(word, method))
			return true;
	}
	return false;
}

static bool matches(const char *pattern, struct span path, struct span *id)
{
	struct span want = span_from(span_str(pattern), 1);

	if (path.len == 0 || path.p[0] != '/')
		return false;
	path = span_from(path, 1);
	for (;;) {
		bool wanted = want.p != NULL, given = path.p != NULL;

		if (!wanted || !given)
			return wanted == given;
		struct span w = next_segment(&want), g = next_segment(&path);

		if (span_is(w, "*") && g.len > 0)
			*id = g;
		else if (!span_eq(w, g))
			return false;
	}
}

/* Unlike span_until, tells an empty last segment from the end: `p` becomes NULL only after the
 * last. */
static struct span next_segment(struct span *rest)
{
	size_t len = 0;

	while (len < rest->len && rest->p[len] != '/')
		len++;
	struct span segment = {rest->p, len};

	*rest = len < rest->len ? (struct span){rest->p + len + 1, rest->len - len - 1} : SPAN_NONE;
	return segment;
}
