/* SPDX-License-Identifier: MIT */
#include "kernel/dma/evict.h"

static void insert(struct evict_order *order, uint32_t page, bool ahead)
{
    (void)ahead;
    evict_push(order, page, QUEUE_MAIN);
}

static uint32_t candidate(struct evict_order *order, struct evict_scan *scan)
{
    (void)scan;
    return order->list[QUEUE_MAIN].oldest;
}

const struct evict_policy evict_fifo = {
    .name = "fifo",
    .evict_batch = 1,
    .insert = insert,
    .remove = evict_unlink,
    .candidate = candidate,
    .busy = evict_park,
    .recheck = evict_recheck,
    .release = evict_release,
    .is_valid = evict_lists_are_valid,
};
