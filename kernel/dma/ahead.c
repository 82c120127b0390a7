/* SPDX-License-Identifier: MIT */
#include "kernel/dma/ahead.h"
#include <errno.h>
#include "kernel/dma/inval.h"
#include "kernel/dma/mapcache.h"
#include "kernel/dma/word.h"

#define ROOM_SHARE 32u /* resident pages for one brought along, short of the quota */

void ahead_learn(struct dma_domain *d, uint32_t first, uint32_t pages)
{
    const struct evict_policy *policy = d->config.policy;

    for (uint32_t page = first; page < first + pages; page++) {
        if (d->records[page].rights) {
            if (d->config.hits == DMA_HITS_EXIT)
                dma_domain_hit(d, page);
            continue;
        }
        follower_learn(&d->order.follower, page);
        if (policy->miss)
            policy->miss(&d->order, page);
    }
}

/* A page whose invalidation is still to come can't be mapped again; nobody asked for it, so nobody
 * waits for it. */
static void drop_leaving(struct dma_domain *d)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < d->ahead_count; i++)
        if (!d->records[d->ahead[i]].leaving)
            d->ahead[kept++] = d->ahead[i];
    d->ahead_count = kept;
}

/* At most that many. Where there is room for all, what came in vain would not have to leave again:
 * it must stay few beside what was asked for. */
static uint32_t room_ahead(const struct dma_domain *d, uint32_t absent, uint32_t unique)
{
    uint32_t after = d->counters.resident + absent, quota = d->config.quota;
    uint32_t max = unique < quota ? quota - unique : 0;

    if (max > DMA_AHEAD)
        max = DMA_AHEAD;
    if (after + max <= quota && max > after / ROOM_SHARE)
        max = after / ROOM_SHARE;
    return max;
}

void ahead_choose(struct dma_domain *d, uint32_t absent, uint32_t unique)
{
    const struct evict_policy *policy = d->config.policy;
    uint32_t max = room_ahead(d, absent, unique);

    d->ahead_count = 0;
    if (!policy || absent == 0)
        return;
    if (policy->ahead)
        d->ahead_count = policy->ahead(&d->order, d->ahead, max);
    else
        d->ahead_count = follower_ahead(&d->order, d->ahead, max);
    drop_leaving(d);
}

static uint32_t rights_of(const struct dma_domain *d, uint32_t page, uint32_t rights)
{
    return d->records[page].had ? d->records[page].had : rights;
}

/* Neighbours with the same rights from i on. */
static uint32_t run_from(const struct dma_domain *d, uint32_t i, uint32_t rights)
{
    uint32_t end = i + 1;

    while (end < d->ahead_count && d->ahead[end] == d->ahead[end - 1] + 1 &&
           rights_of(d, d->ahead[end], rights) == rights_of(d, d->ahead[i], rights))
        end++;
    return end - i;
}

int ahead_map(struct dma_domain *d, uint32_t rights)
{
    for (uint32_t i = 0, pages; i < d->ahead_count; i += pages) {
        uint32_t first = d->ahead[i], each = rights_of(d, first, rights);

        pages = run_from(d, i, rights);
        int error = dma_hw_prepare(d->space.hw, domain_iova(d, first), pages);

        if (error == -ETIMEDOUT)
            return inval_fail(d, error);
        /* Nobody asked for these. */
        if (error)
            continue;
        for (uint32_t page = first; page < first + pages; page++)
            mapcache_admit(d, page, each, true);
        d->counters.ahead += pages;
        error = dma_hw_set(d->space.hw, domain_iova(d, first), domain_frame(d, first), pages, each);
        if (error)
            return inval_fail(d, error);
        for (uint32_t page = first; page < first + pages && d->config.hits != DMA_HITS_EXIT; page++)
            word_grant(&d->space.table[page], each);
    }
    return 0;
}
