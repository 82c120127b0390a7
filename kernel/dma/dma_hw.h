/* SPDX-License-Identifier: MIT */
/*
 * The DMA hardware below the engine: link-time symbols. vtd/ implements them for Intel VT-d (VT-d
 * specification, revision 3.x, chapters 3 and 6); tests/host/fake_dma_hw.c implements them with an
 * IOTLB that keeps stale entries on purpose.
 *
 * Order the engine keeps, and the hardware relies on:
 *   map:   dma_hw_prepare (may fail, allocates) -> dma_hw_set (cannot fail)
 *   unmap: dma_hw_clear -> dma_hw_invalidate -> dma_hw_submit -> token -> dma_hw_wait; only then is
 * anything reused.
 */
#ifndef KERNEL_DMA_DMA_HW_H
#define KERNEL_DMA_DMA_HW_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/addr.h"

struct dma_hw; /* one second-level address space: a VT-d domain */

/* A point in the domain's stream of invalidations; grows by one a submit. 0 is always complete. */
typedef uint64_t dma_token_t;

/* What the hardware was asked to do since the domain was made. */
struct dma_hw_stats {
    uint64_t inv_page;    /* page-selective IOTLB descriptors */
    uint64_t inv_domain;  /* domain-selective */
    uint64_t inv_context; /* context-cache descriptors */
    uint64_t inv_wait;    /* wait descriptors */
    uint32_t table_pages; /* second-level table pages now */
    uint32_t table_pages_peak;
};

/* Makes sure every table page for [iova, iova + pages) exists, until the next clear. -ENOMEM,
 * -ERANGE beyond the unit's address width, -ETIMEDOUT: where a table was freed, it waits for that
 * one's invalidation. */
int dma_hw_prepare(struct dma_hw *hw, iova_t iova, uint64_t pages);

/*
 * Points pages consecutive IOVA pages to consecutive frames with rights (ABI_DMA_READ |
 * ABI_DMA_WRITE, not 0), replacing what is there. Uses superpages where both sides are aligned, the
 * run is long enough and the unit has them. Cannot fail after dma_hw_prepare. Not-present to
 * present needs no invalidation unless the unit has caching mode: the function does that itself
 * then, and waits. Anything else (rights, another frame) needs invalidation by the caller. Returns
 * 0, or -ETIMEDOUT (caching mode only).
 */
int dma_hw_set(struct dma_hw *hw, iova_t iova, hpa_t frame, uint64_t pages, uint32_t rights);

/* Clears the leaf entries of [iova, iova + pages). The device may still use stale ones until the
 * token. Tables that are empty then are unlinked, and freed with the token. */
void dma_hw_clear(struct dma_hw *hw, iova_t iova, uint64_t pages);

/* Adds invalidation of [iova, iova + pages) to the open batch: page-selective by aligned powers of
 * two, or domain-selective when that is fewer descriptors than the unit's threshold allows.
 * -ETIMEDOUT when the queue does not drain. */
int dma_hw_invalidate(struct dma_hw *hw, iova_t iova, uint64_t pages);

/* Closes the open batch with one wait descriptor and hands it to the hardware. Nothing open: the
 * last token. */
int dma_hw_submit(struct dma_hw *hw, dma_token_t *token);

/* True when everything up to token has completed (signed difference of sequence numbers). Never
 * waits. */
bool dma_hw_done(struct dma_hw *hw, dma_token_t token);

/* Waits for token until the unit's deadline. 0 or -ETIMEDOUT; after that the domain is dead: the
 * caller must stop the device. */
int dma_hw_wait(struct dma_hw *hw, dma_token_t token);

const struct dma_hw_stats *dma_hw_stats(const struct dma_hw *hw);

#endif
