/* SPDX-License-Identifier: MIT */
/* A domain from the inside. Only the engine's own files include this. */
#ifndef KERNEL_DMA_DOMAIN_H
#define KERNEL_DMA_DOMAIN_H

#include "kernel/dma/dma.h"
#include "kernel/dma/evict.h"
#include "kernel/dma/window.h"

#define DMA_LEAVING   256u /* pages whose invalidation is waited for at once */
#define DMA_AHEAD     256u /* pages a burst may bring along */
#define FLUSH_QUEUES  8u   /* CPUs beyond share theirs */
#define FLUSH_ENTRIES 250u /* pages in a queue that are handed over together */

struct flush_batch {
    uint32_t count;
    uint32_t page[FLUSH_ENTRIES];
};

/* One batch fills while the other's invalidation is under way. */
struct flush_queue {
    struct flush_batch batch[2];
    uint32_t open;     /* the one that fills: its pages' entries are still in place */
    dma_token_t token; /* of the other */
};

struct dma_domain {
    struct dma_config config; /* quota in pages, never DMA_NO_QUOTA */
    struct dma_space space;
    struct dma_counters counters;
    int ended; /* 0 while the domain works; then the error every further call returns */
    bool has_floor;
    uint32_t floor;
    struct evict_order order;      /* the mapped pages, where they come by use. Otherwise empty */
    uint32_t leaving[DMA_LEAVING]; /* what this call took; empty between calls */
    uint32_t leaving_count;
    uint32_t ahead[DMA_AHEAD]; /* the pages brought along with the burst in hand */
    uint32_t ahead_count;
    uint32_t queue_count;       /* deferred: 1, percpu: FLUSH_QUEUES, else 0 */
    struct flush_queue *queues; /* what earlier calls took; behind the records */
    uint32_t cpu;
    uint32_t records_count; /* pages, to a full region; or slots */
    struct page_record records[];
};

static inline void domain_count_resident(struct dma_domain *d, uint32_t resident)
{
    d->counters.resident = resident;
    if (d->counters.resident_peak < resident)
        d->counters.resident_peak = resident;
}

/* Whether [page, page + pages) is the guest's RAM. */
static inline bool domain_has_pages(const struct dma_domain *d, uint64_t page, uint64_t pages)
{
    uint64_t base = d->space.base.v, bytes = d->space.pages * PAGE_SIZE;

    return is_aligned(page, PAGE_SIZE) && page >= base && page - base < bytes &&
           pages * PAGE_SIZE <= bytes - (page - base);
}

/* Whether pages are mapped as they are used. Otherwise all of them are there from the start. */
static inline bool domain_fills(const struct dma_config *config)
{
    return config->strategy == DMA_ON_DEMAND || config->strategy == DMA_PERSISTENT;
}

static inline bool domain_has_window(const struct dma_domain *d)
{
    return dma_strategy_has_window(d->config.strategy);
}

/* Of a page, or of a slot of the window. */
static inline iova_t domain_iova(const struct dma_domain *d, uint32_t index)
{
    return domain_has_window(d) ? window_iova(&d->config.window, index)
                                : iova(d->space.base.v + index * PAGE_SIZE);
}

static inline hpa_t domain_frame(const struct dma_domain *d, uint32_t page)
{
    return hpa(d->space.frames.v + page * PAGE_SIZE);
}

#endif
