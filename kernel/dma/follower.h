/* SPDX-License-Identifier: MIT */
/*
 * Follower prefetch (Yassour et al., SYSTOR'10, after Fiat & Rosen's access graphs, SODA'97): which
 * page was mapped after this one the last time? When a page misses, those that followed it come
 * along. Costs 4 bytes a page more, where it is asked for.
 */
#ifndef KERNEL_DMA_FOLLOWER_H
#define KERNEL_DMA_FOLLOWER_H

#include <stdint.h>

struct evict_order;

#define FOLLOWER_DEPTH 16u

struct follower {
    uint32_t *next; /* a page's follower, or PAGE_NONE; NULL when depth is 0 */
    uint32_t depth; /* links followed; 0: off */
    uint32_t last;  /* mapped last, as far as seen */
};

void follower_init(struct follower *follower, uint32_t depth, uint32_t *next, uint32_t pages);
void follower_learn(struct follower *follower, uint32_t page);
/* As evict_policy's ahead, from the page learnt last. */
uint32_t follower_ahead(const struct evict_order *order, uint32_t *pages, uint32_t max);

#endif
