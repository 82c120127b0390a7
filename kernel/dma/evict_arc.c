/* SPDX-License-Identifier: MIT */
/*
 * Two lists, of pages used once (SMALL, the paper's T1) and more often (MAIN, T2), each with its
 * ghosts (B1, B2); a miss on a ghost moves the share of the lists towards where it came from.
 * Where hits are not seen, VISITED is looked at when a page's turn comes.
 */
#include "kernel/dma/evict.h"
#include "kernel/dma/word.h"

static uint32_t at_least_one(uint32_t n)
{
    return n ? n : 1;
}

static void miss(struct evict_order *order, uint32_t page)
{
    uint32_t queue = order->records[page].queue;
    uint32_t small = order->list[QUEUE_GHOST_SMALL].length, main = order->list[QUEUE_GHOST].length;

    order->ghost_main = queue == QUEUE_GHOST;
    if (queue == QUEUE_GHOST_SMALL) {
        order->target += at_least_one(main / small);
        if (order->target > order->quota)
            order->target = order->quota;
    } else if (queue == QUEUE_GHOST) {
        uint32_t step = at_least_one(small / main);

        order->target = order->target > step ? order->target - step : 0;
    }
}

static void forget(struct evict_order *order, enum evict_queue queue)
{
    uint32_t page = order->list[queue].oldest;

    if (page != PAGE_NONE)
        evict_unlink(order, page);
}

static uint32_t known(const struct evict_order *order, enum evict_queue queue,
                      enum evict_queue ghosts)
{
    return evict_count(order, queue) + order->list[ghosts].length;
}

static void insert(struct evict_order *order, uint32_t page, bool ahead)
{
    uint32_t queue = order->records[page].queue;
    bool again = queue == QUEUE_GHOST || queue == QUEUE_GHOST_SMALL;

    (void)ahead;
    evict_unlink(order, page);
    evict_push(order, page, again ? QUEUE_MAIN : QUEUE_SMALL);
    /* The paper's bounds: L1 <= c, L1 + L2 <= 2c. */
    while (known(order, QUEUE_SMALL, QUEUE_GHOST_SMALL) > order->quota &&
           order->list[QUEUE_GHOST_SMALL].length)
        forget(order, QUEUE_GHOST_SMALL);
    while (known(order, QUEUE_SMALL, QUEUE_GHOST_SMALL) + known(order, QUEUE_MAIN, QUEUE_GHOST) >
               2 * order->quota &&
           order->list[QUEUE_GHOST].length)
        forget(order, QUEUE_GHOST);
}

static void leave(struct evict_order *order, uint32_t page)
{
    bool small = evict_from_small(order, page);

    evict_unlink(order, page);
    evict_push(order, page, small ? QUEUE_GHOST_SMALL : QUEUE_GHOST);
}

static void hit(struct evict_order *order, uint32_t page)
{
    bool parked = order->records[page].queue >= QUEUE_PARKED;

    evict_unlink(order, page);
    evict_push(order, page, QUEUE_MAIN);
    if (parked)
        evict_park(order, page);
}

static uint32_t candidate(struct evict_order *order, struct evict_scan *scan)
{
    for (; scan->steps > 0; scan->steps--) {
        uint32_t small = evict_count(order, QUEUE_SMALL);
        bool from_small =
            small > order->target || (small && order->ghost_main && small == order->target);
        uint32_t page = order->list[from_small ? QUEUE_SMALL : QUEUE_MAIN].oldest;

        if (page == PAGE_NONE)
            page = order->list[from_small ? QUEUE_MAIN : QUEUE_SMALL].oldest;
        if (page == PAGE_NONE || !word_take_visited(&order->words[page]))
            return page;
        evict_unlink(order, page);
        evict_push(order, page, QUEUE_MAIN);
    }
    return PAGE_NONE;
}

const struct evict_policy evict_arc = {
    .name = "arc",
    .evict_batch = 1,
    .miss = miss,
    .insert = insert,
    .remove = leave,
    .candidate = candidate,
    .busy = evict_park,
    .recheck = evict_recheck,
    .hit = hit,
    .release = evict_release,
    .is_valid = evict_lists_are_valid,
};
