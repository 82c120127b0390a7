/* SPDX-License-Identifier: MIT */
/*
 * Table pages that were unlinked because nothing is left in them. The unit may go on walking such a
 * page out of its paging-structure caches until an invalidation of those has completed (VT-d
 * specification, section 6.5.2.3, IH = 0), so it waits here, oldest first. The list lives in the
 * pages: their words must look like entries that are not present, which whole frame addresses and
 * tokens shifted by two do.
 */
#include "kernel/mem.h"
#include "vtd/unit.h"

#define NEXT  0
#define TOKEN 1

static uint64_t *words_of(hpa_t page)
{
    return phys_to_virt(page);
}

void vtd_retire(struct dma_hw *hw, hpa_t page)
{
    struct vtd_retired *r = &hw->retired;
    words_of(page)[NEXT] = 0;
    if (r->newest.v)
        words_of(r->newest)[NEXT] = page.v;
    else
        r->oldest = page;
    r->newest = page;
    if (!r->open.v)
        r->open = page;
}

void vtd_retired_stamp(struct dma_hw *hw)
{
    struct vtd_retired *r = &hw->retired;
    for (; r->open.v; r->open = hpa(words_of(r->open)[NEXT]))
        words_of(r->open)[TOKEN] = hw->last << 2;
}

static void give_oldest_back(struct dma_hw *hw, bool quarantine)
{
    struct vtd_retired *r = &hw->retired;
    hpa_t page = r->oldest;
    r->oldest = hpa(words_of(page)[NEXT]);
    if (!r->oldest.v)
        r->newest = hpa(0);
    vtd_table_give_back(page, quarantine);
    hw->stats.table_pages--;
}

void vtd_retired_reap(struct dma_hw *hw)
{
    const struct vtd_retired *r = &hw->retired;
    while (r->oldest.v && r->oldest.v != r->open.v &&
           vtd_queue_done(hw->unit, words_of(r->oldest)[TOKEN] >> 2))
        give_oldest_back(hw, false);
}

void vtd_retired_end(struct dma_hw *hw, bool quarantine)
{
    hw->retired.open = hpa(0);
    while (hw->retired.oldest.v)
        give_oldest_back(hw, quarantine);
}
