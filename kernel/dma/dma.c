/* SPDX-License-Identifier: MIT */
/* A domain's life, and what tells one strategy from another: whether its pages are there from the
 * start. */
#include "kernel/dma/dma.h"
#include <errno.h>
#include "kernel/dma/domain.h"
#include "kernel/dma/flush.h"
#include "kernel/dma/inval.h"
#include "kernel/dma/mapcache.h"

/* Slots and records are of one size. */
static uint32_t records(const struct dma_config *config, uint32_t pages)
{
    if (dma_strategy_has_window(config->strategy))
        return window_slots(&config->window);
    return (pages + REGION_PAGES - 1) & ~(REGION_PAGES - 1);
}

/* With the followers behind them. */
static size_t records_bytes(const struct dma_config *config, uint32_t pages)
{
    size_t followers = config->prefetch ? pages * sizeof(uint32_t) : 0;

    return records(config, pages) * sizeof(struct page_record) + followers;
}

size_t dma_domain_bytes(uint32_t pages, const struct dma_config *config)
{
    return sizeof(struct dma_domain) + align_up(records_bytes(config, pages), 8) +
           flush_queues(config->flush) * sizeof(struct flush_queue);
}

static int check(const struct dma_config *config, const struct dma_space *space)
{
    uint32_t quota = config->quota == DMA_NO_QUOTA ? space->pages : config->quota;

    if (space->pages == 0 || space->pages >= PAGE_NONE || !space->table)
        return -EINVAL;
    if (!is_aligned(space->base.v, PAGE_SIZE) || !is_aligned(space->frames.v, PAGE_SIZE))
        return -EINVAL;
    if (!space->hw && config->strategy != DMA_NONE && config->strategy != DMA_PASSTHROUGH)
        return -EINVAL;
    if (quota == 0 || quota > space->pages)
        return -EINVAL;
    if (config->prefetch > FOLLOWER_DEPTH)
        return -EINVAL;
    if (config->strategy == DMA_ON_DEMAND)
        return config->policy && (config->hits || !config->policy->needs_hits) ? 0 : -EINVAL;
    if (config->hits || config->prefetch)
        return -EINVAL;
    if (dma_strategy_has_window(config->strategy))
        return window_is_sound(&config->window) ? 0 : -EINVAL;
    /* Nothing of these is ever evicted: a smaller quota could not be kept. */
    return quota == space->pages ? 0 : -EINVAL;
}

/* DIRECT: everything in one piece, so that the hardware can use its largest pages. */
static int map_all(const struct dma_space *space)
{
    int error = dma_hw_prepare(space->hw, space->base, space->pages);

    if (error)
        return error;
    return dma_hw_set(space->hw, space->base, space->frames, space->pages, ABI_DMA_RIGHTS);
}

static void make_queues(struct dma_domain *d)
{
    d->queue_count = flush_queues(d->config.flush);
    d->queues =
        (void *)align_up((uintptr_t)d->records + records_bytes(&d->config, d->space.pages), 8);
    for (uint32_t i = 0; i < d->queue_count; i++) {
        struct flush_queue *q = &d->queues[i];

        q->batch[0].count = q->batch[1].count = q->open = 0;
    }
}

int dma_domain_init(void *memory, const struct dma_config *config, const struct dma_space *space,
                    struct dma_domain **domain)
{
    struct dma_domain *d = memory;
    int error = check(config, space);

    if (!error && config->strategy == DMA_DIRECT)
        error = map_all(space);
    if (error)
        return error;

    *d = (struct dma_domain){.config = *config, .space = *space};
    if (config->quota == DMA_NO_QUOTA)
        d->config.quota = space->pages;
    /* For good, each at its own first use: nobody to evict, nobody to bring along. */
    if (config->strategy != DMA_ON_DEMAND)
        d->config.policy = config->strategy == DMA_PERSISTENT ? &evict_fifo : NULL;
    d->records_count = records(config, space->pages);
    d->order.records = d->records;
    d->order.words = space->table;
    d->order.pages = space->pages;
    d->order.quota = d->config.quota;
    make_queues(d);
    if (domain_has_window(d))
        window_reset(d);
    else
        mapcache_reset(d, domain_fills(config) ? 0 : ABI_DMA_RIGHTS);
    *domain = d;
    return 0;
}

static int clear_all(struct dma_domain *d)
{
    if (domain_has_window(d))
        return window_clear(d);
    dma_hw_clear(d->space.hw, d->space.base, d->space.pages);
    return inval_add(d, 0, d->space.pages);
}

int dma_domain_fini(struct dma_domain *d)
{
    if (d->ended)
        return d->ended;
    if (d->space.hw) {
        int error = clear_all(d);
        if (!error)
            error = inval_complete(d);
        if (error)
            return error;
    }
    if (domain_has_window(d))
        window_forget(d);
    else
        mapcache_forget(d);
    d->queue_count = d->counters.leaving = 0;
    d->ended = -EIO;
    return 0;
}

uint32_t dma_domain_rights(const struct dma_domain *d, uint32_t page)
{
    if (page >= records(&d->config, d->space.pages))
        return 0;
    return domain_has_window(d) ? window_slot(d, page)->rights : d->records[page].rights;
}

bool dma_domain_is_leaving(const struct dma_domain *d, uint32_t page)
{
    if (page >= records(&d->config, d->space.pages))
        return false;
    return domain_has_window(d) ? window_slot(d, page)->leaving : d->records[page].leaving;
}

void dma_domain_hit(struct dma_domain *d, uint32_t page)
{
    if (d->config.strategy != DMA_ON_DEMAND || !d->records[page].rights)
        return;
    follower_learn(&d->order.follower, page);
    if (d->config.policy->hit)
        d->config.policy->hit(&d->order, page);
}

void dma_domain_release(struct dma_domain *d, uint32_t page)
{
    if (d->config.strategy == DMA_ON_DEMAND && d->config.policy->release && d->records[page].rights)
        d->config.policy->release(&d->order, page);
}

const struct dma_counters *dma_domain_counters(const struct dma_domain *d)
{
    return &d->counters;
}

void dma_domain_begin_window(struct dma_domain *d)
{
    d->counters.resident_peak = d->counters.resident;
}
