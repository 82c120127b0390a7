/* SPDX-License-Identifier: MIT */
/* Invalidations in batches: ranges as long as they come, one wait for all. The hardware cuts ranges
 * into its descriptors. Any failure here ends the domain: its pages stay resident for good. */
#ifndef KERNEL_DMA_INVAL_H
#define KERNEL_DMA_INVAL_H

#include "kernel/dma/domain.h"

/* Ends the domain: every further call returns error. Returns it too. */
int inval_fail(struct dma_domain *d, int error);

/* Adds pages whose entries have been changed to the open batch. */
int inval_add(struct dma_domain *d, uint32_t first, uint32_t pages);
/* Sorts the pages; clears their entries and adds them to the open batch, in runs. */
int inval_pages(struct dma_domain *d, uint32_t *pages, uint32_t count);
/* Hands the open batch over. */
int inval_submit(struct dma_domain *d, dma_token_t *token);
int inval_wait(struct dma_domain *d, dma_token_t token);
/* Hands the open batch over and waits for its token. */
int inval_complete(struct dma_domain *d);

/* Leaving to absent: their invalidation has completed. */
void inval_release(struct dma_domain *d, const uint32_t *pages, uint32_t count);

/* Clears and invalidates the leaving pages, waits once, and only then releases them. */
int inval_leaving(struct dma_domain *d);

#endif
