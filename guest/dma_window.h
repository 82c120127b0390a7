/* SPDX-License-Identifier: MIT */
/*
 * What guest/dma.c does where the hypervisor wants to see each map and each unmap (strategies
 * shared and single-use): an IOVA out of the window for each, and descriptors by boot->dma_calls.
 * The rest of the guest includes guest/dma.h.
 */
#ifndef GUEST_DMA_WINDOW_H
#define GUEST_DMA_WINDOW_H

#include "guest/dma.h"

/* Takes memory for the allocator. Ends the guest when it does not work. */
void dma_window_start(void);

/* As dma_burst_map, dma_burst_commit, dma_unmap and dma_flush. */
uint64_t dma_window_map(struct dma_burst *b, uint64_t address, uint32_t rights);
int dma_window_commit(struct dma_burst *b);
void dma_window_unmap(uint64_t at);
/* Of the page that is mapped there. */
uint64_t dma_window_address(uint64_t at);
void dma_window_flush(void);

#endif
