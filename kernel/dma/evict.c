/* SPDX-License-Identifier: MIT */
#include "kernel/dma/evict.h"
#include <stddef.h>
#include <string.h>
#include "kernel/dma/word.h"

static const struct evict_policy *const policies[] = {
    &evict_fifo,   &evict_lru, &evict_clock, &evict_sieve,
    &evict_s3fifo, &evict_arc, &evict_csra,  &evict_adaptive,
};
const char *const evict_names[] = {"fifo", "lru",  "clock",    "sieve", "s3fifo",
                                   "arc",  "csra", "adaptive", NULL};

_Static_assert(sizeof evict_names / sizeof *evict_names == sizeof policies / sizeof *policies + 1,
               "every policy has its name in the list");

void evict_order_init(struct evict_order *order, const struct evict_policy *policy, uint32_t depth,
                      uint32_t *next)
{
    order->hand = PAGE_NONE;
    order->parked_small = order->target = 0;
    order->ghost_main = false;
    for (uint32_t queue = 0; queue < EVICT_QUEUES; queue++)
        page_list_init(&order->list[queue]);
    for (uint32_t page = 0; page < order->pages; page++)
        order->records[page].newer = order->records[page].older = PAGE_NONE;
    follower_init(&order->follower, depth, next, order->pages);
    if (policy && policy->init)
        policy->init(order);
}

struct evict_scan evict_scan_begin(const struct evict_order *order)
{
    /* Twice round: once to clear VISITED everywhere, once more to find what was spared then. */
    uint64_t listed = (uint64_t)order->list[QUEUE_MAIN].length + order->list[QUEUE_SMALL].length +
                      order->regions.idle.length;

    return (struct evict_scan){.steps = 2 * listed + 2, .region = PAGE_NONE, .at = PAGE_NONE};
}

const struct evict_policy *evict_find(const char *name)
{
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++)
        if (strcmp(policies[i]->name, name) == 0)
            return policies[i];
    return NULL;
}

static struct page_list *list_of(struct evict_order *order, uint32_t queue)
{
    return &order->list[queue == QUEUE_PARKED_SMALL ? QUEUE_PARKED : queue];
}

void evict_push(struct evict_order *order, uint32_t page, enum evict_queue queue)
{
    order->records[page].queue = queue;
    page_list_push(list_of(order, queue), order->records, page);
}

void evict_unlink(struct evict_order *order, uint32_t page)
{
    uint32_t queue = order->records[page].queue;

    if (queue == QUEUE_NONE)
        return;
    if (order->hand == page)
        order->hand = order->records[page].newer;
    order->parked_small -= queue == QUEUE_PARKED_SMALL;
    page_list_remove(list_of(order, queue), order->records, page);
    order->records[page].queue = QUEUE_NONE;
}

bool evict_from_small(const struct evict_order *order, uint32_t page)
{
    uint32_t queue = order->records[page].queue;

    return queue == QUEUE_SMALL || queue == QUEUE_PARKED_SMALL;
}

uint32_t evict_count(const struct evict_order *order, enum evict_queue queue)
{
    uint32_t parked = order->parked_small;

    if (queue == QUEUE_MAIN)
        parked = order->list[QUEUE_PARKED].length - parked;
    return order->list[queue].length + parked;
}

void evict_park(struct evict_order *order, uint32_t page)
{
    bool small = evict_from_small(order, page);

    evict_unlink(order, page);
    evict_push(order, page, small ? QUEUE_PARKED_SMALL : QUEUE_PARKED);
    order->parked_small += small;
}

/* Its turn had come when it was parked: it is the first to go. */
static void unpark(struct evict_order *order, uint32_t page)
{
    uint32_t queue = evict_from_small(order, page) ? QUEUE_SMALL : QUEUE_MAIN;

    evict_unlink(order, page);
    order->records[page].queue = queue;
    page_list_push_oldest(&order->list[queue], order->records, page);
}

void evict_recheck(struct evict_order *order, uint32_t looks)
{
    uint32_t left = order->list[QUEUE_PARKED].length;

    for (left = left < looks ? left : looks; left > 0; left--) {
        uint32_t page = order->list[QUEUE_PARKED].oldest;

        if (word_is_idle(&order->words[page]) && !order->records[page].wanted)
            unpark(order, page);
        else
            evict_park(order, page);
    }
}

void evict_release(struct evict_order *order, uint32_t page)
{
    if (order->records[page].queue >= QUEUE_PARKED)
        unpark(order, page);
}

/* Every link answers its neighbour's, which also means that no page comes twice. */
static bool list_is_valid(const struct evict_order *order, uint32_t queue, uint32_t *small)
{
    const struct page_list *list = &order->list[queue];
    uint32_t newer = PAGE_NONE, length = 0;

    for (uint32_t page = list->newest; page != PAGE_NONE; page = order->records[page].older) {
        if (page >= order->pages || length++ == list->length)
            return false;
        const struct page_record *record = &order->records[page];

        *small += record->queue == QUEUE_PARKED_SMALL;
        bool ghost = queue == QUEUE_GHOST || queue == QUEUE_GHOST_SMALL;
        bool right_queue = record->queue == queue ||
                           (queue == QUEUE_PARKED && record->queue == QUEUE_PARKED_SMALL);
        if (record->newer != newer || ghost == (record->rights != 0) || !right_queue)
            return false;
        newer = page;
    }
    return list->oldest == newer && list->length == length;
}

bool evict_lists_are_valid(const struct evict_order *order, uint32_t resident)
{
    uint32_t small = 0;

    for (uint32_t queue = QUEUE_MAIN; queue <= QUEUE_PARKED; queue++)
        if (!list_is_valid(order, queue, &small))
            return false;
    if (order->hand != PAGE_NONE && order->records[order->hand].queue != QUEUE_MAIN)
        return false;
    return small == order->parked_small &&
           evict_count(order, QUEUE_MAIN) + evict_count(order, QUEUE_SMALL) == resident;
}
