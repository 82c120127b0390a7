/* SPDX-License-Identifier: MIT */
/* A page's turn is when its last use ended: a map moves it to the newest end, and so does the unmap
 * that leaves it idle, where that is seen. */
#include "kernel/dma/evict.h"

static void insert(struct evict_order *order, uint32_t page, bool ahead)
{
    (void)ahead;
    evict_push(order, page, QUEUE_MAIN);
}

static void touch(struct evict_order *order, uint32_t page)
{
    evict_unlink(order, page);
    evict_push(order, page, QUEUE_MAIN);
}

static void hit(struct evict_order *order, uint32_t page)
{
    /* A parked page is in use already, and was when it was parked. */
    if (order->records[page].queue == QUEUE_MAIN)
        touch(order, page);
}

static uint32_t candidate(struct evict_order *order, struct evict_scan *scan)
{
    (void)scan;
    return order->list[QUEUE_MAIN].oldest;
}

const struct evict_policy evict_lru = {
    .name = "lru",
    .needs_hits = true,
    .evict_batch = 1,
    .insert = insert,
    .remove = evict_unlink,
    .candidate = candidate,
    .busy = evict_park,
    .recheck = evict_recheck,
    .hit = hit,
    .release = touch,
    .is_valid = evict_lists_are_valid,
};
