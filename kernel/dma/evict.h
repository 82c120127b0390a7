/* SPDX-License-Identifier: MIT */
/*
 * Eviction policies: const tables, all in one image. A policy orders the resident pages and names
 * candidates; the engine decides whether a candidate can go (its count must be 0) and removes it
 * then. Policies see misses and the guest's VISITED bits only, because hits never exit.
 */
#ifndef KERNEL_DMA_EVICT_H
#define KERNEL_DMA_EVICT_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/dma/pagelist.h"

/* The resident pages of a domain in the policy's order. */
struct evict_order {
    struct page_record *records; /* one a page of the domain */
    uint32_t *words;             /* the guest's: hints */
    struct page_list list;
    uint32_t hand; /* policies with a hand: the page to look at next; PAGE_NONE: the oldest */
};

/* One search for victims. */
struct evict_scan {
    uint32_t at;    /* policies without a hand: the page to look at next */
    uint64_t steps; /* pages it may still look at: a guest that keeps setting VISITED ends there */
};

struct evict_policy {
    const char *name;
    void (*insert)(struct evict_order *order, uint32_t page);
    void (*remove)(struct evict_order *order, uint32_t page);
    /* The next page to try, or PAGE_NONE when the scan is over. The caller removes it or leaves it
     * (in use); no other page comes or goes during a scan. A scan offers every page that is not
     * VISITED at least once, and every page when none is set VISITED meanwhile. */
    uint32_t (*candidate)(struct evict_order *order, struct evict_scan *scan);
};

extern const struct evict_policy evict_fifo; /* the oldest idle page; ignores VISITED */
/* The hand moves from the oldest to the newest, spares each VISITED page once, and stays where it
 * was (Zhang et al., NSDI'24). */
extern const struct evict_policy evict_sieve;

void evict_order_init(struct evict_order *order, struct page_record *records, uint32_t *words);
struct evict_scan evict_scan_begin(const struct evict_order *order);

/* By its command-line name; NULL when there is none. names: NULL-terminated, for error texts. */
const struct evict_policy *evict_find(const char *name);
extern const char *const evict_names[];

#endif
