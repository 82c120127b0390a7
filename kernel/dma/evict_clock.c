/* SPDX-License-Identifier: MIT */
#include "kernel/dma/evict.h"
#include "kernel/dma/word.h"

static void touch(struct evict_order *order, uint32_t page)
{
    evict_unlink(order, page);
    evict_push(order, page, QUEUE_MAIN);
}

static void insert(struct evict_order *order, uint32_t page, bool ahead)
{
    (void)ahead;
    evict_push(order, page, QUEUE_MAIN);
}

/* In use is as good as VISITED, and stays so. */
static bool is_spared(struct evict_order *order, uint32_t page)
{
    return !word_is_idle(&order->words[page]) || word_take_visited(&order->words[page]);
}

static uint32_t candidate(struct evict_order *order, struct evict_scan *scan)
{
    while (scan->steps > 0) {
        uint32_t page = order->list[QUEUE_MAIN].oldest;

        scan->steps--;
        if (page == PAGE_NONE || !is_spared(order, page))
            return page;
        touch(order, page);
    }
    return PAGE_NONE;
}

static void recheck(struct evict_order *order, uint32_t looks)
{
    (void)order, (void)looks;
}

const struct evict_policy evict_clock = {
    .name = "clock",
    .evict_batch = 1,
    .insert = insert,
    .remove = evict_unlink,
    .candidate = candidate,
    .busy = touch,
    .recheck = recheck,
    .is_valid = evict_lists_are_valid,
};
