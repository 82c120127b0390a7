/* SPDX-License-Identifier: MIT */
/* The guest's half: its two CPUs, and what guest/dma.c wants around it. */
#include <errno.h>
#include <stdlib.h>
#include "guest/console.h"
#include "guest/dma.h"
#include "guest/heap.h"
#include "guest/hyper.h"
#include "tests/host/race.h"

const struct abi_boot *boot;

static struct abi_boot cpus[RACE_CPUS];

void race_on_cpu(uint32_t cpu)
{
    cpus[cpu] = (struct abi_boot){
        .ram_base = RACE_BASE,
        .ram_bytes = RACE_PAGES * 4096ull,
        .dma_table = (uintptr_t)race.words,
        .dma_ring = (uintptr_t)race.ring[cpu],
    };
    boot = &cpus[cpu];
}

int race_map(uint32_t page, uint32_t pages, uint32_t rights)
{
    struct dma_burst b;

    dma_burst_begin(&b);
    for (uint32_t i = page; i < page + pages; i++)
        dma_burst_map(&b, race_address(i), rights);
    return dma_burst_commit(&b);
}

void race_unmap(uint32_t page)
{
    dma_unmap(race_address(page));
}

int64_t hyper_call(uint64_t number, uint64_t first, uint64_t second)
{
    (void)second;
    return number == ABI_DMA_MAP ? race_call((struct abi_dma_desc *)boot->dma_ring, first)
                                 : -ENOSYS;
}

/* What guest/dma.c and its like link with, and no test of the race gets to. */
void fail(const char *format, ...)
{
    (void)format;
    abort();
}

void *heap_pages(size_t pages)
{
    (void)pages;
    abort();
}
