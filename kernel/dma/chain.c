/* SPDX-License-Identifier: MIT */
#include "kernel/dma/chain.h"
#include "kernel/dma/evict.h"
#include "kernel/dma/word.h"

#define CONFIRMED 3u  /* `uses` saturates */
#define TAIL      16u /* watched of what was expected before */
#define FEW       8u  /* pages brought along while chains are not sure */

static bool is_absent(const struct evict_order *order, uint32_t page)
{
    const struct page_record *record = &order->records[page];

    return !record->rights && !record->wanted && !record->leaving;
}

void chain_init(struct evict_order *order, uint32_t limit)
{
    if (limit > CHAIN_WATCH - TAIL)
        limit = CHAIN_WATCH - TAIL;
    if (limit == 0)
        limit = 1;
    order->chain = (struct chain){.last = PAGE_NONE, .limit = limit};
    for (uint32_t page = 0; page < order->pages; page++)
        order->records[page].uses = order->records[page].queue = 0;
}

static void link(struct evict_order *order, uint32_t from, uint32_t to)
{
    struct page_record *record = &order->records[from];

    if (from == PAGE_NONE || from == to)
        return;
    if (record->newer == to) {
        record->uses += record->uses < CONFIRMED;
    } else if (record->uses) {
        record->uses--;
    } else {
        /* The newcomer is put in between: it goes on where the old one did. */
        if (order->records[to].newer == PAGE_NONE)
            order->records[to].newer = record->newer;
        record->newer = to;
        record->uses = 0;
    }
}

void chain_score(struct evict_order *order, uint32_t page)
{
    struct chain *c = &order->chain;
    uint32_t path = c->last, kept = 0;

    for (uint32_t i = 0; i < c->watched; i++) {
        uint32_t next = c->watch[i];
        bool seen = order->records[next].rights && word_take_visited(&order->words[next]);

        order->records[next].queue &= ~CHAIN_WATCHED;
        if (seen) {
            adaptive_used(order, next);
            link(order, path, next);
            path = next;
            kept = 0;
        } else if (next != page) {
            c->watch[kept++] = next;
        }
    }
    c->last = path;
    c->watched = kept < TAIL ? kept : TAIL;
}

void chain_learn(struct evict_order *order, uint32_t page)
{
    link(order, order->chain.last, page);
    order->chain.last = page;
}

/* False when it is watched already: the chain runs in a circle. */
static bool watch(struct evict_order *order, uint32_t page)
{
    struct chain *c = &order->chain;
    struct page_record *record = &order->records[page];

    if (record->queue & CHAIN_WATCHED)
        return false;
    record->queue |= CHAIN_WATCHED;
    c->watch[c->watched++] = page;
    return true;
}

/* Follows the links as far as they can be watched: an absent page that does not come along would be
 * the next to miss. */
static uint32_t follow(struct evict_order *order, struct chain_want *want, uint32_t end)
{
    struct chain *c = &order->chain;
    uint32_t brought = 0, depth = adaptive_is_sure(order, GUESS_SURE) ? c->limit : FEW;

    for (uint32_t page = c->last; c->watched < end;) {
        enum adaptive_guess why = order->records[page].uses ? GUESS_SURE : GUESS_LOOSE;

        page = order->records[page].newer;
        if (page == PAGE_NONE || !watch(order, page))
            break;
        if (!is_absent(order, page))
            continue;
        if (!want->act || brought == depth || want->count == want->max ||
            !adaptive_trusts(order, why))
            break;
        adaptive_guess(order, page, why);
        want->pages[want->count++] = page;
        brought++;
    }
    return want->count;
}

uint32_t chain_run(struct evict_order *order, struct chain_want want)
{
    struct chain *c = &order->chain;
    uint32_t tail[TAIL], tails = c->watched, count;
    struct page_record *last = &order->records[c->last];

    for (uint32_t i = 0; i < tails; i++)
        tail[i] = c->watch[i];
    c->watched = 0;
    last->queue |= CHAIN_WATCHED;
    count = follow(order, &want, CHAIN_WATCH - tails);
    for (uint32_t i = 0; i < tails; i++)
        watch(order, tail[i]);
    last->queue &= ~CHAIN_WATCHED;
    return count;
}

void chain_settle(struct evict_order *order)
{
    struct chain *c = &order->chain;

    for (uint32_t i = 0; i < c->watched; i++) {
        uint32_t page = c->watch[i];

        if (order->records[page].rights && word_take_visited(&order->words[page]))
            adaptive_used(order, page);
    }
}
