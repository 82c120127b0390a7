/* SPDX-License-Identifier: MIT */
/* The engine's invariants by brute force. The guest's words are no part of them: it may write
 * anything there. */
#include "kernel/dma/domain.h"

static bool batch_is_valid(const struct dma_domain *d, const uint32_t *pages, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!dma_domain_is_leaving(d, pages[i]))
            return false;
    return true;
}

/* As many are queued as the records say, so none is queued twice. Only an invalidation that failed
 * leaves some outside of the queues. */
static bool leaving_is_valid(const struct dma_domain *d)
{
    uint32_t queued = 0;

    for (uint32_t i = 0; i < 2 * d->queue_count; i++) {
        const struct flush_batch *b = &d->queues[i / 2].batch[i % 2];

        if (!batch_is_valid(d, b->page, b->count))
            return false;
        queued += b->count;
    }
    if (!batch_is_valid(d, d->leaving, d->leaving_count) || (d->leaving_count && !d->ended))
        return false;
    return queued == d->counters.leaving;
}

static bool cache_is_valid(const struct dma_domain *d)
{
    uint32_t mapped = 0, leaving = 0;

    for (uint32_t page = 0; page < d->space.pages; page++) {
        const struct page_record *record = &d->records[page];

        if (record->wanted || (record->rights && record->leaving))
            return false;
        mapped += record->rights != 0;
        leaving += record->leaving;
    }
    if (d->config.policy && !d->config.policy->is_valid(&d->order, mapped))
        return false;
    return d->counters.resident == mapped + leaving &&
           leaving == d->counters.leaving + d->leaving_count;
}

bool dma_domain_is_valid(const struct dma_domain *d)
{
    if (!(domain_has_window(d) ? window_is_valid(d) : cache_is_valid(d)) || !leaving_is_valid(d))
        return false;
    return d->counters.resident <= d->config.quota &&
           d->counters.resident_peak >= d->counters.resident && d->config.quota <= d->space.pages &&
           d->floor <= d->config.quota;
}
