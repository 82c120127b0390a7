/* SPDX-License-Identifier: MIT */
/* The device reads a page at the IOVA of a mapping that has ended: where the strategy unmaps at
 * once, that faults. */
#include <stddef.h>
#include "guest/console.h"
#include "guest/dma.h"
#include "guest/work/probe.h"
#include "guest/workload.h"

static int run(void)
{
    probe_start();
    uint64_t at = probe_map(probe_frame(), ABI_DMA_READ);

    probe_read(at);
    dma_unmap(at);
    dma_flush();
    say("probe_unmap: the device reads 0x%zx, which has been unmapped", (size_t)at);
    probe_read(at);
    return 0;
}

const struct workload probe_unmap = {"probe_unmap", run};
