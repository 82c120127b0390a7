/* SPDX-License-Identifier: MIT */
#include "kernel/dma/inval.h"
#include "kernel/dma/mapcache.h"

int inval_fail(struct dma_domain *d, int error)
{
    d->ended = error;
    return error;
}

int inval_add(struct dma_domain *d, uint32_t first, uint32_t pages)
{
    int error = dma_hw_invalidate(d->space.hw, domain_iova(d, first), pages);

    return error ? inval_fail(d, error) : 0;
}

int inval_complete(struct dma_domain *d)
{
    dma_token_t token;
    int error = dma_hw_submit(d->space.hw, &token);

    if (!error)
        error = dma_hw_wait(d->space.hw, token);
    return error ? inval_fail(d, error) : 0;
}

/* Merges two ascending chains. PAGE_NONE is larger than any page, so an ended chain loses. */
static uint32_t merge(struct page_record *records, uint32_t a, uint32_t b)
{
    uint32_t first = PAGE_NONE, last = PAGE_NONE;

    while (a != b) {
        uint32_t *from = a < b ? &a : &b;
        uint32_t page = *from;

        *from = records[page].older;
        if (last == PAGE_NONE)
            first = page;
        else
            records[last].older = page;
        last = page;
    }
    return first;
}

/* Merge sort from the bottom up, by page index: needs no memory, whatever the chain's length. */
static uint32_t sort(struct page_record *records, uint32_t chain)
{
    uint32_t sorted[28]; /* sorted[i]: 2^i pages in ascending order, or PAGE_NONE */
    const unsigned bins = sizeof sorted / sizeof *sorted;
    unsigned i;

    for (i = 0; i < bins; i++)
        sorted[i] = PAGE_NONE;
    while (chain != PAGE_NONE) {
        uint32_t page = chain;

        chain = records[page].older;
        records[page].older = PAGE_NONE;
        for (i = 0; i < bins - 1 && sorted[i] != PAGE_NONE; i++) {
            page = merge(records, sorted[i], page);
            sorted[i] = PAGE_NONE;
        }
        sorted[i] = merge(records, sorted[i], page);
    }
    for (i = 0; i < bins; i++)
        chain = merge(records, sorted[i], chain);
    return chain;
}

/* Clears and invalidates the run of neighbours that begins the chain at *page; moves *page past it.
 */
static int invalidate_run(struct dma_domain *d, uint32_t *page)
{
    uint32_t first = *page, end = first;

    do {
        *page = d->records[*page].older;
        end++;
    } while (*page == end);

    dma_hw_clear(d->space.hw, domain_iova(d, first), end - first);
    return inval_add(d, first, end - first);
}

int inval_leaving(struct dma_domain *d)
{
    int error;

    if (d->leaving == PAGE_NONE)
        return 0;
    d->leaving = sort(d->records, d->leaving);
    for (uint32_t page = d->leaving; page != PAGE_NONE;) {
        error = invalidate_run(d, &page);
        if (error)
            return error;
    }
    error = inval_complete(d);
    if (!error)
        mapcache_release(d);
    return error;
}
