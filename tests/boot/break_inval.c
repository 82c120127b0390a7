/* SPDX-License-Identifier: MIT */
/* A hypervisor that evicts and never invalidates: the unit keeps its old translations. */
#include "kernel/dma/dma_hw.h"

int __wrap_dma_hw_invalidate(struct dma_hw *hw, iova_t iova, uint64_t pages);

int __wrap_dma_hw_invalidate(struct dma_hw *hw, iova_t iova, uint64_t pages)
{
    (void)hw;
    (void)iova;
    (void)pages;
    return 0;
}
