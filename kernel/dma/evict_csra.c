/* SPDX-License-Identifier: MIT */
/*
 * Region SIEVE with run-ahead along the misses: docs/policies.md. A hand goes over the regions; one
 * of which more than a third was used again stays, of one used less the cold pages go, one not used
 * at all goes as a whole, but for one in 32, which breaks cycles.
 */
#include "kernel/dma/evict.h"

static void init(struct evict_order *order)
{
    uint32_t limit = order->follower.depth ? order->follower.depth : order->quota / 8;

    region_order_init(order);
    successor_init(order, limit);
}

static void miss(struct evict_order *order, uint32_t page)
{
    if (!order->regions.in_burst)
        successor_score(order, page);
    order->regions.in_burst = true;
    successor_learn(order, page);
}

static uint32_t ahead(struct evict_order *order, uint32_t *pages, uint32_t max)
{
    return successor_run(order, order->successor.last, pages, 0, max);
}

static void settle(struct evict_order *order)
{
    order->regions.in_burst = false;
}

static void insert(struct evict_order *order, uint32_t page, bool is_ahead)
{
    (void)is_ahead;
    region_insert(order, page);
}

static void leave(struct evict_order *order, uint32_t page)
{
    uint32_t region = region_of(page);

    if (order->regions.hand == region &&
        region_get(order, region, REGION_RESIDENT) == page_bit(page))
        order->regions.hand = region_get(order, region, REGION_NEWER);
    region_leave(order, page);
}

static bool one_in_32(struct evict_order *order)
{
    order->regions.random = order->regions.random * 1103515245u + 12345u;
    return (order->regions.random >> 16) % 32 == 0;
}

/* Which pages of the region go. */
static uint32_t choose(struct evict_order *order, uint32_t region, const struct evict_scan *scan)
{
    uint32_t resident = region_get(order, region, REGION_RESIDENT);
    struct region_look look = region_look(order, region);
    uint32_t visited = mask_count(look.visited);
    uint32_t pages = mask_count(resident);

    if (scan->last_resort)
        return resident & ~look.in_use;
    if (look.in_use) {
        region_park(order, region);
        return 0;
    }
    if (3 * visited > pages) {
        region_take_visited(order, region);
        return 0;
    }
    if (visited)
        return resident & ~look.visited;
    return one_in_32(order) ? 0 : resident;
}

static uint32_t candidate(struct evict_order *order, struct evict_scan *scan)
{
    uint32_t page = region_next_offer(scan);

    for (; page == PAGE_NONE && scan->steps > 0; scan->steps--) {
        struct region_order *regions = &order->regions;
        uint32_t region = regions->hand != REGION_NONE ? regions->hand : regions->idle.oldest;

        if (region == REGION_NONE)
            break;
        regions->hand = region_get(order, region, REGION_NEWER);
        scan->region = region;
        scan->offer = choose(order, region, scan);
        page = region_next_offer(scan);
    }
    return page;
}

static bool is_valid(const struct evict_order *order, uint32_t resident)
{
    uint32_t hand = order->regions.hand;

    if (hand != REGION_NONE &&
        (!region_get(order, hand, REGION_RESIDENT) || region_get(order, hand, REGION_PARKED)))
        return false;
    return regions_are_valid(order, resident);
}

const struct evict_policy evict_csra = {
    .name = "csra",
    .evict_batch = 16,
    .init = init,
    .miss = miss,
    .ahead = ahead,
    .insert = insert,
    .settle = settle,
    .remove = leave,
    .candidate = candidate,
    .recheck = region_recheck,
    .is_valid = is_valid,
};
