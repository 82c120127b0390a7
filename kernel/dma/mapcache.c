/* SPDX-License-Identifier: MIT */
#include "kernel/dma/mapcache.h"
#include "kernel/dma/word.h"

static void set_records(struct dma_domain *d, uint32_t rights)
{
    for (uint32_t page = 0; page < d->space.pages; page++)
        d->records[page] = (struct page_record){.rights = rights};
    evict_order_init(&d->order, d->records, d->space.table);
    d->leaving_count = 0;
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

void mapcache_admit(struct dma_domain *d, uint32_t page, uint32_t rights)
{
    word_scrub(&d->space.table[page]);
    d->records[page].rights = rights;
    d->config.policy->insert(&d->order, page);
    domain_count_resident(d, d->counters.resident + 1);
}

bool mapcache_take(struct dma_domain *d, uint32_t page)
{
    struct page_record *record = &d->records[page];

    if (record->wanted || !word_take(&d->space.table[page]))
        return false;
    d->config.policy->remove(&d->order, page);
    record->rights = 0;
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

    for (uint32_t page = d->order.list.oldest; page != PAGE_NONE; page = d->records[page].newer)
        idle += word_is_idle(&d->space.table[page]);
    return idle;
}
