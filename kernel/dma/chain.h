/* SPDX-License-Identifier: MIT */
/*
 * What was mapped after a page the last time, reconstructed from what a policy in the hypervisor
 * sees. At a miss, the pages that followed it are watched, those resident as well as those brought
 * along; at the next miss VISITED tells which of them were used meanwhile, and they are linked in
 * the order expected. A page's follower is in its record's `newer` link, how often that was
 * confirmed in `uses`: it costs no memory.
 */
#ifndef KERNEL_DMA_CHAIN_H
#define KERNEL_DMA_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

struct evict_order;

#define CHAIN_WATCH 64u

struct chain {
    uint32_t last;               /* the page used last, as far as known */
    uint32_t watch[CHAIN_WATCH]; /* what may come after it, in the order expected, then what was
                                    expected before and has not come */
    uint32_t watched;
    uint32_t limit; /* pages a miss brings along at most */
};

/* Pages to be brought along: count of them so far, at most max. */
struct chain_want {
    uint32_t *pages;
    uint32_t count, max;
    bool act; /* false: only watch */
};

/* limit: pages a miss brings along at most. */
void chain_init(struct evict_order *order, uint32_t limit);
/* At the first miss of a burst: what was watched and used since goes into the chain. page: the one
 * that missed. */
void chain_score(struct evict_order *order, uint32_t page);
/* A page of the burst has missed. */
void chain_learn(struct evict_order *order, uint32_t page);
/* Watches what follows the page learnt last, and adds what is absent of it. Returns the new count.
 */
uint32_t chain_run(struct evict_order *order, struct chain_want want);
/* The burst is over: from now on VISITED means used since. */
void chain_settle(struct evict_order *order);

#endif
