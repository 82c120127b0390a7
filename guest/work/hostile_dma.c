/* SPDX-License-Identifier: MIT */
/*
 * Wild DMA requests: each kind of bad descriptor, alone and behind a good one, then random
 * descriptors over a table full of scribbles. The hypervisor must answer with the right error, map
 * nothing of a refused burst, and serve good requests as before.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "guest/args.h"
#include "guest/console.h"
#include "guest/dma.h"
#include "guest/heap.h"
#include "guest/hyper.h"
#include "guest/random.h"
#include "guest/workload.h"

#define FLOOR_PAGES 4u
#define PAGES       256u /* of the heap, to play with */

struct wild {
    const char *what;
    struct abi_dma_desc
        desc; /* page and iova as they are when absolute, else from the first page */
    bool absolute;
    int error;
};

static uint8_t *pages;
static bool mapped_at_start; /* the strategy maps everything before it is asked */

static struct abi_dma_desc *ring(uint32_t i)
{
    return (struct abi_dma_desc *)boot->dma_ring + i;
}

static volatile uint32_t *word(uint64_t address)
{
    return (volatile uint32_t *)boot->dma_table + (address - boot->ram_base) / PAGE_BYTES;
}

static struct abi_dma_desc good(uint64_t address)
{
    return (struct abi_dma_desc){ABI_DMA_OP_MAP, ABI_DMA_READ, 1, 0, address, address, 0};
}

static const struct wild wilds[] = {
    {"operation 0", {0, ABI_DMA_READ, 1, 0, 0, 0, 0}, false, -EINVAL},
    {"operation 255", {255, ABI_DMA_READ, 1, 0, 0, 0, 0}, false, -EINVAL},
    {"no rights", {ABI_DMA_OP_MAP, 0, 1, 0, 0, 0, 0}, false, -EINVAL},
    {"unknown rights", {ABI_DMA_OP_MAP, 0xff, 1, 0, 0, 0, 0}, false, -EINVAL},
    {"no pages", {ABI_DMA_OP_MAP, ABI_DMA_READ, 0, 0, 0, 0, 0}, false, -EINVAL},
    {"65 pages", {ABI_DMA_OP_MAP, ABI_DMA_READ, 65, 0, 0, 0, 0}, false, -E2BIG},
    {"65,535 pages", {ABI_DMA_OP_MAP, ABI_DMA_READ, 65535, 0, 0, 0, 0}, false, -E2BIG},
    {"half a page", {ABI_DMA_OP_MAP, ABI_DMA_READ, 1, 0, 2048, 2048, 0}, false, -EINVAL},
    {"another IOVA", {ABI_DMA_OP_MAP, ABI_DMA_READ, 1, 0, PAGE_BYTES, 0, 0}, false, -EINVAL},
    {"reserved set", {ABI_DMA_OP_MAP, ABI_DMA_READ, 1, 0, 0, 0, 1}, false, -EINVAL},
    {"the hypervisor", {ABI_DMA_OP_MAP, ABI_DMA_WRITE, 1, 0, 0x200000, 0x200000, 0}, true, -EINVAL},
    {"the IOMMU", {ABI_DMA_OP_MAP, ABI_DMA_WRITE, 1, 0, 0xfed90000, 0xfed90000, 0}, true, -EINVAL},
    {"the interrupt range",
     {ABI_DMA_OP_MAP, ABI_DMA_WRITE, 1, 0, 0xfee00000, 0xfee00000, 0},
     true,
     -EINVAL},
    {"the last page of all",
     {ABI_DMA_OP_MAP, ABI_DMA_WRITE, 2, 0, 0xfffffffffffff000, 0xfffffffffffff000, 0},
     true,
     -EINVAL},
};

static void expect(const char *what, int64_t got, int64_t want)
{
    if (got != want)
        fail("hostile_dma: %s: got %d, not %d", what, (int)got, (int)want);
}

static void expect_unmapped(const char *what, uint64_t address)
{
    if (!mapped_at_start && (*word(address) & ABI_DMA_RIGHTS))
        fail("hostile_dma: %s: refused, and yet the page before it is mapped", what);
}

static struct abi_dma_desc placed(const struct wild *w)
{
    struct abi_dma_desc desc = w->desc;

    if (!w->absolute) {
        desc.page += (uintptr_t)pages;
        desc.iova += (uintptr_t)pages;
    }
    return desc;
}

static void bad_descriptors(void)
{
    uint64_t first = (uintptr_t)pages;

    for (size_t i = 0; i < sizeof(wilds) / sizeof(wilds[0]); i++) {
        *ring(0) = placed(&wilds[i]);
        expect(wilds[i].what, hyper_call(ABI_DMA_MAP, 1, 0), wilds[i].error);
        expect("its status", ring(0)->status, wilds[i].error);
        *ring(0) = good(first);
        *ring(1) = placed(&wilds[i]);
        expect(wilds[i].what, hyper_call(ABI_DMA_MAP, 2, 0), wilds[i].error);
        expect_unmapped(wilds[i].what, first);
    }
    uint64_t end = boot->ram_base + boot->ram_bytes;
    *ring(0) = good(end - PAGE_BYTES);
    ring(0)->pages = 2;
    expect("over the end of RAM", hyper_call(ABI_DMA_MAP, 1, 0), -EINVAL);
    *ring(0) = good(boot->ram_base - PAGE_BYTES);
    expect("before RAM", hyper_call(ABI_DMA_MAP, 1, 0), -EINVAL);
    expect("0 descriptors", hyper_call(ABI_DMA_MAP, 0, 0), -EINVAL);
    expect("65 descriptors", hyper_call(ABI_DMA_MAP, ABI_DMA_BURST + 1, 0), -E2BIG);
    expect("2^64 - 1 descriptors", hyper_call(ABI_DMA_MAP, UINT64_MAX, 0), -E2BIG);
    expect("a second floor", hyper_call(ABI_DMA_INIT, FLOOR_PAGES, 0), -EBUSY);
}

static uint64_t random_address(void)
{
    uint64_t page = boot->ram_base / PAGE_BYTES + random_next() % (boot->ram_bytes / PAGE_BYTES);

    switch (random_next() % 4) {
    case 0:
        return (uint64_t)random_next() << 32 | random_next();
    case 1:
        return page * PAGE_BYTES;
    default:
        return (uintptr_t)pages + random_next() % PAGES * PAGE_BYTES;
    }
}

static void random_descriptor(struct abi_dma_desc *desc)
{
    uint64_t address = random_address();

    *desc = good(address);
    desc->rights = (uint8_t)(random_next() % 5);
    desc->pages = (uint16_t)(random_next() % 70);
    if (random_next() % 8 == 0)
        desc->op = (uint8_t)random_next();
    if (random_next() % 8 == 0)
        desc->iova ^= random_next();
}

/* Only our own play pages are scribbled on: counts that never come back to 0 hold their page for
 * ever, which hurts nobody but us. */
static void scribble(void)
{
    for (uint32_t i = 0; i < 16; i++)
        *word((uintptr_t)pages + random_next() % PAGES * PAGE_BYTES) = random_next();
}

static bool is_known(int64_t error)
{
    return error == 0 || error == -EINVAL || error == -E2BIG || error == -ENOSPC;
}

static void random_bursts(uint64_t rounds)
{
    for (uint64_t i = 0; i < rounds; i++) {
        uint32_t n = 1 + random_next() % ABI_DMA_BURST;

        hyper_heartbeat();
        scribble();
        for (uint32_t k = 0; k < n; k++)
            random_descriptor(ring(k));
        int64_t error = hyper_call(ABI_DMA_MAP, n, 0);
        if (!is_known(error))
            fail("hostile_dma: random burst %zu: unexpected error %d", (size_t)i, (int)-error);
    }
}

static int run(void)
{
    struct dma_burst b;

    dma_start(FLOOR_PAGES);
    pages = heap_pages(PAGES);
    mapped_at_start = *word((uintptr_t)pages) & ABI_DMA_RIGHTS;
    bad_descriptors();
    random_bursts(args_number("rounds", 2000));
    /* No reference is really held: with the scribbles gone, good requests work as before. */
    for (uint32_t i = 0; i < PAGES; i++)
        *word((uintptr_t)pages + (uint64_t)i * PAGE_BYTES) = 0;
    dma_burst_begin(&b);
    dma_burst_map(&b, (uintptr_t)heap_pages(1), ABI_DMA_READ | ABI_DMA_WRITE);
    expect("a good request at the end", dma_burst_commit(&b), 0);
    return 0;
}

const struct workload hostile_dma = {"hostile_dma", run};
