/* SPDX-License-Identifier: MIT */
/*
 * What the policy `adaptive` remembers beside its regions: four ways to guess what comes next, and
 * how far each can be trusted. See docs/policies.md.
 */
#ifndef KERNEL_DMA_ADAPTIVE_H
#define KERNEL_DMA_ADAPTIVE_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/dma/region.h"

struct evict_order;

/* Why a page was brought along. */
enum adaptive_guess {
    GUESS_LOOSE, /* a link of the chain that was never confirmed */
    GUESS_SURE,  /* one that was */
    GUESS_FILL,  /* the rest of the region that missed */
    GUESS_WALK,  /* the order of use */
    ADAPTIVE_GUESSES
};

#define ADAPTIVE_SURE   65536u
#define ADAPTIVE_STEPS  64u /* regions a walk along the order of use may pass */
#define ADAPTIVE_BURST  64u /* regions of one burst that are remembered */
#define ADAPTIVE_RECENT 2u

/* Where the order of use goes on from a region, before it was used again: both ways, because
 * allocators hand out what was freed in the same order (queues) or in the opposite one (stacks). */
struct adaptive_ways {
    uint32_t after, before;
};

struct adaptive {
    struct region_list used;                      /* every region ever used, by its last use */
    uint32_t current;                             /* the region used last */
    struct adaptive_ways recent[ADAPTIVE_RECENT]; /* of the regions used last */
    uint32_t forward, backward;                   /* which way was right of late */
    uint32_t way_trust;                           /* 0..ADAPTIVE_SURE: one of the ways was right */
    uint32_t trust[ADAPTIVE_GUESSES]; /* of the pages brought along so, the share that was used */
    uint32_t depth;                   /* pages a walk may bring along */
    uint32_t expected;                /* the region the last walk would have brought next */

    uint32_t run[ADAPTIVE_STEPS]; /* regions the last walk passed, in the order guessed */
    bool fetched[ADAPTIVE_STEPS]; /* and brought pages of */
    uint32_t run_length;

    /* The burst in hand. */
    bool in_burst;
    uint32_t burst[ADAPTIVE_BURST];
    uint32_t burst_length;
    bool walks;                 /* the ways are trusted now */
    struct adaptive_ways start; /* where a walk may begin */
    bool goes_forward;
    uint32_t marked[ADAPTIVE_STEPS]; /* regions expected soon: the last to be evicted */
    uint32_t marked_length;

    uint32_t last_page, stride_pages; /* misses that went up page by page */
};

/* Masks of pages, kept in REGION_LEARNT. */
#define LEARNT_USE(m)   ((m)&0xff)         /* worth bringing along with the region */
#define LEARNT_FRESH(m) ((m) >> 8 & 0xff)  /* brought along, not seen used */
#define LEARNT_GUESS(m) ((m) >> 16 & 0xff) /* the low bit of its adaptive_guess */
#define LEARNT(u, r, g) ((u) | (r) << 8 | (g) << 16)

/* REGION_FLAGS */
#define FLAG_KNOWN     1u         /* in the order of use */
#define FLAG_PINNED    2u         /* of the burst in hand or its walk: not to be evicted for it */
#define FLAG_MARKED    4u         /* expected soon */
#define FLAGS_OF_BURST 7u         /* of these only KNOWN is left when the burst is over */
#define FLAG_SEEN      8u         /* a page of the last walk's region was seen used */
#define FLAG_GUESS(m)  ((m) << 8) /* mask of pages: the high bit of their adaptive_guess */

/* A record's `queue`: how many rounds of eviction the page still stays without being used, and
 * whether the chain watches it. */
#define PAGE_STAYS    3u
#define CHAIN_WATCHED 4u
#define STAYS_NEW     1u /* came, or was used for the first time since */
#define STAYS_AGAIN   3u /* was used again */

bool adaptive_has(const struct evict_order *order, uint32_t region, uint32_t flag);
void adaptive_flag(struct evict_order *order, uint32_t region, uint32_t flag, bool to);

/* ---- adaptive_learn.c: what the misses and VISITED tell ---- */
void adaptive_init(struct evict_order *order);
/* How many rounds of eviction the page stays. */
void adaptive_stay(struct evict_order *order, uint32_t page, uint32_t rounds);
/* The page was seen used. */
void adaptive_used(struct evict_order *order, uint32_t page);
void adaptive_miss(struct evict_order *order, uint32_t page);
/* What is seen of the region's pages goes into its masks; VISITED is cleared. The mask of it. */
uint32_t adaptive_fold(struct evict_order *order, uint32_t region);
/* These pages are about to leave. */
void adaptive_farewell(struct evict_order *order, uint32_t region, uint32_t pages);
/* The page was used, or leaves: was it right to bring it along? */
void adaptive_judge(struct evict_order *order, uint32_t page, bool used);
/* The page is being brought along for that reason. */
void adaptive_guess(struct evict_order *order, uint32_t page, enum adaptive_guess guess);
/* Is it worth acting on? Is it nearly always right? */
bool adaptive_trusts(const struct evict_order *order, enum adaptive_guess guess);
bool adaptive_is_sure(const struct evict_order *order, enum adaptive_guess guess);

/* ---- adaptive_ahead.c: what comes next ---- */
uint32_t adaptive_ahead(struct evict_order *order, uint32_t *pages, uint32_t max);
void adaptive_settle(struct evict_order *order);

#endif
