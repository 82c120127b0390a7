/* SPDX-License-Identifier: MIT */
/*
 * Aligned regions of 8 pages, for the policies that evict by region: one page-selective descriptor
 * takes a whole one (VT-d specification, 6.5.2.3, address mask). A region costs no memory of its
 * own: these policies keep no lists of pages, so the `older` links of its pages are free.
 */
#ifndef KERNEL_DMA_REGION_H
#define KERNEL_DMA_REGION_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/dma/pagelist.h"

struct evict_order;
struct evict_scan;

#define REGION_SHIFT 3
#define REGION_PAGES 8u
#define REGION_ALL   0xffu
#define REGION_NONE  PAGE_NONE

/* What is kept in the `older` link of the region's page of that number. */
enum region_field {
    REGION_NEWER, /* the list of resident regions, or of parked ones */
    REGION_OLDER,
    REGION_AFTER, /* the order of use, of all regions ever used: the one used next after this */
    REGION_BEFORE,
    REGION_RESIDENT, /* mask of pages */
    REGION_PARKED,   /* 1: in the parked list */
    REGION_LEARNT,   /* adaptive: masks of pages, see there */
    REGION_FLAGS,    /* adaptive */
};

struct region_list {
    uint32_t newest, oldest, length;
    enum region_field newer, older; /* which links */
};

struct region_order {
    struct region_list idle;   /* resident regions that may have idle pages */
    struct region_list parked; /* found in use */
    uint32_t hand;             /* csra: the region to look at next; REGION_NONE: the oldest */
    uint32_t random;
    bool in_burst; /* a page of the burst in hand has missed already */
};

/* Masks of a region's resident pages. */
struct region_look {
    uint32_t in_use; /* or wanted by the burst in hand */
    uint32_t visited;
};

static inline uint32_t region_of(uint32_t page)
{
    return page >> REGION_SHIFT;
}

static inline uint32_t page_bit(uint32_t page)
{
    return 1u << (page & (REGION_PAGES - 1));
}

/* Pages in a region's mask. No instruction of the baseline counts bits. */
static inline uint32_t mask_count(uint32_t mask)
{
    mask = (mask & 0x55) + (mask >> 1 & 0x55);
    mask = (mask & 0x33) + (mask >> 2 & 0x33);
    return (mask & 0xf) + (mask >> 4);
}

uint32_t region_get(const struct evict_order *order, uint32_t region, enum region_field field);
void region_put(struct evict_order *order, uint32_t region, enum region_field field, uint32_t to);

void region_list_init(struct region_list *list, enum region_field newer, enum region_field older);
void region_push(struct evict_order *order, struct region_list *list, uint32_t region);
void region_push_oldest(struct evict_order *order, struct region_list *list, uint32_t region);
void region_remove(struct evict_order *order, struct region_list *list, uint32_t region);

void region_order_init(struct evict_order *order);
/* The page came: its region is the newest when it is the first. */
void region_insert(struct evict_order *order, uint32_t page);
/* The page left. True when it was the region's last. */
bool region_leave(struct evict_order *order, uint32_t page);
/* The region is the newest of its list. */
void region_renew(struct evict_order *order, uint32_t region);
void region_park(struct evict_order *order, uint32_t region);
void region_recheck(struct evict_order *order, uint32_t looks);

/* The next page of those on offer, or PAGE_NONE. */
uint32_t region_next_offer(struct evict_scan *scan);

struct region_look region_look(const struct evict_order *order, uint32_t region);
/* Clears VISITED on the region's resident pages; which had it. */
uint32_t region_take_visited(struct evict_order *order, uint32_t region);

bool regions_are_valid(const struct evict_order *order, uint32_t resident);

#endif
