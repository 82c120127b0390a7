/* SPDX-License-Identifier: MIT */
#include "kernel/dma/quota.h"
#include <errno.h>
#include "kernel/dma/flush.h"
#include "kernel/dma/inval.h"
#include "kernel/dma/mapcache.h"

/* Evicts up to goal idle pages in the policy's order; *gone tells how many. 0 or -ETIMEDOUT. */
static int evict(struct dma_domain *d, uint32_t goal, uint32_t *gone)
{
    struct evict_scan scan = evict_scan_begin(&d->order);

    *gone = 0;
    while (*gone < goal) {
        uint32_t page = d->config.policy->candidate(&d->order, &scan);

        if (page == PAGE_NONE)
            break;
        if (!mapcache_take(d, page))
            continue;
        ++*gone;
        if (d->config.flush == DMA_FLUSH_STRICT || d->leaving_count == DMA_LEAVING) {
            int error = flush_leaving(d);
            if (error)
                return error;
        }
    }
    return flush_leaving(d);
}

/*
 * Deferred: pages are evicted and handed over while there is room left, so that their tokens have
 * completed when it is used up.
 */
static int make_room_ahead(struct dma_domain *d, uint32_t absent)
{
    uint32_t ahead = d->config.evict_batch, quota = d->config.quota, gone;
    uint32_t staying = d->counters.resident - d->counters.leaving;
    int error = 0;

    if (absent == 0)
        return 0;
    flush_reap(d);
    if (staying + absent + ahead > quota)
        error = evict(d, staying + absent + ahead - quota + ahead, &gone);
    if (!error && d->counters.resident + absent + ahead > quota)
        error = flush_send(d);
    if (!error)
        error = flush_room(d, absent);
    if (error)
        return error;
    return d->counters.resident + absent > quota ? -ENOSPC : 0;
}

int quota_make_room(struct dma_domain *d, uint32_t absent, uint32_t unique)
{
    uint32_t after = d->counters.resident + absent;

    /* No eviction can help: every page of the burst must be resident at once. */
    if (unique > d->config.quota)
        return -ENOSPC;
    if (flush_is_deferred(d->config.flush))
        return make_room_ahead(d, absent);
    if (after <= d->config.quota)
        return 0;

    uint32_t shortfall = after - d->config.quota, goal = shortfall, gone;

    if (d->config.flush == DMA_FLUSH_BATCH && goal < d->config.evict_batch)
        goal = d->config.evict_batch;
    int error = evict(d, goal, &gone);
    if (error)
        return error;
    return gone < shortfall ? -ENOSPC : 0;
}

int dma_domain_set_floor(struct dma_domain *d, uint32_t floor)
{
    if (d->ended)
        return d->ended;
    if (d->has_floor)
        return -EBUSY;
    if (floor > d->config.quota)
        return -ENOSPC;
    d->has_floor = true;
    d->floor = floor;
    return 0;
}

int dma_domain_set_quota(struct dma_domain *d, uint32_t quota)
{
    if (d->ended)
        return d->ended;
    if (quota == DMA_NO_QUOTA)
        quota = d->space.pages;
    if (quota == 0 || quota > d->space.pages || quota < d->floor)
        return -EINVAL;

    if (d->counters.resident > quota && flush_all(d) != 0)
        return d->ended;
    if (d->counters.resident > quota && domain_has_window(d))
        return -EBUSY;
    if (d->counters.resident > quota) {
        uint32_t goal = d->counters.resident - quota, gone;

        /* Looked at before anything is taken, so that a refusal changes nothing; the guest can
         * still take pages into use between the look and the eviction. */
        if (mapcache_idle(d) < goal)
            return -EBUSY;
        int error = evict(d, goal, &gone);
        if (!error)
            error = flush_all(d);
        if (error)
            return error;
        if (gone < goal)
            return -EBUSY;
    }
    d->config.quota = quota;
    return 0;
}
