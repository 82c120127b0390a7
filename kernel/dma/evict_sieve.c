/* SPDX-License-Identifier: MIT */
#include "kernel/dma/evict.h"
#include "kernel/dma/word.h"

static void insert(struct evict_order *order, uint32_t page, bool ahead)
{
    (void)ahead;
    evict_push(order, page, QUEUE_MAIN);
}

/* The hand passes what is in use, and takes no VISITED there: a lap later it still counts. */
static uint32_t candidate(struct evict_order *order, struct evict_scan *scan)
{
    while (scan->steps > 0) {
        uint32_t page = order->hand != PAGE_NONE ? order->hand : order->list[QUEUE_MAIN].oldest;

        if (page == PAGE_NONE)
            break;
        scan->steps--;
        /* On before the page's fate is known: when it goes, it is behind the hand. */
        order->hand = order->records[page].newer;
        if (word_is_idle(&order->words[page]) && !word_take_visited(&order->words[page]))
            return page;
    }
    return PAGE_NONE;
}

const struct evict_policy evict_sieve = {
    .name = "sieve",
    .evict_batch = 1,
    .insert = insert,
    .remove = evict_unlink,
    .candidate = candidate,
    .recheck = evict_recheck,
    .is_valid = evict_lists_are_valid,
};
