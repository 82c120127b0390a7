/* SPDX-License-Identifier: MIT */
/*
 * The guest's side of the shared DMA table (kernel/abi.h): what a driver calls before it gives an
 * address to the device and after the device is done with it. A hit is one locked add and never
 * leaves the guest; the misses of a burst share one hypercall; an unmap never leaves.
 *
 * IOVA = GPA = address. No hit is usable before its burst is committed.
 */
#ifndef GUEST_DMA_H
#define GUEST_DMA_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/abi.h"

#define DMA_BURST_PAGES 64u /* page references a burst can hold */

struct dma_burst {
    uint32_t held;  /* references taken */
    uint32_t descs; /* descriptors in the ring */
    uint32_t missed;
    int error;
    uint32_t index[DMA_BURST_PAGES]; /* table index or window slot of each, to give them back */
    uint8_t rights[DMA_BURST_PAGES]; /* with a window */
};

struct dma_counters {
    uint64_t maps;     /* pages mapped */
    uint64_t misses;   /* of these, not resident with the right when mapped */
    uint64_t unmaps;   /* -ENOSPC is worth another try once this moved */
    uint64_t no_space; /* bursts refused with -ENOSPC */
};

extern struct dma_counters dma_counters;

/* Declares the floor. Ends the guest when the hypervisor refuses. */
void dma_start(uint32_t floor_pages);

/*
 * Takes a reference to the page that holds address, inside guest RAM, and returns the address for
 * the device: good once the burst is committed, and until it is unmapped. One burst is open at a
 * time: the descriptors go straight into the shared ring. The caller keeps to DMA_BURST_PAGES.
 */
void dma_burst_begin(struct dma_burst *b);
uint64_t dma_burst_map(struct dma_burst *b, uint64_t address, uint32_t rights);

/* 0: the device may use every page. Else all references are given back: -ENOSPC, try again after an
 * unmap; anything else is a defect. */
int dma_burst_commit(struct dma_burst *b);

/* at: as dma_burst_map returned it. */
void dma_unmap(uint64_t at);

/* Hands over unmaps that wait for company, which they do with a window alone. */
void dma_flush(void);

/* Has each of the pages been mapped once, so that no miss is left for later. */
void dma_pretouch(const void *start, uint32_t pages, uint32_t rights);

/* Starts counting distinct pages, and the count: pages with a live mapping at any time since. */
void dma_touched_reset(void);
uint64_t dma_touched_pages(void);

#endif
