/* SPDX-License-Identifier: Apache-2.0 */
/* Small pieces come from slabs, the others from the C library; running out of memory aborts. */
#include "common/mem.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/slab.h"

static void *piece(size_t len);
static void *checked(void *p, size_t len);

void *mem_new(size_t len)
{
	must(len > 0);
	void *block = slab_new(len);

	return block ? memset(block, 0, len) : checked(calloc(1, len), len);
}

void *mem_grow(void *p, size_t len)
{
	must(len > 0);
	size_t had = p && slab_has(p) ? slab_len(p) : 0;

	if (!had && (p || len > SLAB_BLOCK_MAX))
		return checked(realloc(p, len), len);
	if (len <= had && len > had / 2)
		return p;
	void *moved = piece(len);
	if (had)
		memcpy(moved, p, had < len ? had : len);
	mem_free(p);
	return moved;
}

void *mem_copy(const void *p, size_t len)
{
	void *copy = piece(len ? len : 1);

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
	if (slab_has(p))
		slab_free(p);
	else
		free(p);
}

void mem_give_back(void)
{
	slab_give_back();
	(void)malloc_trim(0);
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

static void *piece(size_t len)
{
	void *block = slab_new(len);

	return block ? block : checked(malloc(len), len);
}

static void *checked(void *p, size_t len)
{
	if (p)
		return p;
	fprintf(stderr, "level=error msg=out_of_memory bytes=%zu\n", len);
	abort();
}
