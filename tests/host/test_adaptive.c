/* SPDX-License-Identifier: MIT */
/* What `adaptive` learns from misses and VISITED alone: chains of pages, how far a guess is
 * trusted, and how many rounds of eviction a page stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "kernel/dma/evict.h"
#include "kernel/dma/word.h"

#define PAGES 256u

struct cache {
    struct page_record records[PAGES];
    uint32_t words[PAGES];
    struct evict_order order;
    uint32_t resident;
    uint32_t ahead[PAGES], aheads;
};

static struct cache *start(uint32_t quota)
{
    static struct cache c;

    memset(&c, 0, sizeof c);
    c.order = (struct evict_order){
        .records = c.records, .words = c.words, .pages = PAGES, .quota = quota};
    evict_order_init(&c.order, &evict_adaptive, 0, NULL);
    return &c;
}

static void insert(struct cache *c, uint32_t page, bool ahead)
{
    assert_int_equal(c->records[page].rights, 0);
    c->records[page].rights = c->records[page].had = 3;
    c->words[page] &= ~ABI_DMA_VISITED;
    evict_adaptive.insert(&c->order, page, ahead);
    c->resident++;
}

/* The guest maps the page, and unmaps it again. */
static void use(struct cache *c, uint32_t page)
{
    if (c->records[page].rights) {
        c->words[page] |= ABI_DMA_VISITED;
        return;
    }
    evict_adaptive.miss(&c->order, page);
    c->records[page].wanted = 3;
    c->aheads = evict_adaptive.ahead(&c->order, c->ahead, PAGES);
    c->records[page].wanted = 0;
    insert(c, page, false);
    for (uint32_t i = 0; i < c->aheads; i++)
        insert(c, c->ahead[i], true);
    evict_adaptive.settle(&c->order);
    assert_true(evict_adaptive.is_valid(&c->order, c->resident));
}

static uint32_t evict(struct cache *c, uint32_t goal)
{
    struct evict_scan scan = evict_scan_begin(&c->order);
    uint32_t gone = 0, page;

    while (gone < goal && (page = evict_adaptive.candidate(&c->order, &scan)) != PAGE_NONE) {
        assert_true(word_take(&c->words[page]));
        c->records[page].rights = 0;
        evict_adaptive.remove(&c->order, page);
        c->resident--;
        gone++;
    }
    assert_true(evict_adaptive.is_valid(&c->order, c->resident));
    return gone;
}

/* Pages of regions of their own, so that nothing but the chain knows them. */
static uint32_t nth(uint32_t i)
{
    return REGION_PAGES * i;
}

static uint32_t after(const struct cache *c, uint32_t page)
{
    return c->records[page].newer;
}

/* Misses 0 and 4 alone are seen in the second round; 1 to 3 are known by VISITED. */
static void hits_are_linked_in_the_order_expected(void **state)
{
    struct cache *c = start(PAGES);

    (void)state;
    for (uint32_t i = 0; i < 5; i++)
        use(c, nth(i));
    assert_int_equal(evict(c, 5), 5);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(after(c, nth(i)), nth(i + 1));
    chain_learn(&c->order, nth(9)); /* something else came between */
    c->order.chain.watched = 0;
    for (uint32_t i = 1; i < 4; i++)
        insert(c, nth(i), false);
    use(c, nth(0));
    for (uint32_t i = 1; i < 4; i++)
        use(c, nth(i));
    use(c, nth(7));
    assert_int_equal(c->records[nth(0)].uses, 1);
    assert_int_equal(c->records[nth(2)].uses, 1);
    assert_int_equal(c->order.chain.last, nth(7));
    /* The newcomer goes in between. */
    assert_int_equal(after(c, nth(3)), nth(7));
    assert_int_equal(after(c, nth(7)), nth(4));
}

/* A page expected and not used is not part of the chain any more. */
static void what_is_passed_over_is_left_out(void **state)
{
    struct cache *c = start(PAGES);

    (void)state;
    for (uint32_t i = 0; i < 5; i++)
        use(c, nth(i));
    assert_int_equal(evict(c, 5), 5);
    for (uint32_t i = 1; i < 4; i++)
        insert(c, nth(i), false);
    use(c, nth(0));
    use(c, nth(1));
    use(c, nth(3));
    use(c, nth(9));
    assert_int_equal(after(c, nth(1)), nth(3));
    assert_false(c->records[nth(2)].queue & CHAIN_WATCHED);
}

/* Pages that leave unused cost trust, until the guess is not acted on; it comes back in time. */
static void distrust_fades(void **state)
{
    struct cache *c = start(PAGES);
    uint32_t bursts = 0;

    (void)state;
    for (uint32_t i = 0; i < 200; i++) {
        adaptive_guess(&c->order, 0, GUESS_FILL);
        insert(c, 0, true);
        assert_int_equal(evict(c, 1), 1);
    }
    assert_false(adaptive_trusts(&c->order, GUESS_FILL));
    assert_true(adaptive_trusts(&c->order, GUESS_SURE));
    for (; !adaptive_trusts(&c->order, GUESS_FILL); bursts++) {
        assert_true(bursts < 5000);
        evict_adaptive.miss(&c->order, 8);
        evict_adaptive.settle(&c->order);
    }
    assert_true(bursts > 100);
    adaptive_guess(&c->order, 0, GUESS_FILL);
    insert(c, 0, true);
    uint32_t before = c->order.adaptive.trust[GUESS_FILL];
    adaptive_used(&c->order, 0);
    assert_true(c->order.adaptive.trust[GUESS_FILL] > before);
}

/* Page by page, the other pages of its region leave and the one used again stays. */
static void pages_used_again_stay(void **state)
{
    struct cache *c = start(PAGES);

    (void)state;
    c->order.adaptive.trust[GUESS_FILL] = 0;
    for (uint32_t page = 0; page < 4 * REGION_PAGES; page++)
        insert(c, page, false);
    for (uint32_t page = 3; page < 4 * REGION_PAGES; page += REGION_PAGES)
        use(c, page);
    assert_int_equal(evict(c, 4 * (REGION_PAGES - 1)), 4 * (REGION_PAGES - 1));
    for (uint32_t page = 0; page < 4 * REGION_PAGES; page++)
        assert_int_equal(c->records[page].rights != 0, page % REGION_PAGES == 3);
    assert_int_equal(evict(c, 4), 4);
}

static void a_first_use_is_no_reuse(void **state)
{
    struct cache *c = start(PAGES);

    (void)state;
    adaptive_guess(&c->order, 0, GUESS_SURE);
    insert(c, 0, true);
    adaptive_used(&c->order, 0);
    assert_int_equal(c->records[0].queue & PAGE_STAYS, STAYS_NEW);
    adaptive_used(&c->order, 0);
    assert_int_equal(c->records[0].queue & PAGE_STAYS, STAYS_AGAIN);
}

/* Where regions belong together, the oldest leaves as a whole. */
static void regions_leave_together(void **state)
{
    struct cache *c = start(PAGES);

    (void)state;
    c->order.adaptive.trust[GUESS_FILL] = ADAPTIVE_SURE * 95 / 100;
    for (uint32_t page = 0; page < 4 * REGION_PAGES; page++)
        insert(c, page, false);
    use(c, 3);
    assert_int_equal(evict(c, REGION_PAGES), REGION_PAGES);
    for (uint32_t page = 0; page < 4 * REGION_PAGES; page++)
        assert_int_equal(c->records[page].rights != 0, region_of(page) != 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hits_are_linked_in_the_order_expected),
        cmocka_unit_test(what_is_passed_over_is_left_out),
        cmocka_unit_test(distrust_fades),
        cmocka_unit_test(pages_used_again_stay),
        cmocka_unit_test(a_first_use_is_no_reuse),
        cmocka_unit_test(regions_leave_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
