/* SPDX-License-Identifier: MIT */
#include "kernel/dma/evict.h"
#include <stddef.h>
#include <string.h>

static const struct evict_policy *const policies[] = {&evict_fifo, &evict_sieve};
const char *const evict_names[] = {"fifo", "sieve", NULL};

_Static_assert(sizeof evict_names / sizeof *evict_names == sizeof policies / sizeof *policies + 1,
               "every policy has its name in the list");

void evict_order_init(struct evict_order *order, struct page_record *records, uint32_t *words)
{
    *order = (struct evict_order){.records = records, .words = words, .hand = PAGE_NONE};
    page_list_init(&order->list);
}

struct evict_scan evict_scan_begin(const struct evict_order *order)
{
    /* Twice round: once to clear VISITED everywhere, once more to find what was spared then. */
    return (struct evict_scan){.at = order->list.oldest, .steps = 2ull * order->list.length};
}

const struct evict_policy *evict_find(const char *name)
{
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++)
        if (strcmp(policies[i]->name, name) == 0)
            return policies[i];
    return NULL;
}
