/* SPDX-License-Identifier: Apache-2.0 */
/* The range of addresses is reserved once, so that a look at a pointer tells whose it is. A slab is
 * cut into blocks from its front, so that pages nobody needed yet are not touched. */
#include "common/slab.h"

#include <sys/mman.h>

#include "common/list.h"

#define STEP 8 /* bytes between two lengths */
#define SLAB_BYTES (128u << 10)
#define SLABS (64u << 10) /* of the range: 8 GiB */
#define CLASSES (SLAB_BLOCK_MAX / STEP)

struct slab {
	struct list of_class; /* on the list while it has a free block */
	void *given_back;     /* each holds the address of the next; NULL: none */
	uint32_t block_len;
	uint32_t used;  /* blocks */
	uint32_t fresh; /* offset of what was never used; a whole block is there or none is left */
};

static struct {
	uint8_t *base;             /* NULL: not reserved yet */
	bool denied;               /* it could not be */
	struct list open[CLASSES]; /* of slab.of_class */
	uint32_t made;             /* slabs from base on */
	uint32_t empty_count;
	uint16_t empty[SLABS]; /* numbers of slabs that are not in use */
} all;

static bool reserve(void);
static struct list *class_of(size_t block_len);
static struct slab *slab_make(size_t block_len);
static bool is_full(const struct slab *);
static void *cut(struct slab *);
static struct slab *slab_of(const void *block);
static void give_back(struct slab *);

void *slab_new(size_t len)
{
	size_t block_len = (len + STEP - 1) / STEP * STEP;

	if (len == 0 || len > SLAB_BLOCK_MAX || !reserve())
		return NULL;
	struct list *open = class_of(block_len);
	struct slab *s = list_is_empty(open) ? slab_make(block_len)
					     : container_of(open->next, struct slab, of_class);

	if (!s)
		return NULL;
	void *block = s->given_back;
	if (block)
		s->given_back = *(void **)block;
	else
		block = cut(s);
	s->used++;
	if (is_full(s))
		list_remove(&s->of_class);
	return block;
}

bool slab_has(const void *p)
{
	return all.base && (uintptr_t)p - (uintptr_t)all.base < (uintptr_t)SLABS * SLAB_BYTES;
}

size_t slab_len(const void *block)
{
	return slab_of(block)->block_len;
}

void slab_free(void *block)
{
	struct slab *s = slab_of(block);

	must(s->used > 0);
	if (is_full(s))
		list_add_last(class_of(s->block_len), &s->of_class);
	*(void **)block = s->given_back;
	s->given_back = block;
	s->used--;
	/* One is kept for the next of its length. */
	if (s->used == 0 && class_of(s->block_len)->next->next != class_of(s->block_len))
		give_back(s);
}

void slab_give_back(void)
{
	for (size_t i = 0; all.base && i < CLASSES; i++)
		LIST_EACH (&all.open[i], it, ahead) {
			struct slab *s = container_of(it, struct slab, of_class);

			if (s->used == 0)
				give_back(s);
		}
}

static bool reserve(void)
{
	if (all.base || all.denied)
		return all.base;
	uint8_t *p = mmap(NULL, (size_t)(SLABS + 1) * SLAB_BYTES, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	all.denied = p == MAP_FAILED;
	if (all.denied)
		return false;
	all.base = p + (SLAB_BYTES - (uintptr_t)p % SLAB_BYTES) % SLAB_BYTES;
	for (size_t i = 0; i < CLASSES; i++)
		list_init(&all.open[i]);
	return true;
}

static struct list *class_of(size_t block_len)
{
	return &all.open[block_len / STEP - 1];
}

static struct slab *slab_make(size_t block_len)
{
	uint32_t number = all.empty_count ? all.empty[all.empty_count - 1] : all.made;
	struct slab *s = (struct slab *)(void *)(all.base + (size_t)number * SLAB_BYTES);

	if (number == SLABS)
		return NULL;
	if (!all.empty_count && mprotect(s, SLAB_BYTES, PROT_READ | PROT_WRITE) != 0)
		return NULL;
	if (all.empty_count)
		all.empty_count--;
	else
		all.made++;
	*s = (struct slab){.block_len = (uint32_t)block_len, .fresh = sizeof *s};
	list_init(&s->of_class);
	list_add_last(class_of(block_len), &s->of_class);
	return s;
}

static bool is_full(const struct slab *s)
{
	return !s->given_back && s->fresh + s->block_len > SLAB_BYTES;
}

static void *cut(struct slab *s)
{
	void *block = (uint8_t *)s + s->fresh;

	s->fresh += s->block_len;
	return block;
}

static struct slab *slab_of(const void *block)
{
	size_t number = ((uintptr_t)block - (uintptr_t)all.base) / SLAB_BYTES;

	return (struct slab *)(void *)(all.base + number * SLAB_BYTES);
}

static void give_back(struct slab *s)
{
	size_t number = (size_t)((uint8_t *)s - all.base) / SLAB_BYTES;

	list_remove(&s->of_class);
	(void)madvise(s, SLAB_BYTES, MADV_DONTNEED);
	all.empty[all.empty_count++] = (uint16_t)number;
}
