/* SPDX-License-Identifier: MIT */
/* The engine's invariants by brute force. The guest's words are no part of them: it may write
 * anything there. */
#include "kernel/dma/domain.h"

static bool leaving_is_valid(const struct dma_domain *d)
{
    for (uint32_t i = 0; i < d->leaving_count; i++)
        if (d->leaving[i] >= d->space.pages || !d->records[d->leaving[i]].leaving)
            return false;
    /* Pages are left behind only by an invalidation that failed. */
    return d->leaving_count == 0 || d->ended;
}

bool dma_domain_is_valid(const struct dma_domain *d)
{
    uint32_t mapped = 0, leaving = 0;

    for (uint32_t page = 0; page < d->space.pages; page++) {
        const struct page_record *record = &d->records[page];

        if (record->wanted || (record->rights && record->leaving))
            return false;
        mapped += record->rights != 0;
        leaving += record->leaving;
    }
    if (!leaving_is_valid(d) || leaving != d->leaving_count)
        return false;
    if (d->config.policy && !d->config.policy->is_valid(&d->order, mapped))
        return false;
    return d->counters.resident == mapped + leaving && d->counters.resident <= d->config.quota &&
           d->counters.resident_peak >= d->counters.resident && d->config.quota <= d->space.pages &&
           d->floor <= d->config.quota;
}
