/* SPDX-License-Identifier: MIT */
/*
 * When the invalidation of pages that left comes: at once, or deferred in queues (Peleg, Morrison,
 * Serebrin, Tsafrir, ATC'15). A queued page's entry is still in its table and its room is not free:
 * it counts as resident until its token has completed. With a queue a CPU, a CPU's calls touch
 * other queues only for want of room.
 */
#ifndef KERNEL_DMA_FLUSH_H
#define KERNEL_DMA_FLUSH_H

#include "kernel/dma/domain.h"

/* Whether pages may wait. */
bool flush_is_deferred(enum dma_flush flush);
uint32_t flush_queues(enum dma_flush flush);

/* Adds a page; true when the queue is full and has to be sent. Touches nothing but the queue, so
 * that CPUs with a queue each need no lock between them until then. */
bool flush_push(struct flush_queue *q, uint32_t page);

/* What this call took: invalidated and released, or queued. 0 or -ETIMEDOUT, as all of these. */
int flush_leaving(struct dma_domain *d);
/* Takes back what has completed. Never waits. */
void flush_reap(struct dma_domain *d);
/* Hands a full queue over. Waits only for its last batch, 250 pages before. */
int flush_send_full(struct dma_domain *d, struct flush_queue *q);
/* Hands all queues over in one batch. Never waits: a queue whose last batch is still under way
 * stays as it is. */
int flush_send(struct dma_domain *d);
/* Waits until there is room for so many pages, or nothing is leaving any more. */
int flush_room(struct dma_domain *d, uint32_t pages);
/* Waits until nothing is leaving. */
int flush_all(struct dma_domain *d);

#endif
