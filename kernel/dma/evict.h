/* SPDX-License-Identifier: MIT */
/*
 * Eviction policies: const tables, all in one image. A policy orders the resident pages and names
 * candidates; the engine decides whether a candidate can go (its count must be 0) and removes it
 * then. Policies see misses and the guest's VISITED bits, because hits never exit; where every map
 * is seen all the same (hits=exit, replay), those with `hit` hear of each. docs/policies.md tells
 * what each does and what it is worth.
 *
 * Pages in use are not looked at over and over: a candidate that cannot go is parked, and two
 * parked pages are looked at an eviction (all of them only when nothing else is left). So a victim
 * costs O(1), amortised, also when nearly every page is in use.
 */
#ifndef KERNEL_DMA_EVICT_H
#define KERNEL_DMA_EVICT_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/dma/adaptive.h"
#include "kernel/dma/chain.h"
#include "kernel/dma/follower.h"
#include "kernel/dma/pagelist.h"
#include "kernel/dma/region.h"
#include "kernel/dma/successor.h"

/* Where a page is; ghosts are pages that have left and are remembered. */
enum evict_queue {
    QUEUE_NONE,
    QUEUE_MAIN,
    QUEUE_SMALL,
    QUEUE_GHOST,       /* left from MAIN */
    QUEUE_GHOST_SMALL, /* left from SMALL */
    QUEUE_PARKED,      /* from MAIN, found in use; the parked list has both kinds */
    QUEUE_PARKED_SMALL,
    EVICT_QUEUES
};

#define EVICT_LOOKS 2u /* parked ones looked at an eviction */

struct evict_order {
    struct page_record *records; /* one a page of the domain, to a full region */
    uint32_t *words;             /* the guest's: hints */
    uint32_t pages;
    uint32_t quota;
    struct page_list list[EVICT_QUEUES];
    uint32_t parked_small; /* of the parked pages, those from SMALL */
    uint32_t hand;         /* SIEVE: the page to look at next; PAGE_NONE: the oldest */
    uint32_t target;       /* ARC: pages SMALL should have */
    bool ghost_main;       /* ARC: the page that missed was a ghost of MAIN */
    struct follower follower;
    struct region_order regions; /* csra, adaptive */
    struct successor successor;  /* csra */
    struct chain chain;          /* adaptive */
    struct adaptive adaptive;
};

/* One search for victims. */
struct evict_scan {
    uint64_t steps;  /* pages (or regions) it may still look at: a guest that keeps setting VISITED
                        ends there */
    uint32_t region; /* of which pages are being offered */
    uint32_t offer;  /* mask of those still to be offered */
    uint32_t phase, at, looks; /* the policy's own */
    bool last_resort;          /* nothing else was found: offer all that is idle */
};

struct evict_policy {
    const char *name;
    bool needs_hits;      /* works only where every map is seen */
    uint32_t evict_batch; /* pages a batch eviction frees where nobody says otherwise */
    void (*init)(struct evict_order *order); /* after the lists are empty; may be NULL */

    /* A page of the burst in hand is absent. Called in the burst's order, before room is made. NULL
     * where nothing is to be learnt from it. */
    void (*miss)(struct evict_order *order, uint32_t page);
    /* Up to max absent pages that are worth bringing along, the best first; none of those wanted.
     * NULL: the follower's, if it is on. */
    uint32_t (*ahead)(struct evict_order *order, uint32_t *pages, uint32_t max);
    /* The page is mapped now; ahead: nobody asked for it yet. */
    void (*insert)(struct evict_order *order, uint32_t page, bool ahead);
    /* The burst is over, with or without success. May be NULL. */
    void (*settle)(struct evict_order *order);

    void (*remove)(struct evict_order *order, uint32_t page);
    /* The next page to try, or PAGE_NONE when the scan is over. The caller removes it or calls
     * busy; no page comes during a scan. */
    uint32_t (*candidate)(struct evict_order *order, struct evict_scan *scan);
    void (*busy)(struct evict_order *order, uint32_t page); /* in use: do not offer it again */
    /* Looks at so many of what was found in use, the longest parked first, and offers again what is
     * idle now. */
    void (*recheck)(struct evict_order *order, uint32_t looks);
    /* How many to free at least, of the number configured. NULL: all. */
    uint32_t (*batch)(const struct evict_order *order, uint32_t configured);

    /* Where every map is seen; may be NULL. */
    void (*hit)(struct evict_order *order, uint32_t page);
    void (*release)(struct evict_order *order, uint32_t page); /* the count became 0 */
    bool (*is_valid)(const struct evict_order *order, uint32_t resident);
};

extern const struct evict_policy evict_fifo;  /* the oldest idle page; ignores VISITED */
extern const struct evict_policy evict_lru;   /* the one whose last use ended first */
extern const struct evict_policy evict_clock; /* FIFO with a second chance (Corbato, 1968) */
/* The hand moves from the oldest to the newest, spares each VISITED page once, and stays where it
 * was (Zhang et al., NSDI'24). */
extern const struct evict_policy evict_sieve;
extern const struct evict_policy evict_s3fifo; /* Yang et al., SOSP'23 */
/* Megiddo & Modha, FAST'03; where hits are not seen, Bansal & Modha's clocks (FAST'04). */
extern const struct evict_policy evict_arc;
extern const struct evict_policy evict_csra;     /* regions, and run-ahead along the misses */
extern const struct evict_policy evict_adaptive; /* ours */

/* Every list empty, every page absent. depth: of the follower, 0 for none; next: its memory. */
void evict_order_init(struct evict_order *order, const struct evict_policy *policy, uint32_t depth,
                      uint32_t *next);
struct evict_scan evict_scan_begin(const struct evict_order *order);

/* By its command-line name; NULL when there is none. names: NULL-terminated, for error texts. */
const struct evict_policy *evict_find(const char *name);
extern const char *const evict_names[];

/* ---- for policies that keep lists of pages ---- */
void evict_push(struct evict_order *order, uint32_t page, enum evict_queue queue);
/* Out of whatever list it is in; the hand moves on. */
void evict_unlink(struct evict_order *order, uint32_t page);
/* Resident pages that belong to MAIN or SMALL, parked ones among them. */
uint32_t evict_count(const struct evict_order *order, enum evict_queue queue);
bool evict_from_small(const struct evict_order *order, uint32_t page);
void evict_park(struct evict_order *order, uint32_t page);
void evict_recheck(struct evict_order *order, uint32_t looks);
void evict_release(struct evict_order *order, uint32_t page);
bool evict_lists_are_valid(const struct evict_order *order, uint32_t resident);

#endif
