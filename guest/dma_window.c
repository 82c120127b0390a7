/* SPDX-License-Identifier: MIT */
/*
 * The life of an IOVA here: allocated (or found, where mappings of a page share it), mapped by a
 * descriptor, unmapped by another one that may wait for company, retired until the hypervisor says
 * that its invalidation has completed, and only then freed for the next one.
 */
#include "guest/dma_window.h"

#include <errno.h>
#include <string.h>
#include "guest/console.h"
#include "guest/heap.h"
#include "guest/hyper.h"
#include "kernel/dma/iova.h"

#define RETIRED 4096u /* places in the line of IOVAs that wait for their invalidation */

/* What the guest knows of an IOVA page. */
struct slot {
    uint32_t page;
    uint32_t rights; /* 0: not allocated */
};

static struct iova_space *space;
static struct slot *slots;
static uint32_t *iova_of_page; /* shared: the slot of a page in use */
static bool shares;

static struct abi_dma_desc unmaps[ABI_DMA_BURST]; /* not handed over yet */
static uint32_t unmap_count;

static uint32_t retired[RETIRED]; /* slots; running counts below */
static uint32_t retired_head, retired_handed, retired_tail;
static uint64_t freed; /* slots taken out of the line so far */

_Static_assert((RETIRED & (RETIRED - 1)) == 0, "running counts wrap");

static uint32_t slot_of(uint64_t at)
{
    uint64_t offset = at - boot->window.base;

    return (uint32_t)(offset / boot->window.stride * boot->window.pages +
                      offset % boot->window.stride / PAGE_BYTES);
}

static uint64_t iova_of(uint32_t slot)
{
    return boot->window.base + slot / boot->window.pages * boot->window.stride +
           slot % boot->window.pages * (uint64_t)PAGE_BYTES;
}

static uint32_t page_of(uint64_t address)
{
    return (uint32_t)((address - boot->ram_base) / PAGE_BYTES);
}

static uint32_t *word_of(uint32_t page)
{
    return (uint32_t *)boot->dma_table + page;
}

/* Its mappings; the count is nobody's but ours in these strategies. */
static uint32_t uses(uint32_t page)
{
    return *word_of(page) / ABI_DMA_COUNT;
}

void dma_window_start(void)
{
    const struct iova_allocator *allocator = iova_find(boot->iova);
    struct iova_config config = {
        .base = boot->window.base, .limit = UINT64_MAX, .pages = boot->window.pages, .cpus = 1};
    uint32_t count = boot->window.rows * boot->window.pages;
    size_t bytes = allocator ? iova_bytes(allocator, &config) : 0;

    if (bytes == 0 || iova_init(allocator, &config, heap_pages(pages_of(bytes)), &space) != 0)
        fail("DMA: no IOVA allocator %s for %u pages", boot->iova, boot->window.pages);
    unmap_count = retired_head = retired_handed = retired_tail = 0;
    freed = 0;
    slots = heap_pages(pages_of(count * sizeof *slots));
    /* identity counts the mappings of a page by itself. */
    shares = boot->dma_mode == ABI_DMA_SHARED && boot->window.rows == 1;
    if (shares)
        iova_of_page = heap_pages(pages_of(boot->window.pages * sizeof *iova_of_page));
}

static struct iova_range range_of(uint32_t slot)
{
    return (struct iova_range){.at = iova(iova_of(slot)),
                               .page = slots[slot].page,
                               .pages = 1,
                               .rights = (uint16_t)slots[slot].rights};
}

static void check(int error)
{
    if (error)
        fail("DMA: the IOVA allocator %s is broken: error %d", boot->iova, -error);
}

static void free_slot(uint32_t slot)
{
    struct iova_range range = range_of(slot);

    slots[slot].rights = 0;
    check(iova_free(space, &range, 0));
}

/* Those whose invalidation has completed, in the order in which they were handed over. */
static void free_completed(void)
{
    uint64_t flushed = *(volatile uint64_t *)boot->dma_flushed;

    while (retired_head != retired_handed && freed < flushed) {
        free_slot(retired[retired_head++ % RETIRED]);
        freed++;
    }
}

/* Room for one more, if only by asking for one that is not ready: the hypervisor waits for it. */
static void retire(uint32_t slot)
{
    if (retired_tail - retired_head == RETIRED && retired_head != retired_handed) {
        free_slot(retired[retired_head++ % RETIRED]);
        freed++;
    }
    if (retired_tail - retired_head == RETIRED)
        fail("DMA: %u unmaps were never handed over", RETIRED);
    retired[retired_tail++ % RETIRED] = slot;
}

static int allocate(uint32_t page, uint32_t rights, uint32_t *slot)
{
    struct iova_range range = {.page = page, .pages = 1, .rights = (uint16_t)rights};
    int error;

    if (shares && uses(page)) {
        *slot = iova_of_page[page];
        return 0;
    }
    free_completed();
    error = iova_alloc(space, &range, 0);
    if (error)
        return error;
    *slot = slot_of(range.at.v);
    slots[*slot] = (struct slot){page, rights};
    if (shares)
        iova_of_page[page] = *slot;
    return 0;
}

/* Ends one mapping of the slot. True when it was the last, and a descriptor's unmap of it makes the
 * IOVA free. */
static bool release(uint32_t slot)
{
    struct iova_range range = range_of(slot);
    uint32_t *word = word_of(slots[slot].page);

    *word -= ABI_DMA_COUNT;
    if (shares && *word >= ABI_DMA_COUNT)
        return false;
    check(iova_put(space, &range, 0));
    return range.changed != 0;
}

static struct abi_dma_desc *ring_at(uint32_t i)
{
    return (struct abi_dma_desc *)boot->dma_ring + i;
}

/* Whether the page of desc is the one behind last's. */
static bool follows(const struct abi_dma_desc *last, const struct abi_dma_desc *desc)
{
    uint64_t bytes = last->pages * (uint64_t)PAGE_BYTES;

    return last->op == desc->op && last->rights == desc->rights &&
           last->pages < ABI_DMA_MAX_PAGES && last->iova + bytes == desc->iova &&
           (desc->op == ABI_DMA_OP_UNMAP || last->page + bytes == desc->page);
}

/* Adds a page to the list of descriptors, to the last one where it follows that. */
static uint32_t append(struct abi_dma_desc *descs, uint32_t n, struct abi_dma_desc desc)
{
    if (n > 0 && follows(&descs[n - 1], &desc)) {
        descs[n - 1].pages++;
        return n;
    }
    descs[n] = desc;
    return n + 1;
}

/* The ring's first n descriptors, and the waiting unmaps where all of them have room behind these.
 */
static int hand_over(uint32_t n)
{
    uint32_t room = ABI_DMA_BURST - n, along = unmap_count <= room ? unmap_count : 0;
    int error;

    memcpy(ring_at(n), unmaps, along * sizeof unmaps[0]);
    error = n + along ? (int)hyper_call(ABI_DMA_MAP, n + along, 0) : 0;
    if (!error && along) {
        unmap_count = 0;
        retired_handed = retired_tail;
    }
    return error;
}

void dma_window_flush(void)
{
    int error = hand_over(0);

    if (error)
        fail("DMA: the hypervisor refused %u unmaps: error %d", unmap_count, -error);
}

static void unmap(uint32_t slot)
{
    struct abi_dma_desc desc = {.op = ABI_DMA_OP_UNMAP, .pages = 1, .iova = iova_of(slot)};

    if (release(slot) && boot->window.rows == 1)
        retire(slot);
    unmap_count = append(unmaps, unmap_count, desc);
    if (boot->dma_calls == ABI_CALLS_SINGLE || unmap_count == ABI_DMA_BURST)
        dma_window_flush();
}

void dma_window_unmap(uint64_t at)
{
    unmap(slot_of(at));
    dma_counters.unmaps++;
}

uint64_t dma_window_address(uint64_t at)
{
    return boot->ram_base + slots[slot_of(at)].page * (uint64_t)PAGE_BYTES;
}

uint64_t dma_window_map(struct dma_burst *b, uint64_t address, uint32_t rights)
{
    uint32_t page = page_of(address), slot = 0;

    if (!b->error)
        b->error = allocate(page, rights, &slot);
    if (b->error)
        return 0;
    *word_of(page) += ABI_DMA_COUNT;
    *word_of(page) |= ABI_DMA_TOUCHED;
    b->index[b->held] = slot;
    b->rights[b->held++] = (uint8_t)rights;
    return iova_of(slot) + address % PAGE_BYTES;
}

static struct abi_dma_desc map_of(const struct dma_burst *b, uint32_t i)
{
    return (struct abi_dma_desc){
        .op = ABI_DMA_OP_MAP,
        .rights = b->rights[i],
        .pages = 1,
        .iova = iova_of(b->index[i]),
        .page = boot->ram_base + slots[b->index[i]].page * (uint64_t)PAGE_BYTES,
    };
}

/* Hands over mappings from i on: all that are left, or one. Returns the first that it left. */
static uint32_t hand_over_maps(struct dma_burst *b, uint32_t i)
{
    uint32_t n = 0;

    do
        n = append(ring_at(0), n, map_of(b, i++));
    while (boot->dma_calls == ABI_CALLS_BATCH && i < b->held);
    b->error = hand_over(n);
    return i;
}

int dma_window_commit(struct dma_burst *b)
{
    uint32_t done = 0, next = 0;

    while (!b->error && next < b->held) {
        next = hand_over_maps(b, next);
        if (!b->error)
            done = next;
    }
    if (!b->error) {
        dma_counters.maps += b->held;
        dma_counters.misses += b->held;
        return 0;
    }
    dma_counters.no_space += b->error == -ENOSPC;
    for (uint32_t i = 0; i < done; i++)
        unmap(b->index[i]);
    for (uint32_t i = done; i < b->held; i++)
        if (release(b->index[i]))
            free_slot(b->index[i]);
    /* What waits to be unmapped may be the very room that is missing. */
    dma_window_flush();
    return b->error;
}
