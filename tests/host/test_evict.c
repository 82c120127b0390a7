/* SPDX-License-Identifier: MIT */
/* Each policy that keeps lists against its brute-force reference, over random traces with pages in
 * use; SIEVE's published order by hand; and what a victim costs when nearly all is in use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "kernel/dma/evict.h"
#include "kernel/dma/word.h"
#include "tests/host/draw.h"
#include "tests/host/ref_order.h"

#define PAGES 200u

struct cache {
    const struct evict_policy *policy;
    struct page_record records[PAGES];
    uint32_t words[PAGES];
    struct evict_order order;
    uint32_t resident;
    uint64_t offered;
};

static void start(struct cache *c, const struct evict_policy *policy, uint32_t quota)
{
    memset(c, 0, sizeof *c);
    c->policy = policy;
    c->order.records = c->records;
    c->order.words = c->words;
    c->order.pages = PAGES;
    c->order.quota = quota;
    evict_order_init(&c->order, policy, 0, NULL);
}

static void insert(struct cache *c, uint32_t page)
{
    c->records[page].rights = c->records[page].had = 3;
    c->words[page] &= ~ABI_DMA_VISITED;
    c->policy->insert(&c->order, page, false);
    c->resident++;
}

static void scan(struct cache *c, uint32_t goal, bool last_resort, uint32_t *out, uint32_t *taken)
{
    struct evict_scan its = evict_scan_begin(&c->order);
    uint32_t page;

    its.last_resort = last_resort;
    while (*taken < goal && (page = c->policy->candidate(&c->order, &its)) != PAGE_NONE) {
        assert_int_equal(c->records[page].rights, 3);
        c->offered++;
        if (!word_take(&c->words[page])) {
            if (c->policy->busy)
                c->policy->busy(&c->order, page);
            continue;
        }
        c->records[page].rights = 0;
        c->policy->remove(&c->order, page);
        c->resident--;
        out[(*taken)++] = page;
    }
}

static uint32_t evict(struct cache *c, uint32_t goal, uint32_t must, uint32_t *out)
{
    uint32_t taken = 0;

    c->policy->recheck(&c->order, EVICT_LOOKS);
    scan(c, goal, false, out, &taken);
    if (taken < must) {
        c->policy->recheck(&c->order, UINT32_MAX);
        scan(c, must, true, out, &taken);
    }
    return taken;
}

static void compare_list(const struct cache *c, enum evict_queue queue, const struct ref_list *ref)
{
    uint32_t i = 0;

    for (uint32_t page = c->order.list[queue].oldest; page != PAGE_NONE;
         page = c->records[page].newer)
        assert_int_equal(ref->page[i++], page);
    assert_int_equal(i, ref->count);
}

static void compare(const struct cache *c, const struct ref_order *ref)
{
    compare_list(c, QUEUE_MAIN, &ref->main);
    compare_list(c, QUEUE_SMALL, &ref->small);
    compare_list(c, QUEUE_GHOST, &ref->ghost);
    compare_list(c, QUEUE_GHOST_SMALL, &ref->ghost_small);
    compare_list(c, QUEUE_PARKED, &ref->parked);
    assert_true(c->policy->is_valid(&c->order, c->resident));
    assert_int_equal(ref_order_resident(ref), c->resident);
}

/* A page is skewed towards the low indices, so that some are hot. */
static uint32_t draw_page(struct draw *d)
{
    return draw(d, 1 + draw(d, PAGES));
}

struct trace {
    struct cache c;
    struct ref_order ref;
    bool told; /* of hits and releases */
    uint32_t batch, in_use;
};

static void unmap_some(struct trace *t, struct draw *d)
{
    uint32_t page = draw_page(d);

    if (t->c.words[page] < ABI_DMA_COUNT)
        return;
    t->c.words[page] -= ABI_DMA_COUNT;
    if (!t->told || t->c.words[page] >= ABI_DMA_COUNT || !t->c.records[page].rights)
        return;
    if (t->c.policy->release)
        t->c.policy->release(&t->c.order, page);
    ref_order_release(&t->ref, page);
}

static void hit(struct trace *t, uint32_t page)
{
    if (!t->told) {
        t->c.words[page] |= ABI_DMA_VISITED;
        return;
    }
    if (t->c.policy->hit)
        t->c.policy->hit(&t->c.order, page);
    ref_order_hit(&t->ref, page);
}

static void make_room(struct trace *t)
{
    uint32_t words[PAGES], mine[PAGES], theirs[PAGES];

    memcpy(words, t->c.words, sizeof words);
    uint32_t expected = ref_order_evict(&t->ref, words, NULL, t->batch, 1, theirs);
    assert_int_equal(evict(&t->c, t->batch, 1, mine), expected);
    assert_memory_equal(mine, theirs, expected * sizeof *mine);
    assert_memory_equal(words, t->c.words, sizeof words);
}

static void step(struct trace *t, struct draw *d)
{
    uint32_t page = draw_page(d);
    struct cache *c = &t->c;

    for (uint32_t i = 0; i < 3 && draw(d, 12) >= t->in_use; i++)
        unmap_some(t, d);
    if (c->words[page] < 3 * ABI_DMA_COUNT && draw(d, 12) < t->in_use)
        c->words[page] += ABI_DMA_COUNT;
    if (c->records[page].rights) {
        hit(t, page);
        return;
    }
    if (c->policy->miss)
        c->policy->miss(&c->order, page);
    ref_order_miss(&t->ref, page);
    if (c->resident >= c->order.quota)
        make_room(t);
    if (c->resident < c->order.quota) {
        insert(c, page);
        ref_order_insert(&t->ref, page);
    }
    compare(c, &t->ref);
}

static void random_trace(const char *policy, uint64_t seed)
{
    struct draw d = draw_seed(seed);
    static struct trace t;
    uint32_t quota = 1 + draw(&d, PAGES);
    enum ref_kind kind;

    assert_true(ref_kind_of(policy, &kind));
    start(&t.c, evict_find(policy), quota);
    ref_order_init(&t.ref, kind, quota);
    t.told = t.c.policy->needs_hits || seed % 2;
    t.batch = 1 + draw(&d, 20);
    t.in_use = draw(&d, 12); /* of 12: also almost all of them */
    for (uint32_t i = 0; i < 600; i++)
        step(&t, &d);
}

static void each_agrees_with_its_reference(void **state)
{
    enum ref_kind kind;

    (void)state;
    for (uint32_t i = 0; evict_names[i]; i++)
        for (uint64_t seed = 1; seed <= 700 && ref_kind_of(evict_names[i], &kind); seed++)
            random_trace(evict_names[i], seed);
}

static void sieve_by_hand(void **state)
{
    static struct cache c;
    uint32_t out[PAGES];

    (void)state;
    start(&c, &evict_sieve, PAGES);
    for (uint32_t page = 0; page < 7; page++)
        insert(&c, page);
    c.words[0] = c.words[1] = c.words[3] = ABI_DMA_VISITED;
    /* 0 and 1 are spared and stay in place; 2 goes; the hand is at 3. */
    assert_int_equal(evict(&c, 1, 1, out), 1);
    assert_int_equal(out[0], 2);
    assert_int_equal(c.words[0] | c.words[1], 0);
    insert(&c, 7);
    /* 3 is spared, 4 goes: neither the new page nor the oldest. */
    assert_int_equal(evict(&c, 1, 1, out), 1);
    assert_int_equal(out[0], 4);
    /* On to the newest, and round again to the oldest. */
    assert_int_equal(evict(&c, 5, 5, out), 5);
    const uint32_t rest[] = {5, 6, 7, 0, 1};
    assert_memory_equal(out, rest, sizeof rest);
    assert_int_equal(evict(&c, 9, 1, out), 1);
    assert_int_equal(out[0], 3);
    assert_int_equal(evict(&c, 1, 1, out), 0);
}

static void a_hand_on_a_page_that_goes(void **state)
{
    static struct cache c;
    uint32_t out[PAGES];

    (void)state;
    start(&c, &evict_sieve, PAGES);
    for (uint32_t page = 0; page < 4; page++)
        insert(&c, page);
    assert_int_equal(evict(&c, 1, 1, out), 1);
    assert_int_equal(c.order.hand, 1);
    c.policy->remove(&c.order, 1);
    assert_int_equal(c.order.hand, 2);
    c.policy->remove(&c.order, 3);
    c.policy->remove(&c.order, 2);
    assert_int_equal(c.order.hand, PAGE_NONE);
    assert_int_equal(evict(&c, 1, 1, out), 0);
}

/* Of each policy: what is idle is found, whatever is in use and whatever was VISITED. */
static void the_last_idle_page_is_found(void **state)
{
    static struct cache c;
    uint32_t out[PAGES];

    (void)state;
    for (uint32_t i = 0; evict_names[i]; i++)
        for (uint32_t idle = 0; idle < PAGES; idle += 7) {
            start(&c, evict_find(evict_names[i]), PAGES);
            for (uint32_t page = 0; page < PAGES; page++) {
                insert(&c, page);
                c.words[page] = ABI_DMA_COUNT | ABI_DMA_VISITED;
            }
            assert_int_equal(evict(&c, 1, 1, out), 0);
            assert_int_equal(evict(&c, 1, 1, out), 0);
            c.words[idle] = ABI_DMA_VISITED;
            assert_int_equal(evict(&c, 16, 1, out), 1);
            assert_int_equal(out[0], idle);
            assert_true(c.policy->is_valid(&c.order, c.resident));
        }
}

/* Nine of ten pages stay in use: they are offered a few times, not once for each victim. */
static void pages_in_use_are_not_offered_again(void **state)
{
    static struct cache c;
    uint32_t out[PAGES];

    (void)state;
    for (uint32_t i = 0; evict_names[i]; i++) {
        start(&c, evict_find(evict_names[i]), PAGES);
        for (uint32_t page = 0; page < PAGES; page++) {
            insert(&c, page);
            c.words[page] = page < PAGES / 10 ? 0 : ABI_DMA_COUNT;
        }
        for (uint32_t n = 0; n < 2000; n++) {
            assert_int_equal(evict(&c, 1, 1, out), 1);
            insert(&c, out[0]);
        }
        assert_true(c.offered < 2000 * (1 + EVICT_LOOKS) + PAGES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_agrees_with_its_reference),
        cmocka_unit_test(sieve_by_hand),
        cmocka_unit_test(a_hand_on_a_page_that_goes),
        cmocka_unit_test(the_last_idle_page_is_found),
        cmocka_unit_test(pages_in_use_are_not_offered_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
