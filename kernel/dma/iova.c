/* SPDX-License-Identifier: MIT */
#include "kernel/dma/iova.h"
#include <errno.h>
#include <string.h>
#include "kernel/dma/iova_space.h"

static const struct iova_allocator *const allocators[] = {
    &iova_identity, &iova_rbtree, &iova_eiovar, &iova_magazine, &iova_sizeclass,
};
const char *const iova_names[] = {"identity", "rbtree", "eiovar", "magazine", "sizeclass", NULL};

_Static_assert(sizeof iova_names / sizeof *iova_names == sizeof allocators / sizeof *allocators + 1,
               "every allocator has its name in the list");

const struct iova_allocator *iova_find(const char *name)
{
    for (size_t i = 0; i < sizeof allocators / sizeof *allocators; i++)
        if (strcmp(allocators[i]->name, name) == 0)
            return allocators[i];
    return NULL;
}

int iova_space_check(const struct iova_config *config)
{
    if (!is_aligned(config->base, IOVA_MAX_PAGES * PAGE_SIZE))
        return -EINVAL;
    return 0;
}

static int check(const struct iova_allocator *allocator, const struct iova_config *config)
{
    if (config->base == 0 || config->pages == 0 || config->pages >= IOVA_SPACE_MAX)
        return -EINVAL;
    if (config->cpus == 0 || config->cpus > IOVA_MAX_CPUS || !config->lock != !config->unlock)
        return -EINVAL;
    if (config->base > config->limit || config->pages > (config->limit - config->base) / PAGE_SIZE)
        return -ERANGE;
    return allocator->check(config);
}

size_t iova_bytes(const struct iova_allocator *allocator, const struct iova_config *config)
{
    return check(allocator, config) ? 0 : allocator->bytes(config);
}

int iova_init(const struct iova_allocator *allocator, const struct iova_config *config,
              void *memory, struct iova_space **space)
{
    int error = check(allocator, config);

    if (error)
        return error;
    memset(memory, 0, allocator->bytes(config));
    *space = memory;
    **space = (struct iova_space){.allocator = allocator, .config = *config};
    allocator->init(*space);
    return 0;
}

static inline bool is_sound(const struct iova_space *space, const struct iova_range *range,
                            uint32_t cpu)
{
    return range->pages - 1u < IOVA_MAX_PAGES && cpu < space->config.cpus;
}

static inline uint64_t all_of(const struct iova_range *range)
{
    return ~0ull >> (IOVA_MAX_PAGES - range->pages);
}

int iova_alloc(struct iova_space *space, struct iova_range *range, uint32_t cpu)
{
    if (!is_sound(space, range, cpu))
        return -EINVAL;
    range->changed = all_of(range);
    return space->allocator->alloc(space, range, cpu);
}

int iova_put(struct iova_space *space, struct iova_range *range, uint32_t cpu)
{
    if (!is_sound(space, range, cpu))
        return -EINVAL;
    range->changed = all_of(range);
    return space->allocator->put ? space->allocator->put(space, range, cpu) : 0;
}

int iova_free(struct iova_space *space, const struct iova_range *range, uint32_t cpu)
{
    if (!is_sound(space, range, cpu))
        return -EINVAL;
    return space->allocator->free ? space->allocator->free(space, range, cpu) : 0;
}

void iova_trim(struct iova_space *space)
{
    if (space->allocator->trim)
        space->allocator->trim(space);
}

int64_t iova_audit(const struct iova_space *space)
{
    return space->allocator->audit(space);
}
