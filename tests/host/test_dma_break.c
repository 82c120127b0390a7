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

static enum { NOTHING, INVALIDATE, CLEAR, WAIT, HALF } left_out;

int __real_dma_hw_invalidate(struct dma_hw *hw, iova_t at, uint64_t pages);
void __real_dma_hw_clear(struct dma_hw *hw, iova_t at, uint64_t pages);
int __real_dma_hw_wait(struct dma_hw *hw, dma_token_t token);
int __wrap_dma_hw_invalidate(struct dma_hw *hw, iova_t at, uint64_t pages);
void __wrap_dma_hw_clear(struct dma_hw *hw, iova_t at, uint64_t pages);
int __wrap_dma_hw_wait(struct dma_hw *hw, dma_token_t token);

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

/* An honest guest in a small quota. */
static bool holds(bool eager)
{
    const struct sim_config config = {
        .dma = {.strategy = DMA_ON_DEMAND,
                .policy = &evict_sieve,
                .flush = DMA_FLUSH_BATCH,
                .quota = 20,
                .evict_batch = 4},
        .pages = 64,
        .eager = eager,
    };
    static struct sim sim;
    struct draw source = draw_seed(1);

    sim_start(&sim, &config, &source);
    for (int i = 0; i < 2000; i++)
        if (!sim_step(&sim))
            break;
    return sim_finish(&sim);
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
    assert_false(holds(true));
    assert_false(holds(false));
}

static void half_an_invalidation_is_caught(void **state)
{
    (void)state;
    left_out = HALF;
    assert_false(holds(true));
}

static void an_entry_left_in_place_is_caught(void **state)
{
    (void)state;
    left_out = CLEAR;
    assert_false(holds(true));
    assert_false(holds(false));
}

static void a_wait_left_out_is_caught(void **state)
{
    (void)state;
    left_out = WAIT;
    assert_false(holds(true));
    assert_false(holds(false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_nothing_left_out_it_holds),
        cmocka_unit_test(an_invalidation_left_out_is_caught),
        cmocka_unit_test(half_an_invalidation_is_caught),
        cmocka_unit_test(an_entry_left_in_place_is_caught),
        cmocka_unit_test(a_wait_left_out_is_caught),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
