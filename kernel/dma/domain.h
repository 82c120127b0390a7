/* SPDX-License-Identifier: MIT */
/* A domain from the inside. Only the engine's own files include this. */
#ifndef KERNEL_DMA_DOMAIN_H
#define KERNEL_DMA_DOMAIN_H

#include "kernel/dma/dma.h"
#include "kernel/dma/evict.h"

#define DMA_LEAVING 256u /* pages whose invalidation is waited for at once */
#define DMA_AHEAD   256u /* pages a burst may bring along */

struct dma_domain {
    struct dma_config config; /* quota in pages, never DMA_NO_QUOTA */
    struct dma_space space;
    struct dma_counters counters;
    int ended; /* 0 while the domain works; then the error every further call returns */
    bool has_floor;
    uint32_t floor;
    struct evict_order order; /* ON_DEMAND: the mapped pages. Otherwise empty: none ever leaves */
    uint32_t leaving[DMA_LEAVING]; /* the pages an eviction took */
    uint32_t leaving_count;
    uint32_t ahead[DMA_AHEAD]; /* the pages brought along with the burst in hand */
    uint32_t ahead_count;
    uint32_t records_count; /* pages, to a full region */
    struct page_record records[];
};

static inline iova_t domain_iova(const struct dma_domain *d, uint32_t page)
{
    return iova(d->space.base.v + page * PAGE_SIZE);
}

static inline hpa_t domain_frame(const struct dma_domain *d, uint32_t page)
{
    return hpa(d->space.frames.v + page * PAGE_SIZE);
}

#endif
