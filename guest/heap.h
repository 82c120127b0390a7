/* SPDX-License-Identifier: MIT */
#ifndef GUEST_HEAP_H
#define GUEST_HEAP_H

#include <stddef.h>
#include <stdint.h>

#define PAGE_BYTES 4096u

/* Zeroed, consecutive, page-aligned pages, for good: a guest lives for one workload. Ends the guest
 * when there are no more. */
void *heap_pages(size_t pages);

static inline size_t pages_of(size_t bytes)
{
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES;
}

#endif
