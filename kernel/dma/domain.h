/* SPDX-License-Identifier: MIT */
/* A domain from the inside. Only the engine's own files include this. */
#ifndef KERNEL_DMA_DOMAIN_H
#define KERNEL_DMA_DOMAIN_H

#include "kernel/dma/dma.h"
#include "kernel/dma/evict.h"

struct dma_domain {
    struct dma_config config; /* quota in pages, never DMA_NO_QUOTA */
    struct dma_space space;
    struct dma_counters counters;
    int ended; /* 0 while the domain works; then the error every further call returns */
    bool has_floor;
    uint32_t floor;
    struct evict_order order; /* the mapped pages, if they come by use. Otherwise empty: none ever leaves */
    uint32_t leaving;         /* chain, by `older`, of the pages an eviction took */
    uint32_t leaving_count;
    struct page_record records[];
};

/* Whether pages are mapped as they are used. Otherwise all of them are there from the start. */
static inline bool domain_fills(const struct dma_config *config)
{
    return config->strategy == DMA_ON_DEMAND || config->strategy == DMA_PERSISTENT;
}

static inline iova_t domain_iova(const struct dma_domain *d, uint32_t page)
{
    return iova(d->space.base.v + page * PAGE_SIZE);
}

static inline hpa_t domain_frame(const struct dma_domain *d, uint32_t page)
{
    return hpa(d->space.frames.v + page * PAGE_SIZE);
}

#endif
