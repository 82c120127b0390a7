/* SPDX-License-Identifier: MIT */
/*
 * The map cache: the records of what is resident, in step with the policy's order and the guest's
 * words. A page is absent, mapped (rights not 0) or leaving; mapped and leaving pages are resident.
 */
#ifndef KERNEL_DMA_MAPCACHE_H
#define KERNEL_DMA_MAPCACHE_H

#include "kernel/dma/domain.h"

/* Every page with these rights (0: absent), its word rewritten: a fresh guest's table. */
void mapcache_reset(struct dma_domain *d, uint32_t rights);
/* Forgets every page; the words stay. */
void mapcache_forget(struct dma_domain *d);

/* Absent to mapped. The caller has made room, and sets the entry next: never the other way round,
 * or the device reaches a page that is not counted. ahead: nobody asked for the page. */
void mapcache_admit(struct dma_domain *d, uint32_t page, uint32_t rights, bool ahead);

/* Mapped to leaving, unless the page is in use or wanted by the burst in hand. At most DMA_LEAVING
 * pages leave at once. */
bool mapcache_take(struct dma_domain *d, uint32_t page);
/* Leaving to absent: their invalidation has completed. */
void mapcache_release(struct dma_domain *d, const uint32_t *pages, uint32_t count);

/* Mapped pages that could be taken now. A scan of all pages. */
uint32_t mapcache_idle(const struct dma_domain *d);

#endif
