/* SPDX-License-Identifier: MIT */
#include "kernel/dma/quota.h"
#include <errno.h>
#include "kernel/dma/flush.h"
#include "kernel/dma/inval.h"
#include "kernel/dma/mapcache.h"

/* One scan. Adds what it took to *gone; 0 or -ETIMEDOUT. */
static int evict_scan(struct dma_domain *d, uint32_t goal, struct evict_scan scan, uint32_t *gone)
{
    const struct evict_policy *policy = d->config.policy;

    while (*gone < goal) {
        uint32_t page = policy->candidate(&d->order, &scan);

        if (page == PAGE_NONE)
            break;
        if (!mapcache_take(d, page)) {
            if (policy->busy)
                policy->busy(&d->order, page);
            continue;
        }
        ++*gone;
        if (d->config.flush == DMA_FLUSH_STRICT || d->leaving_count == DMA_LEAVING) {
            int error = flush_leaving(d);
            if (error)
                return error;
        }
    }
    return flush_leaving(d);
}

/* Evicts up to goal idle pages in the policy's order, and looks at every page for the first `must`
 * of them; *gone tells how many. 0 or -ETIMEDOUT. */
static int evict(struct dma_domain *d, uint32_t goal, uint32_t must, uint32_t *gone)
{
    struct evict_scan scan;
    int error;

    *gone = 0;
    d->config.policy->recheck(&d->order, EVICT_LOOKS);
    error = evict_scan(d, goal, evict_scan_begin(&d->order), gone);
    if (error || *gone >= must)
        return error;
    d->config.policy->recheck(&d->order, UINT32_MAX);
    scan = evict_scan_begin(&d->order);
    scan.last_resort = true;
    return evict_scan(d, must, scan, gone);
}

/*
 * Deferred: pages are evicted and handed over while there is room left, so that their tokens have
 * completed when it is used up.
 */
static int make_room_ahead(struct dma_domain *d, uint32_t absent)
{
    uint32_t ahead = d->config.evict_batch, quota = d->config.quota, gone;
    uint32_t staying = d->counters.resident - d->counters.leaving + absent;
    uint32_t must = staying > quota ? staying - quota : 0;
    int error = 0;

    flush_reap(d);
    staying += d->ahead_count;
    if (staying + ahead > quota)
        error = evict(d, staying + ahead - quota + ahead, must, &gone);
    if (!error && d->counters.resident + absent + d->ahead_count + ahead > quota)
        error = flush_send(d);
    if (!error)
        error = flush_room(d, absent);
    if (error)
        return error;
    return d->counters.resident + absent > quota ? -ENOSPC : 0;
}

static int make_room(struct dma_domain *d, uint32_t absent)
{
    uint32_t resident = d->counters.resident, quota = d->config.quota;
    uint32_t after = resident + absent + d->ahead_count;
    uint32_t must = resident + absent > quota ? resident + absent - quota : 0;
    uint32_t goal, gone, batch = d->config.evict_batch;

    if (after <= quota)
        return 0;
    goal = after - quota;
    if (d->config.policy->batch)
        batch = d->config.policy->batch(&d->order, batch);
    if (d->config.flush == DMA_FLUSH_BATCH && goal < batch)
        goal = batch;
    int error = evict(d, goal, must, &gone);
    if (error)
        return error;
    return gone < must ? -ENOSPC : 0;
}

int quota_make_room(struct dma_domain *d, uint32_t absent, uint32_t unique)
{
    int error;

    if (absent == 0)
        return 0;
    /* No eviction can help: every page of the burst must be resident at once. */
    if (unique > d->config.quota)
        return -ENOSPC;
    error = flush_is_deferred(d->config.flush) ? make_room_ahead(d, absent) : make_room(d, absent);
    if (error)
        return error;
    /* What comes along takes what is left. */
    uint32_t room = d->config.quota - d->counters.resident - absent;

    if (d->ahead_count > room)
        d->ahead_count = room;
    return 0;
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
        int error = evict(d, goal, goal, &gone);
        if (!error)
            error = flush_all(d);
        if (error)
            return error;
        if (gone < goal)
            return -EBUSY;
    }
    d->config.quota = d->order.quota = quota;
    return 0;
}
