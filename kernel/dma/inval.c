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

int inval_submit(struct dma_domain *d, dma_token_t *token)
{
    int error = dma_hw_submit(d->space.hw, token);

    return error ? inval_fail(d, error) : 0;
}

int inval_wait(struct dma_domain *d, dma_token_t token)
{
    int error;

    d->counters.waits += !dma_hw_done(d->space.hw, token);
    error = dma_hw_wait(d->space.hw, token);
    return error ? inval_fail(d, error) : 0;
}

int inval_complete(struct dma_domain *d)
{
    dma_token_t token;
    int error = inval_submit(d, &token);

    return error ? error : inval_wait(d, token);
}

/* Heap sort, ascending: needs no memory and never more than n log n steps. */
static void sift(uint32_t *page, uint32_t at, uint32_t count)
{
    for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
        uint32_t down = page[at];

        if (child + 1 < count && page[child + 1] > page[child])
            child++;
        if (page[child] <= down)
            return;
        page[at] = page[child];
        page[child] = down;
    }
}

static void sort(uint32_t *page, uint32_t count)
{
    for (uint32_t i = count / 2; i-- > 0;)
        sift(page, i, count);
    for (uint32_t i = count; i-- > 1;) {
        uint32_t last = page[i];

        page[i] = page[0];
        page[0] = last;
        sift(page, 0, i);
    }
}

int inval_pages(struct dma_domain *d, uint32_t *pages, uint32_t count)
{
    int error = 0;

    sort(pages, count);
    for (uint32_t i = 0, end; i < count && !error; i = end) {
        for (end = i + 1; end < count && pages[end] == pages[end - 1] + 1; end++)
            ;
        dma_hw_clear(d->space.hw, domain_iova(d, pages[i]), end - i);
        error = inval_add(d, pages[i], end - i);
    }
    return error;
}

void inval_release(struct dma_domain *d, const uint32_t *pages, uint32_t count)
{
    if (domain_has_window(d))
        window_release(d, pages, count);
    else
        mapcache_release(d, pages, count);
}

int inval_leaving(struct dma_domain *d)
{
    int error;

    if (d->leaving_count == 0)
        return 0;
    error = inval_pages(d, d->leaving, d->leaving_count);
    if (!error)
        error = inval_complete(d);
    if (error)
        return error;
    inval_release(d, d->leaving, d->leaving_count);
    d->leaving_count = 0;
    return 0;
}
