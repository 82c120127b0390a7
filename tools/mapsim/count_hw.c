/* SPDX-License-Identifier: MIT */
#include "tools/mapsim/count_hw.h"
#include "tools/mapsim/trace.h"

struct dma_hw {
    struct dma_hw_stats stats;
    dma_token_t last;
    bool open;
};

struct dma_hw *count_hw_new(void)
{
    return must_alloc(sizeof(struct dma_hw));
}

int dma_hw_prepare(struct dma_hw *hw, iova_t at, uint64_t pages)
{
    (void)hw, (void)at, (void)pages;
    return 0;
}

int dma_hw_set(struct dma_hw *hw, iova_t at, hpa_t frame, uint64_t pages, uint32_t rights)
{
    (void)hw, (void)at, (void)frame, (void)pages, (void)rights;
    return 0;
}

void dma_hw_clear(struct dma_hw *hw, iova_t at, uint64_t pages)
{
    (void)hw, (void)at, (void)pages;
}

/* Aligned powers of two, the largest that the range begins with. */
int dma_hw_invalidate(struct dma_hw *hw, iova_t at, uint64_t pages)
{
    uint64_t page = at.v >> PAGE_SHIFT;

    for (; pages > 0; hw->stats.inv_page++) {
        uint64_t size = 1ull << (63 - __builtin_clzll(pages));
        uint64_t aligned = page ? page & -page : size;

        size = aligned < size ? aligned : size;
        page += size;
        pages -= size;
    }
    hw->open = true;
    return 0;
}

int dma_hw_submit(struct dma_hw *hw, dma_token_t *token)
{
    if (hw->open) {
        hw->stats.inv_wait++;
        hw->last++;
    }
    hw->open = false;
    *token = hw->last;
    return 0;
}

bool dma_hw_done(struct dma_hw *hw, dma_token_t token)
{
    (void)hw, (void)token;
    return true;
}

int dma_hw_wait(struct dma_hw *hw, dma_token_t token)
{
    (void)hw, (void)token;
    return 0;
}

const struct dma_hw_stats *dma_hw_stats(const struct dma_hw *hw)
{
    return &hw->stats;
}
