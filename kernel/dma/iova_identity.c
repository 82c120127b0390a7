/* SPDX-License-Identifier: MIT */
/*
 * No allocation at all: the page's own address, with a count of its live mappings, so that the last
 * one to go takes the entry along. An access right has an address space of its own, or a page that
 * is read here and written there would have to be open for both (Peleg, Morrison, Serebrin,
 * Tsafrir, ATC'15). Both rights are at the GPA itself.
 */
#include "kernel/dma/iova_space.h"

#define RIGHTS    3u /* read, write, both */
#define COUNT_MAX UINT16_MAX

struct identity {
    struct iova_space space;
    uint64_t stride;   /* from one right's space to the next */
    uint16_t counts[]; /* a row of config.pages for each right */
};

static struct identity *of(const struct iova_space *space)
{
    return (struct identity *)space;
}

/* A power of two, so that the right is a field of the address. 0: there is none in 64 bits. */
static uint64_t stride(const struct iova_config *config)
{
    uint64_t end = config->base + config->pages * PAGE_SIZE;

    return end > 1ull << 61 ? 0 : 1ull << (64 - __builtin_clzll(end - 1));
}

static int check(const struct iova_config *config)
{
    uint64_t far = 2 * stride(config);

    if (!is_aligned(config->base, PAGE_SIZE))
        return -EINVAL;
    if (far == 0 || config->base + config->pages * PAGE_SIZE + far > config->limit)
        return -ERANGE;
    return 0;
}

static size_t bytes(const struct iova_config *config)
{
    return sizeof(struct identity) + (size_t)RIGHTS * config->pages * sizeof(uint16_t);
}

static void init(struct iova_space *space)
{
    of(space)->stride = stride(&space->config);
}

static iova_t address(const struct iova_space *space, const struct iova_range *range)
{
    return iova(space->config.base + range->page * PAGE_SIZE +
                (ABI_DMA_RIGHTS - range->rights) * of(space)->stride);
}

/* The counts of the range's pages, or NULL when there are no such pages. */
static uint16_t *row(const struct iova_space *space, const struct iova_range *range)
{
    uint32_t pages = space->config.pages;

    if (range->rights - 1u >= RIGHTS || range->pages > pages || range->page > pages - range->pages)
        return NULL;
    return of(space)->counts + (size_t)(range->rights - 1u) * pages + range->page;
}

/* Adds 1 or -1 unless the count is at its `end`; the old count. A retry means that another CPU
 * changed this very page's count meanwhile. */
static uint16_t step(uint16_t *count, int by, uint16_t end)
{
    uint16_t old = __atomic_load_n(count, __ATOMIC_RELAXED);

    while (old != end && !__atomic_compare_exchange_n(count, &old, (uint16_t)(old + by), false,
                                                      __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
        ;
    return old;
}

/* All pages or none. from: the count at which an entry changes; end: where a count stops. */
static int step_all(uint16_t *counts, struct iova_range *range, int by, uint16_t from, uint16_t end)
{
    uint64_t changed = 0;

    for (uint32_t i = 0; i < range->pages; i++) {
        uint16_t old = step(&counts[i], by, end);

        if (old == end) {
            while (i--)
                step(&counts[i], -by, (uint16_t)(COUNT_MAX - end));
            return by > 0 ? -EOVERFLOW : -EINVAL;
        }
        changed |= (uint64_t)(old == from) << i;
    }
    range->changed = changed;
    return 0;
}

static int alloc_range(struct iova_space *space, struct iova_range *range, uint32_t cpu)
{
    uint16_t *counts = row(space, range);

    (void)cpu;
    if (!counts)
        return -EINVAL;
    range->at = address(space, range);
    return step_all(counts, range, 1, 0, COUNT_MAX);
}

static int put_range(struct iova_space *space, struct iova_range *range, uint32_t cpu)
{
    uint16_t *counts = row(space, range);

    (void)cpu;
    if (!counts || range->at.v != address(space, range).v)
        return -EINVAL;
    return step_all(counts, range, -1, 1, 0);
}

static int64_t audit(const struct iova_space *space)
{
    const struct identity *d = of(space);
    int64_t live = 0;

    for (size_t i = 0; i < (size_t)RIGHTS * space->config.pages; i++)
        live += d->counts[i];
    return live;
}

const struct iova_allocator iova_identity = {
    .name = "identity",
    .check = check,
    .bytes = bytes,
    .init = init,
    .alloc = alloc_range,
    .put = put_range,
    .audit = audit,
};
