/* SPDX-License-Identifier: MIT */
/* The device writes into a page that is mapped for reading. */
#include <stddef.h>
#include "guest/console.h"
#include "guest/heap.h"
#include "guest/hyper.h"
#include "guest/work/probe.h"
#include "guest/workload.h"

static int run(void)
{
    probe_start();
    /* Never read by the device before: some emulated units record no fault for a blocked write that
     * finds a cached translation. */
    const volatile uint8_t *page = probe_page(ABI_DMA_READ);

    if (probe_rights((uintptr_t)page) & ABI_DMA_WRITE)
        fail("probe_readonly: the page may be written as well; use strategy=on-demand");
    say("probe_readonly: the device writes 0x%zx, which is mapped for reading",
        (size_t)(uintptr_t)page);
    probe_write((uintptr_t)page);
    for (uint32_t i = 0; i < PAGE_BYTES; i++) {
        if (page[i])
            fail("probe_readonly: the write got through at byte %u", i);
    }
    return 0;
}

const struct workload probe_readonly = {"probe_readonly", run};
