/* SPDX-License-Identifier: MIT */
/* What every IOVA space begins with. Only the allocators' own files include this. */
#ifndef KERNEL_DMA_IOVA_SPACE_H
#define KERNEL_DMA_IOVA_SPACE_H

#include <errno.h>
#include "kernel/dma/iova.h"

/* Apart in memory, so that what one CPU writes does not slow down another. */
#define IOVA_LINE 64u

#define IOVA_ORDERS 7u /* of 1, 2, 4 .. IOVA_MAX_PAGES pages */

struct iova_space {
    const struct iova_allocator *allocator;
    struct iova_config config;
} __attribute__((aligned(IOVA_LINE)));

/* check, of the allocators that hand out any free address. */
int iova_space_check(const struct iova_config *config);

static inline uint32_t iova_order(uint32_t pages)
{
    return pages > 1 ? 32u - (uint32_t)__builtin_clz(pages - 1) : 0;
}

/* Page numbers within the space, and back. */
static inline iova_t iova_of(const struct iova_space *space, uint32_t first)
{
    return iova(space->config.base + first * PAGE_SIZE);
}

static inline bool iova_first(const struct iova_space *space, iova_t at, uint32_t *first)
{
    uint64_t offset = at.v - space->config.base;

    *first = (uint32_t)(offset >> PAGE_SHIFT);
    return is_aligned(offset, PAGE_SIZE) && offset >> PAGE_SHIFT < space->config.pages;
}

static inline bool iova_lock(const struct iova_space *space)
{
    return !space->config.lock || space->config.lock(space->config.lock_arg);
}

static inline void iova_unlock(const struct iova_space *space)
{
    if (space->config.unlock)
        space->config.unlock(space->config.lock_arg);
}

#endif
