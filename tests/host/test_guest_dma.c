/* SPDX-License-Identifier: MIT */
/* The guest's side of the shared DMA table: what a hit, a miss, a burst and a refusal leave in the
 * words, and what they cost. */
#include "tests/host/unit.h"

#include <errno.h>
#include "guest/dma.h"
#include "tests/host/fake_hyper.h"
#include "tests/host/random.h"

#define RW (ABI_DMA_READ | ABI_DMA_WRITE)

static struct dma_burst burst;

static int reset(void **state)
{
    (void)state;
    fake_hyper_reset();
    memset(&dma_counters, 0, sizeof(dma_counters));
    dma_burst_begin(&burst);
    return 0;
}

static uint32_t count(uint32_t index)
{
    return *fake_word(index) / ABI_DMA_COUNT;
}

static void a_second_map_is_a_hit_and_costs_no_call(void **state)
{
    (void)state;
    dma_burst_map(&burst, fake_page(3) + 2048, ABI_DMA_WRITE);
    assert_int_equal(dma_burst_commit(&burst), 0);
    assert_int_equal(fake_hyper.calls, 1);
    assert_int_equal(fake_desc(0)->page, fake_page(3));
    assert_int_equal(fake_desc(0)->iova, fake_page(3));
    assert_int_equal(fake_desc(0)->rights, ABI_DMA_WRITE);

    dma_burst_begin(&burst);
    dma_burst_map(&burst, fake_page(3), ABI_DMA_WRITE);
    assert_int_equal(dma_burst_commit(&burst), 0);
    assert_int_equal(fake_hyper.calls, 1);
    assert_int_equal(count(3), 2);
    assert_int_equal(*fake_word(3) & 0xff, ABI_DMA_WRITE | ABI_DMA_VISITED | ABI_DMA_TOUCHED);
    assert_int_equal(dma_counters.maps, 2);
    assert_int_equal(dma_counters.misses, 1);

    dma_unmap(fake_page(3));
    dma_unmap(fake_page(3) + 4095);
    assert_int_equal(count(3), 0);
    assert_int_equal(fake_hyper.calls, 1);
}

static void more_rights_are_a_miss(void **state)
{
    (void)state;
    *fake_word(7) = ABI_DMA_READ;
    dma_burst_map(&burst, fake_page(7), RW);
    assert_int_equal(dma_burst_commit(&burst), 0);
    assert_int_equal(fake_hyper.calls, 1);
    assert_int_equal(dma_counters.misses, 1);
}

static void neighbours_share_a_descriptor(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < DMA_BURST_PAGES; i++)
        dma_burst_map(&burst, fake_page(10 + i), ABI_DMA_READ);
    assert_int_equal(dma_burst_commit(&burst), 0);
    assert_int_equal(fake_hyper.last_descs, 1);
    assert_int_equal(fake_desc(0)->pages, DMA_BURST_PAGES);
}

static void two_buffers_of_a_page_share_a_descriptor(void **state)
{
    (void)state;
    dma_burst_map(&burst, fake_page(20), ABI_DMA_WRITE);
    dma_burst_map(&burst, fake_page(20) + 2048, ABI_DMA_WRITE);
    assert_int_equal(dma_burst_commit(&burst), 0);
    assert_int_equal(fake_hyper.pages, 1);
    assert_int_equal(count(20), 2);
    assert_int_equal(dma_counters.maps, 2);
    assert_int_equal(dma_counters.misses, 2);
}

static void other_rights_and_gaps_take_their_own_descriptor(void **state)
{
    (void)state;
    dma_burst_map(&burst, fake_page(30), ABI_DMA_READ);
    dma_burst_map(&burst, fake_page(31), ABI_DMA_WRITE);
    dma_burst_map(&burst, fake_page(33), ABI_DMA_WRITE);
    dma_burst_map(&burst, fake_page(32), ABI_DMA_WRITE); /* backwards: not merged, still right */
    assert_int_equal(dma_burst_commit(&burst), 0);
    assert_int_equal(fake_hyper.last_descs, 4);
    assert_int_equal(fake_hyper.pages, 4);
}

static void a_refused_burst_gives_back_hits_as_well(void **state)
{
    (void)state;
    *fake_word(40) = RW | ABI_DMA_COUNT;
    fake_hyper.map_error = -ENOSPC;
    dma_burst_map(&burst, fake_page(40), ABI_DMA_READ);
    dma_burst_map(&burst, fake_page(41), ABI_DMA_READ);
    dma_burst_map(&burst, fake_page(42), ABI_DMA_READ);
    assert_int_equal(dma_burst_commit(&burst), -ENOSPC);
    assert_int_equal(count(40), 1);
    assert_int_equal(count(41), 0);
    assert_int_equal(count(42), 0);
    assert_int_equal(dma_counters.maps, 0);
    assert_int_equal(dma_counters.no_space, 1);
}

static void touched_pages_are_those_mapped_in_the_window(void **state)
{
    (void)state;
    dma_pretouch((const void *)(uintptr_t)fake_page(0), 5, ABI_DMA_READ);
    dma_burst_map(&burst, fake_page(1), ABI_DMA_READ); /* live when the window begins */
    dma_burst_commit(&burst);
    dma_touched_reset();
    assert_int_equal(dma_touched_pages(), 1);

    for (int twice = 0; twice < 2; twice++) {
        dma_burst_begin(&burst);
        dma_burst_map(&burst, fake_page(4), ABI_DMA_READ);
        dma_burst_map(&burst, fake_page(50), ABI_DMA_WRITE);
        dma_burst_commit(&burst);
        dma_unmap(fake_page(4));
        dma_unmap(fake_page(50));
    }
    assert_int_equal(dma_touched_pages(), 3);
}

static void pretouch_leaves_no_reference_and_no_miss(void **state)
{
    (void)state;
    dma_pretouch((const void *)(uintptr_t)fake_page(0), 200, RW);
    assert_int_equal(fake_hyper.calls, 4);
    assert_int_equal(dma_counters.misses, 200);
    for (uint32_t i = 0; i < 200; i++) {
        assert_int_equal(count(i), 0);
        dma_burst_begin(&burst);
        dma_burst_map(&burst, fake_page(i), RW);
        assert_int_equal(dma_burst_commit(&burst), 0);
    }
    assert_int_equal(fake_hyper.calls, 4);
}

/* Against plain counts: bursts of any pages and rights, refusals, unmaps, and a hypervisor that
 * takes idle pages away. */
static void counts_are_exact(void **state)
{
    uint32_t live[FAKE_PAGES] = {0};
    uint64_t random = 0x51a1ce, maps = 0, misses = 0;

    (void)state;
    for (uint32_t round = 0; round < 20000; round++) {
        uint32_t pages[DMA_BURST_PAGES], n = 1 + random_below(&random, DMA_BURST_PAGES);
        uint32_t missing = 0;

        fake_hyper.map_error = random_chance(&random, 4) ? -ENOSPC : 0;
        dma_burst_begin(&burst);
        for (uint32_t i = 0; i < n; i++) {
            uint32_t rights = 1 + random_below(&random, 3);

            pages[i] = random_below(&random, FAKE_PAGES);
            missing += (*fake_word(pages[i]) & rights) != rights;
            dma_burst_map(&burst, fake_page(pages[i]), rights);
        }
        if (dma_burst_commit(&burst) == 0) {
            maps += n;
            misses += missing;
            for (uint32_t i = 0; i < n; i++)
                live[pages[i]]++;
        }
        for (uint32_t i = 0; i < FAKE_PAGES; i++) {
            if (live[i] && random_chance(&random, 4)) {
                dma_unmap(fake_page(i));
                live[i]--;
            }
            if (!live[i] && random_chance(&random, 8))
                *fake_word(i) &= ~(RW | ABI_DMA_VISITED);
            if (count(i) != live[i])
                fail_msg("round %u: page %u has count %u, not %u", round, i, count(i), live[i]);
        }
    }
    assert_int_equal(dma_counters.maps, maps);
    assert_int_equal(dma_counters.misses, misses);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_second_map_is_a_hit_and_costs_no_call, reset),
        cmocka_unit_test_setup(more_rights_are_a_miss, reset),
        cmocka_unit_test_setup(neighbours_share_a_descriptor, reset),
        cmocka_unit_test_setup(two_buffers_of_a_page_share_a_descriptor, reset),
        cmocka_unit_test_setup(other_rights_and_gaps_take_their_own_descriptor, reset),
        cmocka_unit_test_setup(a_refused_burst_gives_back_hits_as_well, reset),
        cmocka_unit_test_setup(touched_pages_are_those_mapped_in_the_window, reset),
        cmocka_unit_test_setup(pretouch_leaves_no_reference_and_no_miss, reset),
        cmocka_unit_test_setup(counts_are_exact, reset),
    };

    return cmocka_run_group_tests_name("guest_dma", tests, NULL, NULL);
}
