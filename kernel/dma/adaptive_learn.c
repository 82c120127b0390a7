/* SPDX-License-Identifier: MIT */
/*
 * Learning, at the first miss of a burst: which of the regions that the last walk expected were
 * used since? They move to the front of the order of use, in the order expected, and with each it
 * is judged whether one of the ways led there.
 */
#include "kernel/dma/evict.h"
#include "kernel/dma/word.h"

#define TRUST_SHIFT 7 /* about the last 128 guesses count */
#define DEPTH_MIN   8u
#define NEAR        2u  /* regions a way may be off */
#define VOTES       16u /* directions remembered */

bool adaptive_has(const struct evict_order *order, uint32_t region, uint32_t flag)
{
    return region_get(order, region, REGION_FLAGS) & flag;
}

void adaptive_flag(struct evict_order *order, uint32_t region, uint32_t flag, bool to)
{
    uint32_t flags = region_get(order, region, REGION_FLAGS);

    region_put(order, region, REGION_FLAGS, to ? flags | flag : flags & ~flag);
}

void adaptive_init(struct evict_order *order)
{
    struct adaptive *a = &order->adaptive;

    region_order_init(order);
    successor_init(order, order->quota / 8);
    *a = (struct adaptive){
        .current = REGION_NONE,
        .expected = REGION_NONE,
        .start = {REGION_NONE, REGION_NONE},
        .last_page = PAGE_NONE,
        .walk_trust = ADAPTIVE_SURE / 4,
        .fill_trust = ADAPTIVE_SURE * 9 / 10,
        .depth = DEPTH_MIN,
    };
    for (uint32_t i = 0; i < ADAPTIVE_RECENT; i++)
        a->recent[i] = (struct adaptive_ways){REGION_NONE, REGION_NONE};
    region_list_init(&a->used, REGION_AFTER, REGION_BEFORE);
}

void adaptive_judge(uint32_t *trust, uint32_t right, uint32_t wrong)
{
    for (; right > 0; right--)
        *trust += (ADAPTIVE_SURE - *trust) >> TRUST_SHIFT;
    for (; wrong > 0; wrong--)
        *trust -= *trust >> TRUST_SHIFT;
}

uint32_t adaptive_fold(struct evict_order *order, uint32_t region)
{
    uint32_t seen = region_take_visited(order, region);
    uint32_t used = seen | region_look(order, region).in_use;
    uint32_t m = region_get(order, region, REGION_LEARNT);
    uint32_t filled = mask_count(LEARNT_FILL(m) & used);

    adaptive_judge(&order->adaptive.fill_trust, filled, 0);
    region_put(order, region, REGION_LEARNT,
               LEARNT(LEARNT_USE(m) | used, LEARNT_FRESH(m) & ~used, LEARNT_FILL(m) & ~used));
    return seen;
}

void adaptive_farewell(struct evict_order *order, uint32_t region, uint32_t pages)
{
    struct region_look look = region_look(order, region);
    uint32_t m = region_get(order, region, REGION_LEARNT);
    uint32_t used = look.visited | look.in_use, use = LEARNT_USE(m) | used;
    uint32_t filled = LEARNT_FILL(m) & (used | pages);

    /* A region that was expected and not used at all tells nothing about its pages. */
    if (used)
        use &= ~(LEARNT_FRESH(m) & pages & ~used);
    adaptive_judge(&order->adaptive.fill_trust, mask_count(filled & used),
                   mask_count(filled & ~used));
    region_put(order, region, REGION_LEARNT,
               LEARNT(use, LEARNT_FRESH(m) & ~(used | pages), LEARNT_FILL(m) & ~filled));
}

static bool is_near(const struct evict_order *order, uint32_t from, uint32_t region,
                    enum region_field way)
{
    for (uint32_t i = 0; i < NEAR && from != REGION_NONE; i++) {
        if (from == region)
            return true;
        from = region_get(order, from, way);
    }
    return false;
}

static void vote(struct evict_order *order, uint32_t region)
{
    struct adaptive *a = &order->adaptive;

    for (uint32_t i = 0; i < ADAPTIVE_RECENT; i++) {
        bool back = is_near(order, a->recent[i].before, region, REGION_BEFORE);

        if (!back && !is_near(order, a->recent[i].after, region, REGION_AFTER))
            continue;
        a->backward += back;
        a->forward += !back;
        a->right++;
        if (a->forward + a->backward > VOTES) {
            a->forward -= a->forward / 2;
            a->backward -= a->backward / 2;
        }
        return;
    }
    a->wrong++;
}

/* The way goes round a region that leaves its place in the order. */
static void detour(uint32_t *way, uint32_t region, uint32_t to)
{
    if (*way == region)
        *way = to;
}

/* The region is used now: to the front of the order. */
static void use_region(struct evict_order *order, uint32_t region)
{
    struct adaptive *a = &order->adaptive;
    struct adaptive_ways ways = {REGION_NONE, REGION_NONE};

    if (region == a->current)
        return;
    if (adaptive_has(order, region, FLAG_KNOWN)) {
        ways.after = region_get(order, region, REGION_AFTER);
        ways.before = region_get(order, region, REGION_BEFORE);
        vote(order, region);
        region_remove(order, &a->used, region);
    }
    if (ways.before == a->current && ways.before != REGION_NONE)
        ways.before = region_get(order, ways.before, REGION_BEFORE);
    for (uint32_t i = ADAPTIVE_RECENT - 1; i > 0; i--) {
        a->recent[i] = a->recent[i - 1];
        detour(&a->recent[i].before, region, ways.before);
        detour(&a->recent[i].after, region, ways.after);
    }
    a->recent[0] = ways;
    adaptive_flag(order, region, FLAG_KNOWN, true);
    region_push(order, &a->used, region);
    a->current = region;
}

static bool is_resident(const struct evict_order *order, uint32_t region)
{
    return region_get(order, region, REGION_RESIDENT) != 0;
}

static bool was_expected(const struct evict_order *order, uint32_t region)
{
    uint32_t expected = order->adaptive.expected;

    return expected != REGION_NONE &&
           (expected == region || region_get(order, expected, REGION_BEFORE) == region ||
            region_get(order, expected, REGION_AFTER) == region);
}

static void set_depth(struct evict_order *order, uint32_t fetched, uint32_t used, bool goes_on)
{
    struct adaptive *a = &order->adaptive;
    uint32_t limit = order->quota / 5 < 64 ? order->quota / 5 : 64;

    if ((used == fetched && goes_on) || (fetched && 4 * used >= 3 * fetched))
        a->depth *= 2;
    else if (2 * used < fetched)
        a->depth /= 2;
    if (a->depth > limit)
        a->depth = limit;
    if (a->depth < DEPTH_MIN)
        a->depth = DEPTH_MIN;
}

static void learn_page(struct evict_order *order, uint32_t page)
{
    uint32_t m = region_get(order, region_of(page), REGION_LEARNT), bit = page_bit(page);

    if (LEARNT_FILL(m) & bit)
        adaptive_judge(&order->adaptive.fill_trust, 1, 0);
    region_put(order, region_of(page), REGION_LEARNT,
               LEARNT(LEARNT_USE(m) | bit, LEARNT_FRESH(m) & ~bit, LEARNT_FILL(m) & ~bit));
}

/* What became of the last walk. page is the first to miss now. */
static void score(struct evict_order *order, uint32_t page)
{
    struct adaptive *a = &order->adaptive;
    uint32_t fetched = 0, used = 0, end = 0;
    /* Asked before the order changes. */
    bool goes_on = was_expected(order, region_of(page));

    for (uint32_t i = 0; i < a->run_length; i++) {
        bool seen = region_look(order, a->run[i]).visited != 0;

        fetched += a->fetched[i];
        used += seen && a->fetched[i];
        if (seen)
            end = i + 1;
    }
    a->right = 0;
    a->wrong = fetched - used;
    for (uint32_t i = 0; i < end; i++)
        if (is_resident(order, a->run[i]) && adaptive_fold(order, a->run[i])) {
            region_renew(order, a->run[i]);
            use_region(order, a->run[i]);
        }
    a->run_length = 0;
    if (a->current != REGION_NONE && is_resident(order, a->current))
        adaptive_fold(order, a->current);
    set_depth(order, fetched, used, goes_on);
}

/* Of what the chains brought, the pages seen used; the score of the chains takes their VISITED. */
static void learn_chain(struct evict_order *order)
{
    const struct successor *chain = &order->successor;

    for (uint32_t i = 1; i < chain->run_length; i++) {
        uint32_t page = chain->run[i];

        if (order->records[page].rights && word_is_visited(&order->words[page]))
            learn_page(order, page);
    }
}

static void add_to_burst(struct evict_order *order, uint32_t region)
{
    struct adaptive *a = &order->adaptive;

    if (region == a->current) {
        a->start = (struct adaptive_ways){REGION_NONE, region_get(order, region, REGION_BEFORE)};
    } else {
        use_region(order, region);
        a->start = a->recent[0];
    }
    if (a->burst_length == ADAPTIVE_BURST)
        return;
    a->burst[a->burst_length++] = region;
    adaptive_flag(order, region, FLAG_PINNED, true);
}

void adaptive_miss(struct evict_order *order, uint32_t page)
{
    struct adaptive *a = &order->adaptive;
    uint32_t region = region_of(page);

    if (!a->in_burst) {
        learn_chain(order);
        successor_score(order, page);
        score(order, page);
        a->in_burst = true;
    }
    a->stride_pages = page == a->last_page + 1 ? a->stride_pages + 1 : 0;
    a->last_page = page;
    if (a->burst_length == 0 || a->burst[a->burst_length - 1] != region)
        add_to_burst(order, region);
    learn_page(order, page);
    successor_learn(order, page);
}
