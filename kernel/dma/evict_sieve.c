/* SPDX-License-Identifier: MIT */
#include "kernel/dma/evict.h"
#include "kernel/dma/word.h"

static void insert(struct evict_order *order, uint32_t page)
{
    page_list_push(&order->list, order->records, page);
}

static void remove(struct evict_order *order, uint32_t page)
{
    if (order->hand == page)
        order->hand = order->records[page].newer;
    page_list_remove(&order->list, order->records, page);
}

/* The hand moves on before the page's fate is known: removed or in use, it is behind the hand. */
static uint32_t candidate(struct evict_order *order, struct evict_scan *scan)
{
    while (scan->steps > 0) {
        uint32_t page = order->hand != PAGE_NONE ? order->hand : order->list.oldest;

        if (page == PAGE_NONE)
            break;
        scan->steps--;
        order->hand = order->records[page].newer;
        if (!word_take_visited(&order->words[page]))
            return page;
    }
    return PAGE_NONE;
}

const struct evict_policy evict_sieve = {
    .name = "sieve",
    .insert = insert,
    .remove = remove,
    .candidate = candidate,
};
