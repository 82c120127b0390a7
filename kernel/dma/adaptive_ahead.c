/* SPDX-License-Identifier: MIT */
/* Guessing what comes next, by what can be trusted now. */
#include "kernel/dma/evict.h"

/* From which share of regions that a way led to walks are thought of. */
#define WAY_TRUSTED (ADAPTIVE_SURE * 42 / 100)

#define STRIDE_MIN 16u
#define STRIDE_MAX 32u

struct guess {
    uint32_t *pages;
    uint32_t count, max;
};

static bool is_absent(const struct evict_order *order, uint32_t page)
{
    const struct page_record *record = &order->records[page];

    return page < order->pages && !record->rights && !record->wanted && !record->leaving;
}

/* The region's absent pages that are worth it, as a mask. */
static uint32_t worth(const struct evict_order *order, uint32_t region)
{
    uint32_t use = LEARNT_USE(region_get(order, region, REGION_LEARNT));
    uint32_t page = region << REGION_SHIFT, mask = 0;

    for (uint32_t bit = 1; bit <= use; bit <<= 1, page++)
        if ((use & bit) && is_absent(order, page))
            mask |= bit;
    return mask;
}

static bool add(struct evict_order *order, struct guess *g, uint32_t page, enum adaptive_guess why)
{
    for (uint32_t i = 0; i < g->count; i++)
        if (g->pages[i] == page)
            return true;
    if (g->count == g->max)
        return false;
    g->pages[g->count++] = page;
    adaptive_guess(order, page, why);
    return true;
}

static void add_region(struct evict_order *order, struct guess *g, uint32_t region, uint32_t mask,
                       enum adaptive_guess why)
{
    for (; mask; mask &= mask - 1)
        add(order, g, (region << REGION_SHIFT) + (uint32_t)__builtin_ctz(mask), why);
}

/* The rest of the burst's regions. */
static void fill(struct evict_order *order, struct guess *g)
{
    struct adaptive *a = &order->adaptive;

    for (uint32_t i = 0; i < a->burst_length; i++)
        add_region(order, g, a->burst[i], worth(order, a->burst[i]), GUESS_FILL);
}

/* Pages never mapped before, after misses that went up one by one for longer than a block has: a
 * quarter of as many as came so far, so that little is wasted when they stop. */
static void stride(struct evict_order *order, struct guess *g)
{
    struct adaptive *a = &order->adaptive;
    uint32_t pages = a->stride_pages / 4;

    if (a->stride_pages < STRIDE_MIN)
        return;
    for (uint32_t i = 0; i < pages && i < STRIDE_MAX; i++) {
        uint32_t page = a->last_page + 1;

        if (!is_absent(order, page) || order->records[page].had || !add(order, g, page, GUESS_FILL))
            return;
        a->last_page = page;
        a->stride_pages++;
    }
}

static uint32_t step(const struct evict_order *order, uint32_t region)
{
    return region_get(order, region, order->adaptive.goes_forward ? REGION_AFTER : REGION_BEFORE);
}

/* Regions expected soon are the last to be evicted. */
static void mark(struct evict_order *order, uint32_t region)
{
    struct adaptive *a = &order->adaptive;

    for (; region != REGION_NONE && a->marked_length < ADAPTIVE_STEPS;
         region = step(order, region)) {
        a->marked[a->marked_length++] = region;
        adaptive_flag(order, region, FLAG_MARKED, true);
    }
}

/* A region on the way. False when the walk ends before it. */
static bool pass(struct evict_order *order, struct guess *g, uint32_t region, uint32_t end)
{
    struct adaptive *a = &order->adaptive;
    uint32_t mask = worth(order, region), pages = mask_count(mask);

    if (adaptive_has(order, region, FLAG_PINNED))
        return true;
    if (g->count + pages > end)
        return false;
    /* What is in use anyway tells nothing when it is found used. */
    if (!mask && region_look(order, region).in_use == region_get(order, region, REGION_RESIDENT))
        return true;
    adaptive_flag(order, region, FLAG_PINNED, true);
    add_region(order, g, region, mask, GUESS_WALK);
    a->fetched[a->run_length] = mask != 0;
    a->run[a->run_length++] = region;
    return true;
}

/* Along the order of use, over what is resident as well, to see it used. */
static void walk(struct evict_order *order, struct guess *g)
{
    struct adaptive *a = &order->adaptive;
    uint32_t end = g->count + a->depth, region, steps = 0;

    if (end > g->max)
        end = g->max;
    a->goes_forward = a->forward > a->backward;
    region = a->goes_forward ? a->start.after : a->start.before;
    mark(order, region);
    for (; region != REGION_NONE && steps < ADAPTIVE_STEPS; steps++) {
        if (!pass(order, g, region, end))
            break;
        region = step(order, region);
    }
    a->expected = region;
}

uint32_t adaptive_ahead(struct evict_order *order, uint32_t *pages, uint32_t max)
{
    struct adaptive *a = &order->adaptive;
    struct guess g = {.pages = pages, .max = max};

    a->walks = a->way_trust > WAY_TRUSTED && adaptive_trusts(order, GUESS_WALK);
    g.count = chain_run(order, (struct chain_want){pages, 0, max, !a->walks});
    if (adaptive_trusts(order, GUESS_FILL))
        fill(order, &g);
    stride(order, &g);
    a->expected = REGION_NONE;
    if (a->walks)
        walk(order, &g);
    return g.count;
}

void adaptive_settle(struct evict_order *order)
{
    struct adaptive *a = &order->adaptive;

    for (uint32_t i = 0; i < a->burst_length; i++)
        adaptive_flag(order, a->burst[i], FLAG_PINNED, false);
    for (uint32_t i = 0; i < a->marked_length; i++)
        adaptive_flag(order, a->marked[i], FLAG_MARKED, false);
    if (a->in_burst)
        for (uint32_t i = 0; i < a->run_length; i++) {
            adaptive_flag(order, a->run[i], FLAG_PINNED, false);
            /* From now on VISITED means: used since it was expected. */
            adaptive_fold(order, a->run[i]);
        }
    if (a->in_burst)
        chain_settle(order);
    a->burst_length = a->marked_length = 0;
    a->in_burst = false;
}
