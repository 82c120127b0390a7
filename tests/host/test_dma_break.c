/* SPDX-License-Identifier: MIT */
/*
 * Proof that the fake catches what it is for: the linker puts functions in the place of the
 * hardware's (--wrap) that leave out one thing each. With nothing left out, the same life must
 * hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "kernel/dma/evict.h"
#include "tests/host/dma_sim.h"
#include "tests/host/window_life.h"

static enum { NOTHING, INVALIDATE, CLEAR, WAIT, DONE, HALF } left_out;

int __real_dma_hw_invalidate(struct dma_hw *hw, iova_t at, uint64_t pages);
void __real_dma_hw_clear(struct dma_hw *hw, iova_t at, uint64_t pages);
int __real_dma_hw_wait(struct dma_hw *hw, dma_token_t token);
int __wrap_dma_hw_invalidate(struct dma_hw *hw, iova_t at, uint64_t pages);
void __wrap_dma_hw_clear(struct dma_hw *hw, iova_t at, uint64_t pages);
int __wrap_dma_hw_wait(struct dma_hw *hw, dma_token_t token);
bool __real_dma_hw_done(struct dma_hw *hw, dma_token_t token);
bool __wrap_dma_hw_done(struct dma_hw *hw, dma_token_t token);

int __wrap_dma_hw_invalidate(struct dma_hw *hw, iova_t at, uint64_t pages)
{
    if (left_out == INVALIDATE)
        return 0;
    if (left_out == HALF && pages > 1)
        pages /= 2;
    return __real_dma_hw_invalidate(hw, at, pages);
}

void __wrap_dma_hw_clear(struct dma_hw *hw, iova_t at, uint64_t pages)
{
    if (left_out != CLEAR)
        __real_dma_hw_clear(hw, at, pages);
}

int __wrap_dma_hw_wait(struct dma_hw *hw, dma_token_t token)
{
    return left_out == WAIT ? 0 : __real_dma_hw_wait(hw, token);
}

bool __wrap_dma_hw_done(struct dma_hw *hw, dma_token_t token)
{
    return left_out == DONE || __real_dma_hw_done(hw, token);
}

/* An honest guest in a small quota. */
static bool lives(bool eager, enum dma_flush flush)
{
    const struct sim_config config = {
        .dma = {.strategy = DMA_ON_DEMAND,
                .policy = &evict_sieve,
                .flush = flush,
                .quota = 20,
                .evict_batch = 4},
        .pages = 64,
        .eager = eager,
        .unpredicted = flush == DMA_FLUSH_DEFERRED || flush == DMA_FLUSH_PERCPU,
    };
    static struct sim sim;
    struct draw source = draw_seed(1);

    sim_start(&sim, &config, &source);
    for (int i = 0; i < 2000; i++)
        if (!sim_step(&sim))
            break;
    return sim_finish(&sim);
}

/* The same for a guest that chooses its IOVAs. */
static bool window_lives(bool eager, enum dma_flush flush)
{
    const struct window_config config = {
        .dma = {.strategy = DMA_SINGLE_USE,
                .flush = flush,
                .quota = 40,
                .window = {iova(0x7000000000), 64, 1, 64 * PAGE_SIZE}},
        .pages = 64,
        .eager = eager,
    };
    static struct window_life life;
    struct draw source = draw_seed(1);

    window_start(&life, &config, &source);
    for (int i = 0; i < 2000; i++)
        if (!window_step(&life))
            break;
    return window_finish(&life);
}

/* Under every flush. */
static bool holds(bool eager)
{
    bool all = true;

    for (int flush = DMA_FLUSH_STRICT; flush <= DMA_FLUSH_BATCH; flush++)
        all &= lives(eager, (enum dma_flush)flush) && window_lives(eager, (enum dma_flush)flush);
    return all;
}

/* Under no flush. */
static bool is_caught(bool eager)
{
    bool any = false;

    for (int flush = DMA_FLUSH_STRICT; flush <= DMA_FLUSH_BATCH; flush++)
        any |= lives(eager, (enum dma_flush)flush) || window_lives(eager, (enum dma_flush)flush);
    return !any;
}

static void with_nothing_left_out_it_holds(void **state)
{
    (void)state;
    left_out = NOTHING;
    assert_true(holds(true));
    assert_true(holds(false));
}

static void an_invalidation_left_out_is_caught(void **state)
{
    (void)state;
    left_out = INVALIDATE;
    assert_true(is_caught(true));
    assert_true(is_caught(false));
}

static void half_an_invalidation_is_caught(void **state)
{
    (void)state;
    left_out = HALF;
    assert_true(is_caught(true));
}

static void an_entry_left_in_place_is_caught(void **state)
{
    (void)state;
    left_out = CLEAR;
    assert_true(is_caught(true));
    assert_true(is_caught(false));
}

static void a_wait_left_out_is_caught(void **state)
{
    (void)state;
    left_out = WAIT;
    assert_true(is_caught(true));
    assert_true(is_caught(false));
}

/* Only deferred flushes ask. */
static void a_token_believed_too_early_is_caught(void **state)
{
    (void)state;
    left_out = DONE;
    for (int flush = DMA_FLUSH_DEFERRED; flush <= DMA_FLUSH_PERCPU; flush++) {
        assert_false(lives(true, (enum dma_flush)flush));
        assert_false(lives(false, (enum dma_flush)flush));
        assert_false(window_lives(true, (enum dma_flush)flush));
        assert_false(window_lives(false, (enum dma_flush)flush));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_nothing_left_out_it_holds),
        cmocka_unit_test(an_invalidation_left_out_is_caught),
        cmocka_unit_test(half_an_invalidation_is_caught),
        cmocka_unit_test(an_entry_left_in_place_is_caught),
        cmocka_unit_test(a_wait_left_out_is_caught),
        cmocka_unit_test(a_token_believed_too_early_is_caught),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
