/* SPDX-License-Identifier: MIT */
#include "guest/heap.h"

#include <string.h>
#include "guest/console.h"
#include "guest/hyper.h"

static uint64_t used;

void *heap_pages(size_t pages)
{
    uint64_t bytes = (uint64_t)pages * PAGE_BYTES;
    void *start = (void *)(boot->heap_base + used);

    if (pages > boot->heap_bytes / PAGE_BYTES || bytes > boot->heap_bytes - used)
        fail("out of memory: %zu more pages do not fit into a heap of %zu pages with %zu in use; "
             "give the guest more (mem=)",
             pages, (size_t)(boot->heap_bytes / PAGE_BYTES), (size_t)(used / PAGE_BYTES));
    used += bytes;
    return memset(start, 0, bytes);
}
