/* SPDX-License-Identifier: MIT */
/* Pages brought along with a burst's misses, before anybody asks for them: what the policy (or the
 * follower) expects next. They never make a call fail. */
#ifndef KERNEL_DMA_AHEAD_H
#define KERNEL_DMA_AHEAD_H

#include "kernel/dma/domain.h"

/* Pages [first, first + pages) of the burst in hand are wanted: those absent have missed, those
 * resident were hit, where hits are seen. */
void ahead_learn(struct dma_domain *d, uint32_t first, uint32_t pages);

/* Fills d->ahead for a burst of that many absent pages and wanted ones in all. */
void ahead_choose(struct dma_domain *d, uint32_t absent, uint32_t unique);

/* Maps d->ahead, each page with the rights it had in its last stay, else with `rights`. Room has
 * been made. 0, or -ETIMEDOUT; without table pages fewer are mapped. */
int ahead_map(struct dma_domain *d, uint32_t rights);

#endif
