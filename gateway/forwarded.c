/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/forwarded.h"

#include <string.h>
#include <strings.h>

static const char header[] = "X-Forwarded-For";

static bool is_named(struct span name);
static bool read_list(const struct ip_set *proxies, struct span list, struct ip *client);
static struct span cut_last(struct span *list);
static bool read_element(struct span text, struct ip *out);
static struct span trim(struct span text);

struct ip forwarded_for(const struct request *r, const struct ip *from,
			const struct ip_set *proxies)
{
	struct ip client = *from;

	if (!ip_set_has(proxies, from))
		return client;
	for (size_t i = r->field_count; i-- > 0;) { /* of several fields the last was added last */
		const struct request_field *field = &r->fields[i];

		if (is_named(field->name) && !read_list(proxies, field->value, &client))
			break;
	}
	return client;
}

static bool is_named(struct span name)
{
	return name.len == sizeof header - 1 &&
	       strncasecmp((const char *)name.p, header, name.len) == 0;
}

/* False: whoever is before these was not named by somebody we trust. */
static bool read_list(const struct ip_set *proxies, struct span list, struct ip *client)
{
	while (list.len > 0) {
		struct ip ip;

		if (!read_element(cut_last(&list), &ip))
			return false;
		*client = ip;
		if (!ip_set_has(proxies, &ip))
			return false;
	}
	return true;
}

static struct span cut_last(struct span *list)
{
	const uint8_t *comma = memrchr(list->p, ',', list->len);
	size_t before = comma ? (size_t)(comma - list->p) : 0;
	struct span last = comma ? span_from(*list, before + 1) : *list;

	*list = span_of(list->p, before);
	return last;
}

/* Some write the port, too: a.b.c.d:port, [v6]:port. */
static bool read_element(struct span text, struct ip *out)
{
	text = trim(text);
	if (text.len > 0 && text.p[0] == '[') {
		text = span_from(text, 1);
		return ip_read(span_until(&text, ']'), out);
	}
	if (ip_read(text, out))
		return true;
	return ip_read(span_until(&text, ':'), out);
}

static struct span trim(struct span text)
{
	while (text.len > 0 && (text.p[0] == ' ' || text.p[0] == '\t'))
		text = span_from(text, 1);
	while (text.len > 0 && (text.p[text.len - 1] == ' ' || text.p[text.len - 1] == '\t'))
		text.len--;
	return text;
}
