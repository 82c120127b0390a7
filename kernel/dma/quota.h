/* SPDX-License-Identifier: MIT */
/* Room under the quota, made by evicting idle pages. */
#ifndef KERNEL_DMA_QUOTA_H
#define KERNEL_DMA_QUOTA_H

#include "kernel/dma/domain.h"

/*
 * Makes room for `absent` more pages, for a burst that wants `unique` pages in all (the absent ones
 * among them), and for those that come along, whose number it cuts to what fits. 0; -ENOSPC when
 * too few are idle: those found are evicted all the same; -ETIMEDOUT.
 */
int quota_make_room(struct dma_domain *d, uint32_t absent, uint32_t unique);

#endif
