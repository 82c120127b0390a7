/* SPDX-License-Identifier: MIT */
/* The quota, eviction, and hardware that does not answer. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/host/dma_fixture.h"

static struct fixture f;

static void open_with(uint32_t quota, enum dma_flush flush, uint32_t batch)
{
    struct dma_config config = fixture_fifo;

    config.quota = quota;
    config.flush = flush;
    config.evict_batch = batch;
    fixture_open(&f, &config);
}

static void an_evicted_page_loses_its_bits_only(void **state)
{
    (void)state;
    open_with(2, DMA_FLUSH_BATCH, 1);
    assert_int_equal(fixture_map(&f, 0, 2, BOTH), 0);
    f.words[0] |= ABI_DMA_VISITED | ABI_DMA_TOUCHED | 0xf0;
    f.words[1] += ABI_DMA_COUNT;
    assert_int_equal(fixture_use(&f, 9, 1, READ), 0);
    assert_int_equal(f.words[0], ABI_DMA_TOUCHED | 0xf0);
    assert_int_equal(f.words[1], ABI_DMA_COUNT | BOTH);
    assert_false(fixture_device(&f, 0, false));
    assert_int_equal(dma_domain_rights(f.d, 0), 0);
    assert_int_equal(dma_domain_counters(f.d)->evictions, 1);
    fixture_close(&f);
}

static void any_count_keeps_a_page(void **state)
{
    const uint32_t counts[] = {0x100, 0x200, 0x80000000, 0xffffff00};

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        open_with(1, DMA_FLUSH_BATCH, 16);
        assert_int_equal(fixture_map(&f, 0, 1, READ), 0);
        f.words[0] |= counts[i];
        assert_int_equal(fixture_map(&f, 1, 1, READ), -ENOSPC);
        assert_int_equal(f.words[0], counts[i] | READ);
        fixture_close(&f);
    }
}

static void a_full_quota_refuses_until_an_unmap(void **state)
{
    (void)state;
    open_with(4, DMA_FLUSH_BATCH, 16);
    assert_int_equal(fixture_use(&f, 0, 4, READ), 0);
    size_t operations = f.hw->history_count;
    assert_int_equal(fixture_use(&f, 8, 1, READ), -ENOSPC);
    assert_int_equal(f.burst[0].status, -ENOSPC);
    assert_int_equal(f.hw->history_count, operations);
    assert_int_equal(dma_domain_counters(f.d)->no_space, 1);
    fixture_drop(&f, 2, 1);
    assert_int_equal(fixture_use(&f, 8, 1, READ), 0);
    assert_int_equal(dma_domain_rights(f.d, 2), 0);
    assert_int_equal(fixture_resident(&f), 4);
    assert_int_equal(dma_domain_counters(f.d)->resident_peak, 4);
    fixture_close(&f);
}

static void too_large_a_burst_evicts_nothing(void **state)
{
    (void)state;
    open_with(4, DMA_FLUSH_BATCH, 16);
    assert_int_equal(fixture_map(&f, 0, 4, READ), 0);
    assert_int_equal(fixture_map(&f, 8, 5, READ), -ENOSPC);
    assert_int_equal(fixture_resident(&f), 4);
    assert_int_equal(fixture_map(&f, 3, 5, READ), -ENOSPC);
    assert_int_equal(fixture_resident(&f), 4);
    assert_int_equal(fixture_map(&f, 3, 4, READ), 0);
    fixture_close(&f);
}

/* Hostile: the references are not held. */
static void a_burst_never_evicts_its_own_pages(void **state)
{
    (void)state;
    open_with(4, DMA_FLUSH_STRICT, 16);
    assert_int_equal(fixture_map(&f, 0, 4, READ), 0);
    f.burst[0] = fixture_desc(0, 2, READ);
    f.burst[1] = fixture_desc(8, 2, READ);
    assert_int_equal(dma_map_burst(f.d, f.burst, 2), 0);
    assert_int_equal(dma_domain_rights(f.d, 0) & dma_domain_rights(f.d, 1), READ);
    assert_int_equal(dma_domain_rights(f.d, 8) & dma_domain_rights(f.d, 9), READ);
    assert_int_equal(dma_domain_rights(f.d, 2) | dma_domain_rights(f.d, 3), 0);
    fixture_close(&f);
}

static void a_refusal_may_have_evicted(void **state)
{
    (void)state;
    open_with(4, DMA_FLUSH_BATCH, 1);
    assert_int_equal(fixture_use(&f, 0, 3, READ), 0);
    assert_int_equal(fixture_map(&f, 3, 1, READ), 0);
    assert_int_equal(fixture_map(&f, 8, 2, READ), -ENOSPC);
    assert_int_equal(fixture_resident(&f), 3);
    assert_int_equal(f.words[8], 0);
    assert_int_equal(fixture_map(&f, 8, 1, READ), 0);
    fixture_close(&f);
}

static void strict_waits_for_each(void **state)
{
    (void)state;
    open_with(8, DMA_FLUSH_STRICT, 16);
    assert_int_equal(fixture_map(&f, 0, 8, READ), 0);
    assert_int_equal(fixture_map(&f, 16, 3, READ), 0);
    assert_int_equal(dma_domain_counters(f.d)->evictions, 3);
    assert_int_equal(f.hw->stats.inv_wait, 3);
    assert_int_equal(f.hw->stats.inv_page, 3);
    assert_int_equal(fixture_resident(&f), 8);
    fixture_close(&f);
}

static void a_batch_waits_once(void **state)
{
    (void)state;
    open_with(64, DMA_FLUSH_BATCH, 16);
    /* Mapped against the order of their addresses: the batch must sort. */
    for (uint32_t i = 64; i-- > 0;)
        assert_int_equal(fixture_map(&f, 48 ^ i, 1, READ), 0);
    assert_int_equal(fixture_map(&f, 100, 1, READ), 0);
    assert_int_equal(dma_domain_counters(f.d)->evictions, 16);
    assert_int_equal(f.hw->stats.inv_wait, 1);
    assert_int_equal(f.hw->stats.inv_page, 1); /* pages 0..15: one aligned range */
    assert_int_equal(fixture_count(&f, FAKE_CLEAR), 1);
    for (uint32_t page = 0; page < 16; page++)
        assert_int_equal(dma_domain_rights(f.d, page), 0);
    fixture_close(&f);
}

static void a_batch_takes_what_is_needed_and_idle(void **state)
{
    (void)state;
    open_with(64, DMA_FLUSH_BATCH, 4);
    assert_int_equal(fixture_map(&f, 0, 64, READ), 0);
    assert_int_equal(fixture_map(&f, 100, 20, READ), 0);
    assert_int_equal(dma_domain_counters(f.d)->evictions, 20);
    fixture_close(&f);

    open_with(64, DMA_FLUSH_BATCH, 1000);
    assert_int_equal(fixture_use(&f, 0, 61, READ), 0);
    assert_int_equal(fixture_map(&f, 61, 3, READ), 0);
    assert_int_equal(fixture_map(&f, 100, 1, READ), 0);
    assert_int_equal(dma_domain_counters(f.d)->evictions, 3);
    fixture_close(&f);
}

static void scattered_victims_make_aligned_ranges(void **state)
{
    const uint32_t pages[] = {7, 900, 3, 12, 4, 5, 901, 6, 13, 1023};

    (void)state;
    open_with(10, DMA_FLUSH_BATCH, 10);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(fixture_map(&f, pages[i], 1, READ), 0);
    assert_int_equal(fixture_map(&f, 500, 1, READ), 0);
    /* 3-7, 12-13, 900-901, 1023: the first is cut in 3 and 4-7. */
    assert_int_equal(fixture_count(&f, FAKE_INVALIDATE), 4);
    assert_int_equal(f.hw->stats.inv_page, 5);
    assert_int_equal(f.hw->stats.inv_wait, 1);
    fixture_close(&f);
}

static uint32_t waits_seen;

static void counts_while_waiting(void *context, enum fake_operation operation)
{
    (void)context;
    if (operation != FAKE_WAIT)
        return;
    waits_seen++;
    assert_int_equal(fixture_resident(&f), 8);
    assert_true(fixture_device(&f, 0, false)); /* stale, and known to be */
}

static void quota_is_released_by_the_token(void **state)
{
    (void)state;
    open_with(8, DMA_FLUSH_BATCH, 4);
    assert_int_equal(fixture_map(&f, 0, 8, READ), 0);
    waits_seen = 0;
    f.hw->hook = counts_while_waiting;
    f.hw->late = 7;
    assert_int_equal(fixture_map(&f, 20, 1, READ), 0);
    assert_int_equal(waits_seen, 1);
    assert_int_equal(fixture_resident(&f), 5);
    assert_false(fixture_device(&f, 0, false));
    fixture_close(&f);
}

static void the_floor_is_said_once(void **state)
{
    (void)state;
    open_with(8, DMA_FLUSH_BATCH, 1);
    assert_int_equal(dma_domain_set_floor(f.d, 9), -ENOSPC);
    assert_int_equal(dma_domain_set_floor(f.d, 8), 0);
    assert_int_equal(dma_domain_set_floor(f.d, 1), -EBUSY);
    assert_int_equal(dma_domain_set_quota(f.d, 7), -EINVAL);
    assert_int_equal(dma_domain_set_quota(f.d, 9), 0);
    fixture_close(&f);
}

static void a_quota_changes_whole_or_not(void **state)
{
    (void)state;
    open_with(DMA_NO_QUOTA, DMA_FLUSH_BATCH, 16);
    assert_int_equal(fixture_use(&f, 0, 10, READ), 0);
    assert_int_equal(fixture_map(&f, 10, 10, READ), 0);
    assert_int_equal(dma_domain_set_quota(f.d, 0), -EINVAL);
    assert_int_equal(dma_domain_set_quota(f.d, PAGES + 1), -EINVAL);
    assert_int_equal(dma_domain_set_quota(f.d, 9), -EBUSY);
    assert_int_equal(fixture_resident(&f), 20);
    assert_int_equal(dma_domain_set_quota(f.d, 17), 0);
    assert_int_equal(fixture_resident(&f), 17);
    assert_int_equal(f.hw->stats.inv_wait, 1);
    assert_int_equal(dma_domain_set_quota(f.d, 10), 0);
    assert_int_equal(fixture_map(&f, 30, 1, READ), -ENOSPC);
    assert_int_equal(dma_domain_set_quota(f.d, DMA_NO_QUOTA), 0);
    assert_int_equal(fixture_map(&f, 30, 64, READ), 0);
    fixture_close(&f);
}

static void the_window_restarts_the_peak(void **state)
{
    (void)state;
    open_with(32, DMA_FLUSH_BATCH, 16);
    assert_int_equal(fixture_map(&f, 0, 32, READ), 0);
    assert_int_equal(fixture_map(&f, 40, 1, READ), 0);
    assert_int_equal(dma_domain_counters(f.d)->resident_peak, 32);
    dma_domain_begin_window(f.d);
    assert_int_equal(dma_domain_counters(f.d)->resident_peak, 17);
    assert_int_equal(fixture_map(&f, 41, 2, READ), 0);
    assert_int_equal(dma_domain_counters(f.d)->resident_peak, 19);
    fixture_close(&f);
}

/* Dead: every call says so, nothing is ever released, the hardware is left alone. */
static void check_dead(uint32_t resident)
{
    size_t operations = f.hw->history_count;

    f.hw->dead = false;
    f.hw->waits_left = f.hw->invalidations_left = FAKE_UNLIMITED;
    assert_int_equal(fixture_map(&f, 0, 1, READ), -ETIMEDOUT);
    assert_int_equal(dma_domain_set_quota(f.d, 1), -ETIMEDOUT);
    assert_int_equal(dma_domain_set_floor(f.d, 1), -ETIMEDOUT);
    assert_int_equal(dma_domain_fini(f.d), -ETIMEDOUT);
    assert_int_equal(f.hw->history_count, operations);
    assert_int_equal(fixture_resident(&f), resident);
    assert_true(fake_dma_reachable(f.hw) <= resident);
    fixture_close(&f);
}

static void an_eviction_that_never_completes(void **state)
{
    (void)state;
    for (int strict = 0; strict < 2; strict++) {
        open_with(8, strict ? DMA_FLUSH_STRICT : DMA_FLUSH_BATCH, 4);
        assert_int_equal(fixture_map(&f, 0, 8, READ), 0);
        f.hw->waits_left = (uint32_t)strict;
        assert_int_equal(fixture_map(&f, 20, 3, READ), -ETIMEDOUT);
        assert_int_equal(f.burst[0].status, -ETIMEDOUT);
        assert_int_equal(dma_domain_counters(f.d)->evictions, strict);
        assert_int_equal(f.words[20], 0);
        assert_int_equal(fixture_count(&f, FAKE_SET), 1);
        check_dead(8 - (uint32_t)strict);
    }
}

static void a_queue_that_takes_no_more(void **state)
{
    (void)state;
    open_with(3, DMA_FLUSH_BATCH, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(fixture_map(&f, 2 * i, 1, READ), 0);
    f.hw->invalidations_left = 1;
    assert_int_equal(fixture_map(&f, 20, 1, READ), -ETIMEDOUT);
    assert_int_equal(fixture_count(&f, FAKE_WAIT), 0);
    check_dead(3);
}

static void a_right_that_never_comes(void **state)
{
    (void)state;
    open_with(8, DMA_FLUSH_BATCH, 1);
    assert_int_equal(fixture_use(&f, 0, 1, READ), 0);
    f.hw->waits_left = 0;
    assert_int_equal(fixture_map(&f, 0, 1, WRITE), -ETIMEDOUT);
    assert_int_equal(f.words[0], ABI_DMA_COUNT | READ);
    check_dead(1);
}

static void caching_mode_that_never_answers(void **state)
{
    (void)state;
    open_with(8, DMA_FLUSH_BATCH, 1);
    f.hw->caching_mode = true;
    f.hw->waits_left = 1;
    f.burst[0] = fixture_desc(0, 2, READ);
    f.burst[1] = fixture_desc(10, 2, READ);
    f.burst[2] = fixture_desc(20, 2, READ);
    assert_int_equal(dma_map_burst(f.d, f.burst, 3), -ETIMEDOUT);
    /* The second run's entries are there: they count. The third was never tried. */
    assert_int_equal(f.words[0] | f.words[10] | f.words[20], 0);
    check_dead(4);
}

static void an_end_that_never_completes(void **state)
{
    (void)state;
    open_with(8, DMA_FLUSH_BATCH, 1);
    assert_int_equal(fixture_map(&f, 0, 8, READ), 0);
    f.hw->waits_left = 0;
    assert_int_equal(dma_domain_fini(f.d), -ETIMEDOUT);
    check_dead(8);
}

/* A sequence makes adaptive run ahead; what lies ahead may never be asked for, and would stay. */
static void short_of_the_quota_little_comes_along(void **state)
{
    struct dma_config config = fixture_fifo;

    (void)state;
    config.policy = &evict_adaptive;
    fixture_open(&f, &config);
    for (uint32_t page = 0; page < PAGES / 2; page++) {
        uint32_t used = page + 1;

        if (!(f.words[page] & READ))
            assert_int_equal(fixture_map(&f, page, 1, READ), 0);
        assert_true(fixture_resident(&f) <= used + (used + 1) / 32 + 1);
    }
    assert_true(dma_domain_counters(f.d)->ahead > PAGES / 4);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_evicted_page_loses_its_bits_only),
        cmocka_unit_test(any_count_keeps_a_page),
        cmocka_unit_test(a_full_quota_refuses_until_an_unmap),
        cmocka_unit_test(too_large_a_burst_evicts_nothing),
        cmocka_unit_test(a_burst_never_evicts_its_own_pages),
        cmocka_unit_test(a_refusal_may_have_evicted),
        cmocka_unit_test(strict_waits_for_each),
        cmocka_unit_test(a_batch_waits_once),
        cmocka_unit_test(a_batch_takes_what_is_needed_and_idle),
        cmocka_unit_test(scattered_victims_make_aligned_ranges),
        cmocka_unit_test(quota_is_released_by_the_token),
        cmocka_unit_test(short_of_the_quota_little_comes_along),
        cmocka_unit_test(the_floor_is_said_once),
        cmocka_unit_test(a_quota_changes_whole_or_not),
        cmocka_unit_test(the_window_restarts_the_peak),
        cmocka_unit_test(an_eviction_that_never_completes),
        cmocka_unit_test(a_queue_that_takes_no_more),
        cmocka_unit_test(a_right_that_never_comes),
        cmocka_unit_test(caching_mode_that_never_answers),
        cmocka_unit_test(an_end_that_never_completes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
