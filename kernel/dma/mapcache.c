/* SPDX-License-Identifier: MIT */
#include "kernel/dma/mapcache.h"
#include "kernel/dma/word.h"

/* Behind the records. */
static uint32_t *follower_memory(struct dma_domain *d)
{
    return d->config.prefetch ? (uint32_t *)&d->records[d->records_count] : NULL;
}

static void set_records(struct dma_domain *d, uint32_t rights)
{
    for (uint32_t page = 0; page < d->records_count; page++)
        d->records[page] = (struct page_record){.rights = page < d->space.pages ? rights : 0};
    evict_order_init(&d->order, d->config.policy, d->config.prefetch, follower_memory(d));
    d->leaving_count = d->ahead_count = 0;
    domain_count_resident(d, rights ? d->space.pages : 0);
}

void mapcache_reset(struct dma_domain *d, uint32_t rights)
{
    set_records(d, rights);
    for (uint32_t page = 0; page < d->space.pages; page++)
        word_reset(&d->space.table[page], rights);
}

void mapcache_forget(struct dma_domain *d)
{
    set_records(d, 0);
}

void mapcache_admit(struct dma_domain *d, uint32_t page, uint32_t rights, bool ahead)
{
    word_scrub(&d->space.table[page]);
    d->records[page].rights = d->records[page].had = rights;
    d->config.policy->insert(&d->order, page, ahead);
    domain_count_resident(d, d->counters.resident + 1);
}

bool mapcache_take(struct dma_domain *d, uint32_t page)
{
    struct page_record *record = &d->records[page];

    if (record->wanted || !word_take(&d->space.table[page]))
        return false;
    record->rights = 0;
    d->config.policy->remove(&d->order, page);
    record->leaving = 1;
    d->leaving[d->leaving_count++] = page;
    return true;
}

void mapcache_release(struct dma_domain *d, const uint32_t *pages, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        d->records[pages[i]].leaving = 0;
    d->counters.evictions += count;
    domain_count_resident(d, d->counters.resident - count);
}

uint32_t mapcache_idle(const struct dma_domain *d)
{
    uint32_t idle = 0;

    if (d->config.strategy != DMA_ON_DEMAND)
        return 0;
    for (uint32_t page = 0; page < d->space.pages; page++)
        idle += d->records[page].rights && word_is_idle(&d->space.table[page]);
    return idle;
}
