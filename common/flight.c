/* SPDX-License-Identifier: Apache-2.0 */
#include "common/flight.h"

#include <string.h>

#include "common/mem.h"

static const char *line_at(const struct flight *f, uint64_t number);
static bool contains(const char *line, struct span text);

void flight_init(struct flight *f, size_t cap_lines)
{
	*f = (struct flight){.cap = cap_lines};
}

void flight_fini(struct flight *f)
{
	for (size_t i = 0; f->lines && i < f->cap; i++)
		mem_free(f->lines[i]);
	mem_free(f->lines);
	*f = (struct flight){.cap = f->cap};
}

void flight_put(struct flight *f, struct span line)
{
	if (line.len > FLIGHT_LINE_MAX)
		return;
	if (!f->lines)
		f->lines = mem_new(f->cap * sizeof(*f->lines));
	char **place = &f->lines[f->next++ % f->cap];

	mem_free(*place);
	*place = mem_new(line.len + 1);
	memcpy(*place, line.p, line.len);
}

void flight_find(const struct flight *f, struct span text, size_t limit, struct buf *out)
{
	uint64_t oldest = f->next > f->cap ? f->next - f->cap : 0, from = f->next;

	while (from > oldest && limit > 0)
		limit -= contains(line_at(f, --from), text);
	for (bool first = true; from < f->next; from++) {
		const char *line = line_at(f, from);

		if (!contains(line, text))
			continue;
		if (!first)
			buf_put_u8(out, ',');
		first = false;
		buf_put_str(out, line);
	}
}

static const char *line_at(const struct flight *f, uint64_t number)
{
	return f->lines[number % f->cap];
}

static bool contains(const char *line, struct span text)
{
	return text.len == 0 || memmem(line, strlen(line), text.p, text.len);
}
