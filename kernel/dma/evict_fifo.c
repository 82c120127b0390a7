/* SPDX-License-Identifier: MIT */
#include "kernel/dma/evict.h"

static void insert(struct evict_order *order, uint32_t page)
{
    page_list_push(&order->list, order->records, page);
}

static void remove(struct evict_order *order, uint32_t page)
{
    page_list_remove(&order->list, order->records, page);
}

static uint32_t candidate(struct evict_order *order, struct evict_scan *scan)
{
    uint32_t page = scan->at;

    if (page != PAGE_NONE)
        scan->at = order->records[page].newer;
    return page;
}

const struct evict_policy evict_fifo = {
    .name = "fifo",
    .insert = insert,
    .remove = remove,
    .candidate = candidate,
};
