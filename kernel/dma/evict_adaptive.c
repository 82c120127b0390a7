/* SPDX-License-Identifier: MIT */
/*
 * Our own default; docs/policies.md tells how it came about. What leaves: while the walks along the
 * order of use can be trusted, the regions used last that are not expected soon, then those
 * expected last, then the oldest, with a second chance for what was used again. Without walks the
 * oldest, or, where regions do not belong together, pages one by one: a hand goes round the regions
 * and takes what was not used for some rounds.
 */
#include "kernel/dma/evict.h"
#include "kernel/dma/word.h"

/* Share of pages used of those brought along with a neighbour, from which regions belong together:
 * they leave together, too. */
#define BELONG (ADAPTIVE_SURE * 90 / 100)

enum phase { BEGIN, RECENT, EXPECTED_LAST, OLDEST };

static void insert(struct evict_order *order, uint32_t page, bool ahead)
{
    uint32_t region = region_of(page), m = region_get(order, region, REGION_LEARNT);

    region_insert(order, page);
    adaptive_stay(order, page, STAYS_NEW);
    if (ahead)
        region_put(order, region, REGION_LEARNT, m | LEARNT(0, page_bit(page), 0));
}

static void leave(struct evict_order *order, uint32_t page)
{
    region_leave(order, page);
}

/* These pages of it are on offer now. */
static void offer(struct evict_order *order, struct evict_scan *scan, uint32_t region,
                  uint32_t pages)
{
    scan->region = region;
    scan->offer = pages;
    if (pages)
        adaptive_farewell(order, region, pages);
}

/* A region that is not to be used soon goes as a whole, unless it was used again. */
static void offer_unused(struct evict_order *order, struct evict_scan *scan, uint32_t region)
{
    uint32_t resident = region_get(order, region, REGION_RESIDENT);
    struct region_look look = region_look(order, region);

    if (!resident || look.visited || adaptive_has(order, region, FLAG_PINNED))
        return;
    if (look.in_use)
        region_park(order, region);
    else
        offer(order, scan, region, resident);
}

/* From the region used last backwards. False when the phase is over. */
static bool recent(struct evict_order *order, struct evict_scan *scan)
{
    struct adaptive *a = &order->adaptive;
    uint32_t region =
        scan->at == REGION_NONE ? a->used.newest : region_get(order, scan->at, REGION_BEFORE);

    if (region == REGION_NONE || scan->looks++ == ADAPTIVE_STEPS)
        return false;
    scan->at = region;
    if (!adaptive_has(order, region, FLAG_MARKED))
        offer_unused(order, scan, region);
    return true;
}

static bool expected_last(struct evict_order *order, struct evict_scan *scan)
{
    if (scan->at == 0)
        return false;
    offer_unused(order, scan, order->adaptive.marked[--scan->at]);
    return true;
}

/* A region partly in use loses what of the rest was not used again; one idle stays when anything
 * was, once. */
static void oldest(struct evict_order *order, struct evict_scan *scan, uint32_t region)
{
    uint32_t resident = region_get(order, region, REGION_RESIDENT);
    struct region_look look = region_look(order, region);
    uint32_t idle = resident & ~look.in_use;

    if (scan->last_resort) {
        region_renew(order, region);
        offer(order, scan, region, idle);
    } else if (adaptive_has(order, region, FLAG_PINNED)) {
        region_renew(order, region);
    } else if (look.in_use) {
        offer(order, scan, region, idle & ~look.visited);
        adaptive_fold(order, region);
        if (idle)
            region_renew(order, region);
        else
            region_park(order, region);
    } else if (look.visited && scan->steps > order->regions.idle.length) {
        if (!adaptive_trusts(order, GUESS_FILL))
            offer(order, scan, region, resident & ~look.visited);
        adaptive_fold(order, region);
        region_renew(order, region);
    } else {
        offer(order, scan, region, idle);
    }
}

/* Idle pages that were not used for as many rounds as they may stay. */
static uint32_t cold_pages(const struct evict_order *order, uint32_t region, uint32_t idle)
{
    uint32_t page = region << REGION_SHIFT, cold = 0;

    for (uint32_t bit = 1; bit <= idle; bit <<= 1, page++)
        if ((idle & bit) && !(order->records[page].queue & PAGE_STAYS))
            cold |= bit;
    return cold;
}

/* A round is over for the region. */
static void count_round(struct evict_order *order, uint32_t region, const struct region_look *look)
{
    uint32_t resident = region_get(order, region, REGION_RESIDENT);
    uint32_t page = region << REGION_SHIFT;

    for (uint32_t bit = 1; bit <= resident; bit <<= 1, page++) {
        if (!(resident & bit))
            continue;
        if (look->in_use & bit)
            adaptive_stay(order, page, STAYS_NEW);
        else if (look->visited & bit && word_take_visited(&order->words[page]))
            adaptive_used(order, page);
        else if (order->records[page].queue & PAGE_STAYS)
            order->records[page].queue--;
    }
}

/* Without walks, page by page. */
static void coldest(struct evict_order *order, struct evict_scan *scan, uint32_t region)
{
    struct region_look look = region_look(order, region);
    uint32_t idle = region_get(order, region, REGION_RESIDENT) & ~look.in_use;
    uint32_t cold = cold_pages(order, region, idle & ~look.visited);

    if (cold && !scan->last_resort) {
        offer(order, scan, region, cold);
        return;
    }
    if (scan->last_resort)
        offer(order, scan, region, idle);
    else
        count_round(order, region, &look);
    if (idle)
        region_renew(order, region);
    else
        region_park(order, region);
}

static bool by_region(const struct evict_order *order)
{
    return order->adaptive.walks || order->adaptive.trust[GUESS_FILL] > BELONG;
}

static uint32_t candidate(struct evict_order *order, struct evict_scan *scan)
{
    uint32_t page = region_next_offer(scan);

    /* A page may be passed over so often before it is cold. */
    if (scan->phase == BEGIN) {
        scan->steps *= PAGE_STAYS;
        scan->phase = RECENT;
    }
    if (scan->phase == RECENT && (!order->adaptive.marked_length || scan->last_resort))
        scan->phase = OLDEST;
    while (page == PAGE_NONE && scan->phase < OLDEST) {
        bool more = scan->phase == RECENT ? recent(order, scan) : expected_last(order, scan);

        if (!more) {
            scan->phase++;
            scan->at = order->adaptive.marked_length;
        }
        page = region_next_offer(scan);
    }
    for (; page == PAGE_NONE && scan->steps > 0; scan->steps--) {
        if (order->regions.idle.oldest == REGION_NONE)
            break;
        if (by_region(order))
            oldest(order, scan, order->regions.idle.oldest);
        else
            coldest(order, scan, order->regions.idle.oldest);
        page = region_next_offer(scan);
    }
    return page;
}

/* Without walks a batch may cost more misses than it saves waits. */
static uint32_t batch(const struct evict_order *order, uint32_t configured)
{
    return order->adaptive.walks ? configured : 1;
}

static bool is_valid(const struct evict_order *order, uint32_t resident)
{
    const struct adaptive *a = &order->adaptive;
    uint32_t after = REGION_NONE, length = 0;

    for (uint32_t region = a->used.newest; region != REGION_NONE;
         region = region_get(order, region, REGION_BEFORE)) {
        if (length++ == a->used.length || region_get(order, region, REGION_AFTER) != after ||
            (region_get(order, region, REGION_FLAGS) & FLAGS_OF_BURST) != FLAG_KNOWN)
            return false;
        after = region;
    }
    return a->used.oldest == after && a->used.length == length && !a->in_burst &&
           regions_are_valid(order, resident);
}

const struct evict_policy evict_adaptive = {
    .name = "adaptive",
    .evict_batch = 16,
    .init = adaptive_init,
    .miss = adaptive_miss,
    .ahead = adaptive_ahead,
    .insert = insert,
    .settle = adaptive_settle,
    .remove = leave,
    .candidate = candidate,
    .recheck = region_recheck,
    .batch = batch,
    .is_valid = is_valid,
};
