/* SPDX-License-Identifier: MIT */
/*
 * Learning, at the first miss of a burst: which of the regions that the last walk expected were
 * used since? They move to the front of the order of use, in the order expected, and with each it
 * is judged whether one of the ways led there.
 */
#include "kernel/dma/evict.h"
#include "kernel/dma/word.h"

#define WAY_SHIFT  7  /* about the last 128 regions count */
#define FADE_SHIFT 12 /* distrust goes in some thousand bursts: what was wrong is tried again */
#define SURE       (ADAPTIVE_SURE * 70 / 100)
#define DEPTH_MIN  8u
#define NEAR       2u  /* regions a way may be off */
#define VOTES      16u /* directions remembered */

/* From which share of pages used a guess is acted on, and how many pages that is taken over: walks
 * bring many at a time, and are good and bad for long. */
static const struct guess_rule {
    uint32_t trusted, shift;
} rules[ADAPTIVE_GUESSES] = {
    [GUESS_LOOSE] = {ADAPTIVE_SURE * 67 / 100, 7},
    [GUESS_SURE] = {ADAPTIVE_SURE * 60 / 100, 7},
    [GUESS_FILL] = {ADAPTIVE_SURE * 75 / 100, 7},
    [GUESS_WALK] = {ADAPTIVE_SURE * 56 / 100, 10},
};

bool adaptive_has(const struct evict_order *order, uint32_t region, uint32_t flag)
{
    return region_get(order, region, REGION_FLAGS) & flag;
}

void adaptive_flag(struct evict_order *order, uint32_t region, uint32_t flag, bool to)
{
    uint32_t flags = region_get(order, region, REGION_FLAGS);

    region_put(order, region, REGION_FLAGS, to ? flags | flag : flags & ~flag);
}

void adaptive_stay(struct evict_order *order, uint32_t page, uint32_t rounds)
{
    order->records[page].queue = (order->records[page].queue & ~PAGE_STAYS) | rounds;
}

void adaptive_init(struct evict_order *order)
{
    struct adaptive *a = &order->adaptive;

    region_order_init(order);
    chain_init(order, order->quota / 8);
    *a = (struct adaptive){
        .current = REGION_NONE,
        .expected = REGION_NONE,
        .start = {REGION_NONE, REGION_NONE},
        .last_page = PAGE_NONE,
        .way_trust = ADAPTIVE_SURE / 4,
        .trust = {ADAPTIVE_SURE / 2, ADAPTIVE_SURE * 3 / 4, ADAPTIVE_SURE * 9 / 10,
                  ADAPTIVE_SURE / 2},
        .depth = DEPTH_MIN,
    };
    for (uint32_t i = 0; i < ADAPTIVE_RECENT; i++)
        a->recent[i] = (struct adaptive_ways){REGION_NONE, REGION_NONE};
    region_list_init(&a->used, REGION_AFTER, REGION_BEFORE);
}

static void judge(uint32_t *trust, bool right, uint32_t shift)
{
    if (right)
        *trust += (ADAPTIVE_SURE - *trust) >> shift;
    else
        *trust -= *trust >> shift;
}

void adaptive_guess(struct evict_order *order, uint32_t page, enum adaptive_guess guess)
{
    uint32_t region = region_of(page), bit = page_bit(page);
    uint32_t m = region_get(order, region, REGION_LEARNT) & ~LEARNT(0, 0, bit);

    region_put(order, region, REGION_LEARNT, m | LEARNT(0, 0, guess & 1 ? bit : 0));
    adaptive_flag(order, region, FLAG_GUESS(bit), guess & 2);
}

void adaptive_judge(struct evict_order *order, uint32_t page, bool used)
{
    uint32_t region = region_of(page), bit = page_bit(page);
    uint32_t m = region_get(order, region, REGION_LEARNT);
    uint32_t high = adaptive_has(order, region, FLAG_GUESS(bit)) ? 2 : 0;
    uint32_t guess = high | (LEARNT_GUESS(m) & bit ? 1 : 0);

    if (!(LEARNT_FRESH(m) & bit))
        return;
    region_put(order, region, REGION_LEARNT, m & ~LEARNT(0, bit, 0));
    judge(&order->adaptive.trust[guess], used, rules[guess].shift);
}

bool adaptive_trusts(const struct evict_order *order, enum adaptive_guess guess)
{
    return order->adaptive.trust[guess] >= rules[guess].trusted;
}

bool adaptive_is_sure(const struct evict_order *order, enum adaptive_guess guess)
{
    return order->adaptive.trust[guess] > SURE;
}

static void fade(struct evict_order *order)
{
    for (enum adaptive_guess guess = 0; guess < ADAPTIVE_GUESSES; guess++)
        if (!adaptive_trusts(order, guess))
            order->adaptive.trust[guess] += ADAPTIVE_SURE >> FADE_SHIFT;
}

static void learn_page(struct evict_order *order, uint32_t page)
{
    uint32_t m = region_get(order, region_of(page), REGION_LEARNT), bit = page_bit(page);

    region_put(order, region_of(page), REGION_LEARNT, m | LEARNT(bit, 0, 0));
    adaptive_judge(order, page, true);
}

uint32_t adaptive_fold(struct evict_order *order, uint32_t region)
{
    uint32_t seen = region_take_visited(order, region);
    uint32_t used = seen | region_look(order, region).in_use;
    uint32_t page = region << REGION_SHIFT;

    for (; used; used >>= 1, page++)
        if (used & 1)
            learn_page(order, page);
    return seen;
}

void adaptive_farewell(struct evict_order *order, uint32_t region, uint32_t pages)
{
    struct region_look look = region_look(order, region);
    uint32_t m = region_get(order, region, REGION_LEARNT);
    uint32_t used = look.visited | look.in_use, use = LEARNT_USE(m) | used;
    uint32_t page = region << REGION_SHIFT;

    /* A region that was expected and not used at all tells nothing about its pages. */
    if (used)
        use &= ~(LEARNT_FRESH(m) & pages & ~used);
    region_put(order, region, REGION_LEARNT, (m & ~LEARNT(REGION_ALL, 0, 0)) | LEARNT(use, 0, 0));
    for (uint32_t bit = 1; bit <= (used | pages); bit <<= 1, page++)
        if ((used | pages) & bit)
            adaptive_judge(order, page, used & bit);
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
        if (a->forward + a->backward > VOTES) {
            a->forward -= a->forward / 2;
            a->backward -= a->backward / 2;
        }
        judge(&a->way_trust, true, WAY_SHIFT);
        return;
    }
    judge(&a->way_trust, false, WAY_SHIFT);
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

void adaptive_used(struct evict_order *order, uint32_t page)
{
    uint32_t region = region_of(page);
    bool fresh = LEARNT_FRESH(region_get(order, region, REGION_LEARNT)) & page_bit(page);

    /* The first use of a page brought along is no re-use. */
    adaptive_stay(order, page, fresh ? STAYS_NEW : STAYS_AGAIN);
    learn_page(order, page);
    for (uint32_t i = 0; i < order->adaptive.run_length; i++)
        if (order->adaptive.run[i] == region)
            adaptive_flag(order, region, FLAG_SEEN, true);
}

static bool was_seen(const struct evict_order *order, uint32_t region)
{
    return region_look(order, region).visited || adaptive_has(order, region, FLAG_SEEN);
}

/* What became of the last walk. page is the first to miss now. */
static void score(struct evict_order *order, uint32_t page)
{
    struct adaptive *a = &order->adaptive;
    uint32_t fetched = 0, used = 0, end = 0;
    /* Asked before the order changes. */
    bool goes_on = was_expected(order, region_of(page));

    for (uint32_t i = 0; i < a->run_length; i++) {
        bool seen = was_seen(order, a->run[i]);

        fetched += a->fetched[i];
        used += seen && a->fetched[i];
        if (seen)
            end = i + 1;
    }
    for (uint32_t i = used; i < fetched; i++)
        judge(&a->way_trust, false, WAY_SHIFT);
    for (uint32_t i = 0; i < end; i++)
        if (is_resident(order, a->run[i]) && was_seen(order, a->run[i])) {
            adaptive_fold(order, a->run[i]);
            region_renew(order, a->run[i]);
            use_region(order, a->run[i]);
        }
    for (uint32_t i = 0; i < a->run_length; i++)
        adaptive_flag(order, a->run[i], FLAG_SEEN, false);
    a->run_length = 0;
    if (a->current != REGION_NONE && is_resident(order, a->current))
        adaptive_fold(order, a->current);
    set_depth(order, fetched, used, goes_on);
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
        fade(order);
        chain_score(order, page);
        score(order, page);
        a->in_burst = true;
    }
    a->stride_pages = page == a->last_page + 1 ? a->stride_pages + 1 : 0;
    a->last_page = page;
    if (a->burst_length == 0 || a->burst[a->burst_length - 1] != region)
        add_to_burst(order, region);
    learn_page(order, page);
    chain_learn(order, page);
}
