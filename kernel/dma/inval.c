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

/* The run of neighbours that begins at i. */
static uint32_t end_of_run(const struct dma_domain *d, uint32_t i)
{
    uint32_t end = i + 1;

    while (end < d->leaving_count && d->leaving[end] == d->leaving[end - 1] + 1)
        end++;
    return end;
}

static int invalidate_run(struct dma_domain *d, uint32_t first, uint32_t pages)
{
    dma_hw_clear(d->space.hw, domain_iova(d, first), pages);
    return inval_add(d, first, pages);
}

int inval_leaving(struct dma_domain *d)
{
    int error;

    if (d->leaving_count == 0)
        return 0;
    sort(d->leaving, d->leaving_count);
    for (uint32_t i = 0, end; i < d->leaving_count; i = end) {
        end = end_of_run(d, i);
        error = invalidate_run(d, d->leaving[i], end - i);
        if (error)
            return error;
    }
    error = inval_complete(d);
    if (!error)
        mapcache_release(d);
    return error;
}
