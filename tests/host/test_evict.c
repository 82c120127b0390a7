/* SPDX-License-Identifier: MIT */
/* Each policy against its brute-force reference, over random traces with pages in use; and SIEVE's
 * published order by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "kernel/dma/evict.h"
#include "kernel/dma/word.h"
#include "tests/host/dma_ref.h"
#include "tests/host/draw.h"

#define PAGES 200u

struct cache {
    const struct evict_policy *policy;
    struct page_record records[PAGES];
    uint32_t words[PAGES];
    struct evict_order order;
    bool resident[PAGES];
};

static void start(struct cache *c, const struct evict_policy *policy)
{
    memset(c, 0, sizeof *c);
    c->policy = policy;
    evict_order_init(&c->order, c->records, c->words);
}

static void insert(struct cache *c, uint32_t page)
{
    c->policy->insert(&c->order, page);
    c->resident[page] = true;
}

static uint32_t evict(struct cache *c, uint32_t goal, uint32_t *out)
{
    struct evict_scan scan = evict_scan_begin(&c->order);
    uint32_t page, taken = 0, offered = 0, length = c->order.list.length;

    while (taken < goal && (page = c->policy->candidate(&c->order, &scan)) != PAGE_NONE) {
        assert_true(c->resident[page]);
        assert_true(++offered <= 2 * length);
        if (!word_take(&c->words[page]))
            continue;
        c->policy->remove(&c->order, page);
        c->resident[page] = false;
        out[taken++] = page;
    }
    return taken;
}

static void compare(const struct cache *c, const struct ref_order *ref)
{
    uint32_t i = 0;

    for (uint32_t page = c->order.list.oldest; page != PAGE_NONE; page = c->records[page].newer)
        assert_int_equal(ref->page[i++], page);
    assert_int_equal(i, ref->count);
    assert_int_equal(i, c->order.list.length);
}

/* A page is skewed towards the low indices, so that some are hot. */
static uint32_t draw_page(struct draw *d)
{
    return draw(d, 1 + draw(d, PAGES));
}

static void random_trace(const struct evict_policy *policy, uint64_t seed)
{
    struct draw d = draw_seed(seed);
    static struct cache c;
    struct ref_order ref = {.sieve = policy == &evict_sieve, .hand = REF_NONE};
    uint32_t words[PAGES], quota = 1 + draw(&d, PAGES), batch = 1 + draw(&d, 20);
    uint32_t in_use = draw(&d, 12); /* of 10 pages: also almost all of them */

    start(&c, policy);
    for (uint32_t step = 0; step < 600; step++) {
        uint32_t page = draw_page(&d), mine[PAGES], theirs[PAGES];

        c.words[page] = (draw(&d, 10) < in_use ? ABI_DMA_COUNT : 0) | (c.words[page] & 0xff);
        if (c.resident[page]) {
            c.words[page] |= ABI_DMA_VISITED;
            continue;
        }
        if (c.order.list.length >= quota) {
            memcpy(words, c.words, sizeof words);
            uint32_t expected = ref_order_evict(&ref, words, NULL, batch, theirs);
            assert_int_equal(evict(&c, batch, mine), expected);
            assert_memory_equal(mine, theirs, expected * sizeof *mine);
            assert_memory_equal(words, c.words, sizeof words);
        }
        if (c.order.list.length < quota) {
            insert(&c, page);
            ref_order_insert(&ref, page);
        }
        compare(&c, &ref);
    }
}

static void fifo_agrees_with_its_reference(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 1500; seed++)
        random_trace(&evict_fifo, seed);
}

static void sieve_agrees_with_its_reference(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 1500; seed++)
        random_trace(&evict_sieve, seed);
}

static void sieve_by_hand(void **state)
{
    static struct cache c;
    uint32_t out[PAGES];

    (void)state;
    start(&c, &evict_sieve);
    for (uint32_t page = 0; page < 7; page++)
        insert(&c, page);
    c.words[0] = c.words[1] = c.words[3] = ABI_DMA_VISITED;
    /* 0 and 1 are spared and stay in place; 2 goes; the hand is at 3. */
    assert_int_equal(evict(&c, 1, out), 1);
    assert_int_equal(out[0], 2);
    assert_int_equal(c.words[0] | c.words[1], 0);
    insert(&c, 7);
    /* 3 is spared, 4 goes: neither the new page nor the oldest. */
    assert_int_equal(evict(&c, 1, out), 1);
    assert_int_equal(out[0], 4);
    /* On to the newest, and round again to the oldest. */
    assert_int_equal(evict(&c, 5, out), 5);
    const uint32_t rest[] = {5, 6, 7, 0, 1};
    assert_memory_equal(out, rest, sizeof rest);
    assert_int_equal(evict(&c, 9, out), 1);
    assert_int_equal(out[0], 3);
    assert_int_equal(evict(&c, 1, out), 0);
}

static void a_hand_on_a_page_that_goes(void **state)
{
    static struct cache c;
    uint32_t out[PAGES];

    (void)state;
    start(&c, &evict_sieve);
    for (uint32_t page = 0; page < 4; page++)
        insert(&c, page);
    assert_int_equal(evict(&c, 1, out), 1);
    assert_int_equal(c.order.hand, 1);
    c.policy->remove(&c.order, 1);
    assert_int_equal(c.order.hand, 2);
    c.policy->remove(&c.order, 3);
    c.policy->remove(&c.order, 2);
    assert_int_equal(c.order.hand, PAGE_NONE);
    assert_int_equal(evict(&c, 1, out), 0);
}

/* Few in use: the hand finds a victim in a few looks, however long the list. */
static void a_scan_is_short_when_few_are_in_use(void **state)
{
    static struct cache c;
    uint64_t looks = 0;

    (void)state;
    start(&c, &evict_sieve);
    for (uint32_t page = 0; page < PAGES; page++)
        insert(&c, page);
    for (uint32_t i = 0; i < 10 * PAGES; i++) {
        struct evict_scan scan = evict_scan_begin(&c.order);
        uint64_t before = scan.steps;
        uint32_t page = evict_sieve.candidate(&c.order, &scan);

        looks += before - scan.steps;
        evict_sieve.remove(&c.order, page);
        insert(&c, page);
        c.words[(i * 7) % PAGES] |= ABI_DMA_VISITED;
    }
    assert_true(looks <= 10 * PAGES * 2 + PAGES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fifo_agrees_with_its_reference),
        cmocka_unit_test(sieve_agrees_with_its_reference),
        cmocka_unit_test(sieve_by_hand),
        cmocka_unit_test(a_hand_on_a_page_that_goes),
        cmocka_unit_test(a_scan_is_short_when_few_are_in_use),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
