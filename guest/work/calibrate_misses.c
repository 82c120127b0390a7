/* SPDX-License-Identifier: MIT */
/* A miss, through the whole of the guest's and the hypervisor's engine: a page that is mapped alone
 * and was not resident. Evictions show in the shared table, and only there. */
#include <stdbool.h>
#include "guest/console.h"
#include "guest/dma.h"
#include "guest/heap.h"
#include "guest/hyper.h"
#include "guest/work/calibrate.h"

#define FLOOR_PAGES 4u

struct samples {
    uint32_t count;
    uint64_t ticks[ABI_CALIBRATE_TIMES];
};

static struct samples plain, evicting;
static volatile uint32_t *word; /* of the first page */
static bool *was_resident;

static void add(struct samples *s, uint64_t ticks)
{
    if (s->count < ABI_CALIBRATE_TIMES)
        s->ticks[s->count++] = ticks;
}

/* Of the first pages: whether one has lost its residency since the last look. */
static bool one_has_left(uint32_t pages)
{
    bool left = false;

    for (uint32_t i = 0; i < pages; i++) {
        bool is = word[i] & ABI_DMA_RIGHTS;

        left |= was_resident[i] && !is;
        was_resident[i] = is;
    }
    return left;
}

static void map(uint64_t page, uint32_t number)
{
    uint64_t misses = dma_counters.misses, begin = calibrate_clock(), ticks, at;
    struct dma_burst b;
    int error;

    dma_burst_begin(&b);
    at = dma_burst_map(&b, page, ABI_DMA_READ | ABI_DMA_WRITE);
    error = dma_burst_commit(&b);
    ticks = calibrate_clock() - begin;
    if (error)
        fail("calibrate: a page cannot be mapped: error %d", -error);
    dma_unmap(at);
    if (dma_counters.misses == misses)
        return; /* a prefetch has brought it */
    /* A window tells nothing of evictions, and has none. */
    bool evicted = boot->dma_mode == ABI_DMA_TABLE && one_has_left(number + 1);
    add(evicted ? &evicting : &plain, ticks);
}

void calibrate_misses(struct abi_calibration *c)
{
    uint64_t end = boot->heap_base + boot->heap_bytes, first;
    uint32_t pages;

    was_resident = heap_pages(pages_of(boot->ram_bytes / PAGE_BYTES));
    first = (uintptr_t)heap_pages(1);
    word = (volatile uint32_t *)boot->dma_table + (first - boot->ram_base) / PAGE_BYTES;
    pages = (uint32_t)((end - first) / PAGE_BYTES);
    dma_start(FLOOR_PAGES);
    for (uint32_t i = 0; i < pages && evicting.count < ABI_CALIBRATE_TIMES; i++) {
        map(first + (uint64_t)i * PAGE_BYTES, i);
        hyper_heartbeat();
    }
    c->miss = spread_of(plain.ticks, plain.count);
    c->miss_evict = spread_of(evicting.ticks, evicting.count);
}
