/* SPDX-License-Identifier: MIT */
#include "kernel/dma/follower.h"
#include "kernel/dma/evict.h"

void follower_init(struct follower *follower, uint32_t depth, uint32_t *next, uint32_t pages)
{
    *follower = (struct follower){.next = next, .depth = depth, .last = PAGE_NONE};
    for (uint32_t page = 0; depth && page < pages; page++)
        next[page] = PAGE_NONE;
}

void follower_learn(struct follower *follower, uint32_t page)
{
    if (!follower->depth)
        return;
    if (follower->last != PAGE_NONE && follower->last != page)
        follower->next[follower->last] = page;
    follower->last = page;
}

/* A chain may run in a circle. */
static uint32_t add(uint32_t *pages, uint32_t count, uint32_t page)
{
    for (uint32_t i = 0; i < count; i++)
        if (pages[i] == page)
            return count;
    pages[count] = page;
    return count + 1;
}

uint32_t follower_ahead(const struct evict_order *order, uint32_t *pages, uint32_t max)
{
    const struct follower *f = &order->follower;
    uint32_t page = f->last, count = 0;

    for (uint32_t i = 0; i < f->depth && page != PAGE_NONE && count < max; i++) {
        page = f->next[page];
        if (page == PAGE_NONE)
            break;
        if (!order->records[page].rights && !order->records[page].wanted &&
            !order->records[page].leaving)
            count = add(pages, count, page);
    }
    return count;
}
