/* SPDX-License-Identifier: Apache-2.0 */
/* The C allocator, with running out of memory turned into an abort. */
#include "common/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *p, size_t len);

void *mem_new(size_t len)
{
	must(len > 0);
	return checked(calloc(1, len), len);
}

void *mem_grow(void *p, size_t len)
{
	must(len > 0);
	return checked(realloc(p, len), len);
}

void *mem_copy(const void *p, size_t len)
{
	void *copy = checked(malloc(len ? len : 1), len);

	if (len)
		memcpy(copy, p, len);
	return copy;
}

char *mem_str(const char *s)
{
	return mem_copy(s, strlen(s) + 1);
}

void mem_free(void *p)
{
	free(p);
}

char **mem_texts(const char *const *texts)
{
	size_t count = 0;

	while (texts && texts[count])
		count++;
	char **copy = mem_new((count + 1) * sizeof(*copy));
	for (size_t i = 0; i < count; i++)
		copy[i] = mem_str(texts[i]);
	return copy;
}

void mem_free_texts(char **texts)
{
	for (char **text = texts; *text; text++)
		mem_free(*text);
	mem_free(texts);
}

static void *checked(void *p, size_t len)
{
	if (p)
		return p;
	fprintf(stderr, "level=error msg=out_of_memory bytes=%zu\n", len);
	abort();
}
