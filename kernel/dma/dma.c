/* SPDX-License-Identifier: MIT */
/* A domain's life, and what tells one strategy from another: whether its pages are there from the
 * start. */
#include "kernel/dma/dma.h"
#include <errno.h>
#include "kernel/dma/domain.h"
#include "kernel/dma/inval.h"
#include "kernel/dma/mapcache.h"

static uint32_t full_regions(uint32_t pages)
{
    return (pages + REGION_PAGES - 1) & ~(REGION_PAGES - 1);
}

size_t dma_domain_bytes(uint32_t pages, const struct dma_config *config)
{
    size_t followers = config->prefetch ? pages * sizeof(uint32_t) : 0;

    return sizeof(struct dma_domain) + full_regions(pages) * sizeof(struct page_record) + followers;
}

static int check(const struct dma_config *config, const struct dma_space *space)
{
    uint32_t quota = config->quota == DMA_NO_QUOTA ? space->pages : config->quota;

    if (space->pages == 0 || space->pages >= PAGE_NONE || !space->table)
        return -EINVAL;
    if (!is_aligned(space->base.v, PAGE_SIZE) || !is_aligned(space->frames.v, PAGE_SIZE))
        return -EINVAL;
    if (!space->hw && config->strategy != DMA_NONE)
        return -EINVAL;
    if (quota == 0 || quota > space->pages)
        return -EINVAL;
    if (config->prefetch > FOLLOWER_DEPTH)
        return -EINVAL;
    if (config->strategy == DMA_ON_DEMAND)
        return config->policy && (config->hits || !config->policy->needs_hits) ? 0 : -EINVAL;
    if (config->hits || config->prefetch)
        return -EINVAL;
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
    if (config->strategy != DMA_ON_DEMAND)
        d->config.policy = NULL;
    d->records_count = full_regions(space->pages);
    d->order.records = d->records;
    d->order.words = space->table;
    d->order.pages = space->pages;
    d->order.quota = d->config.quota;
    mapcache_reset(d, config->strategy == DMA_ON_DEMAND ? 0 : ABI_DMA_RIGHTS);
    *domain = d;
    return 0;
}

int dma_domain_fini(struct dma_domain *d)
{
    if (d->ended)
        return d->ended;
    if (d->config.strategy != DMA_NONE) {
        dma_hw_clear(d->space.hw, d->space.base, d->space.pages);
        int error = inval_add(d, 0, d->space.pages);
        if (!error)
            error = inval_complete(d);
        if (error)
            return error;
    }
    mapcache_forget(d);
    d->ended = -EIO;
    return 0;
}

uint32_t dma_domain_rights(const struct dma_domain *d, uint32_t page)
{
    return page < d->space.pages ? d->records[page].rights : 0;
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
