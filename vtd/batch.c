/* SPDX-License-Identifier: MIT */
/*
 * A domain's open batch of invalidations: ranges are collected and merged, and become descriptors
 * only when the batch closes, so that all of them are newer than every entry cleared before.
 */
#include <errno.h>
#include "vtd/unit.h"

uint64_t vtd_drains(const struct vtd_unit *u)
{
    return (u->cap & VTD_CAP_DWD ? VTD_INV_DRAIN_WRITES : 0) |
           (u->cap & VTD_CAP_DRD ? VTD_INV_DRAIN_READS : 0);
}

/* Joins r and [first, end) when they touch. */
static bool merge(struct vtd_range *r, uint64_t first, uint64_t end)
{
    uint64_t old_end = r->first + r->pages;
    if (first > old_end || end < r->first)
        return false;
    r->first = first < r->first ? first : r->first;
    r->pages = (end > old_end ? end : old_end) - r->first;
    return true;
}

void vtd_batch_add(struct dma_hw *hw, iova_t iova, uint64_t pages)
{
    struct vtd_batch *b = &hw->batch;
    uint64_t first = iova.v >> PAGE_SHIFT;
    if (pages == 0 || b->whole)
        return;
    for (uint32_t i = 0; i < b->ranges; i++)
        if (merge(&b->range[i], first, first + pages))
            return;
    if (b->ranges == VTD_BATCH_RANGES) {
        b->whole = true;
        return;
    }
    b->range[b->ranges++] = (struct vtd_range){first, pages};
}

/* Log2 of the largest aligned power of two of pages that r begins with. */
static unsigned mask_of(const struct vtd_unit *u, struct vtd_range r)
{
    unsigned mask = 63 - (unsigned)__builtin_clzll(r.pages);
    unsigned aligned = r.first ? (unsigned)__builtin_ctzll(r.first) : 63;
    mask = aligned < mask ? aligned : mask;
    return mask < VTD_CAP_MAMV(u->cap) ? mask : VTD_CAP_MAMV(u->cap);
}

static struct vtd_range cut(struct vtd_range r, unsigned mask)
{
    return (struct vtd_range){r.first + (1ull << mask), r.pages - (1ull << mask)};
}

/* Counts up to one more than the threshold. */
static uint32_t descriptors(const struct vtd_unit *u, const struct vtd_batch *b)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->ranges; i++)
        for (struct vtd_range r = b->range[i]; r.pages && n <= VTD_PAGE_SELECTED; n++)
            r = cut(r, mask_of(u, r));
    return n;
}

static struct vtd_descriptor domain_descriptor(const struct dma_hw *hw)
{
    return (struct vtd_descriptor){.low = VTD_INV_IOTLB | VTD_INV_DOMAIN | vtd_drains(hw->unit) |
                                          VTD_INV_ID(hw->id)};
}

static int add_pages(struct dma_hw *hw, struct vtd_range r)
{
    /* With caching mode a table that prepare linked may be cached as not present. */
    bool leaves = !hw->batch.upper && !(hw->unit->cap & VTD_CAP_CM);
    uint64_t hint = leaves ? VTD_INV_LEAVES_ONLY : 0;
    while (r.pages) {
        unsigned mask = mask_of(hw->unit, r);
        struct vtd_descriptor d = {.low = VTD_INV_IOTLB | VTD_INV_SELECTIVE | vtd_drains(hw->unit) |
                                          VTD_INV_ID(hw->id),
                                   .high = r.first << PAGE_SHIFT | hint | mask};
        int error = vtd_queue_add(hw->unit, d);
        if (error)
            return error;
        hw->stats.inv_page++;
        r = cut(r, mask);
    }
    return 0;
}

static int add_batch(struct dma_hw *hw)
{
    struct vtd_batch *b = &hw->batch;
    bool whole =
        b->whole || !(hw->unit->cap & VTD_CAP_PSI) || descriptors(hw->unit, b) > VTD_PAGE_SELECTED;
    if (whole) {
        hw->stats.inv_domain++;
        return vtd_queue_add(hw->unit, domain_descriptor(hw));
    }
    int error = 0;
    for (uint32_t i = 0; i < b->ranges && !error; i++)
        error = add_pages(hw, b->range[i]);
    return error;
}

int dma_hw_invalidate(struct dma_hw *hw, iova_t iova, uint64_t pages)
{
    vtd_batch_add(hw, iova, pages);
    return hw->unit->queue.dead ? -ETIMEDOUT : 0;
}

int dma_hw_submit(struct dma_hw *hw, dma_token_t *token)
{
    struct vtd_batch *b = &hw->batch;
    if (b->whole || b->ranges) {
        int error = add_batch(hw);
        if (!error)
            error = vtd_queue_submit(hw->unit, &hw->last);
        if (error)
            return error;
        vtd_retired_stamp(hw);
        hw->stats.inv_wait++;
        b->whole = b->upper = false;
        b->ranges = 0;
    }
    vtd_retired_reap(hw);
    *token = hw->last;
    return 0;
}

bool dma_hw_done(struct dma_hw *hw, dma_token_t token)
{
    return vtd_queue_done(hw->unit, token);
}

int dma_hw_wait(struct dma_hw *hw, dma_token_t token)
{
    int error = vtd_queue_wait(hw->unit, token);
    vtd_retired_reap(hw);
    return error;
}

int vtd_invalidate_domain(struct dma_hw *hw)
{
    dma_token_t token;
    hw->batch.whole = true;
    int error = dma_hw_submit(hw, &token);
    return error ? error : dma_hw_wait(hw, token);
}
