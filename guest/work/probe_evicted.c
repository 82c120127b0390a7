/* SPDX-License-Identifier: MIT */
/* The device reads a page that was mapped for it, and read by it, and has been evicted since: only
 * an invalidation makes that fault. */
#include <stddef.h>
#include "guest/console.h"
#include "guest/dma.h"
#include "guest/heap.h"
#include "guest/hyper.h"
#include "guest/work/probe.h"
#include "guest/workload.h"

/* Maps and unmaps other pages until the quota takes this one. */
static void force_out(uint64_t page)
{
    uint64_t end = boot->heap_base + boot->heap_bytes;

    for (uint64_t other = page + PAGE_BYTES; probe_rights(page); other += PAGE_BYTES) {
        if (other >= end)
            fail("probe_evicted: all other pages were mapped and this one is still resident; "
                 "needs strategy=on-demand and a quota below the guest's memory");
        probe_map((const void *)other, ABI_DMA_READ);
        dma_unmap(other);
        hyper_heartbeat();
    }
}

static int run(void)
{
    probe_start();
    uint64_t page = probe_map(probe_frame(), ABI_DMA_READ);

    probe_read(page);
    dma_unmap(page);
    force_out(page);
    say("probe_evicted: the device reads 0x%zx, which has been evicted", (size_t)page);
    probe_read(page);
    return 0;
}

const struct workload probe_evicted = {"probe_evicted", run};
