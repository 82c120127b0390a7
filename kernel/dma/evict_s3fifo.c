/* SPDX-License-Identifier: MIT */
/*
 * New pages go through a small queue, a tenth of the quota; what was used there moves to the main
 * queue, the rest is remembered as ghosts. A ghost that misses goes to the main queue at once. A
 * VISITED bit stands for the two uses that make a page worth keeping: without hits seen, more is
 * not known.
 */
#include "kernel/dma/evict.h"
#include "kernel/dma/word.h"

#define USES_MAX  3u
#define USES_KEEP 2u

static uint32_t small_room(const struct evict_order *order)
{
    return order->quota >= 10 ? order->quota / 10 : 1;
}

static void insert(struct evict_order *order, uint32_t page, bool ahead)
{
    bool ghost = order->records[page].queue == QUEUE_GHOST;

    (void)ahead;
    evict_unlink(order, page);
    order->records[page].uses = 0;
    evict_push(order, page, ghost ? QUEUE_MAIN : QUEUE_SMALL);
}

static void leave(struct evict_order *order, uint32_t page)
{
    bool small = evict_from_small(order, page);
    uint32_t ghosts = order->quota - small_room(order);

    evict_unlink(order, page);
    if (small)
        evict_push(order, page, QUEUE_GHOST);
    while (order->list[QUEUE_GHOST].length > ghosts)
        evict_unlink(order, order->list[QUEUE_GHOST].oldest);
}

static void hit(struct evict_order *order, uint32_t page)
{
    if (order->records[page].uses < USES_MAX)
        order->records[page].uses++;
}

static void see_visited(struct evict_order *order, uint32_t page)
{
    if (word_take_visited(&order->words[page]) && order->records[page].uses < USES_KEEP)
        order->records[page].uses = USES_KEEP;
}

/* True when the page stays, in the main queue; false when it can go. */
static bool stays(struct evict_order *order, uint32_t page)
{
    bool small = order->records[page].queue == QUEUE_SMALL;
    uint32_t uses;

    see_visited(order, page);
    uses = order->records[page].uses;
    if (uses < (small ? USES_KEEP : 1))
        return false;
    order->records[page].uses = small ? 0 : uses - 1;
    evict_unlink(order, page);
    evict_push(order, page, QUEUE_MAIN);
    return true;
}

static uint32_t candidate(struct evict_order *order, struct evict_scan *scan)
{
    /* A page of the main queue is passed at most USES_MAX times more often than VISITED tells. */
    for (uint64_t steps = (USES_MAX + 1) * scan->steps; steps > 0; steps--) {
        bool from_main = evict_count(order, QUEUE_MAIN) > order->quota - small_room(order);
        uint32_t page = order->list[from_main ? QUEUE_MAIN : QUEUE_SMALL].oldest;

        if (page == PAGE_NONE)
            page = order->list[from_main ? QUEUE_SMALL : QUEUE_MAIN].oldest;
        /* In use, its uses do not count yet: it is parked, not promoted. */
        if (page == PAGE_NONE || !word_is_idle(&order->words[page]) || !stays(order, page))
            return page;
    }
    return PAGE_NONE;
}

const struct evict_policy evict_s3fifo = {
    .name = "s3fifo",
    .evict_batch = 1,
    .insert = insert,
    .remove = leave,
    .candidate = candidate,
    .busy = evict_park,
    .recheck = evict_recheck,
    .hit = hit,
    .release = evict_release,
    .is_valid = evict_lists_are_valid,
};
