/* SPDX-License-Identifier: MIT */
/* A unit without registers: tables, descriptors and counts are those of a real one, done at once.
 */
#include "tests/host/unit.h"

#include <errno.h>
#include "tests/host/fake_vtd.h"

#define PAGES 1536u

static struct dma_hw *hw;
static struct pci_function *nic;

/* Any touch of a register would stop the test in map_mmio, or fault. */
static int setup(void **state)
{
    (void)state;
    fake_vtd_reset(0, 0);
    nic = fake_function(0, 3);
    assert_int_equal(vtd_start_absent(), 0);
    assert_int_equal(vtd_domain_create(nic, &hw), 0);
    return 0;
}

static void invalidate(uint64_t at, uint64_t pages)
{
    assert_int_equal(dma_hw_invalidate(hw, iova(at), pages), 0);
}

static void there_is_no_unit_to_ask(void **state)
{
    (void)state;
    assert_true(vtd_is_absent());
    assert_int_equal(vtd_units(), 0);
    assert_int_equal(vtd_poll_faults(), 0);
    assert_int_equal(vtd_faults(), 0);
    assert_false(vtd_is_forbidden(hpa(0xfed90000)));
    assert_true(vtd_is_forbidden(hpa(0xfee00000)));
}

static void out_of_memory_is_said(void **state)
{
    (void)state;
    for (int frames = 0; frames < 3; frames++) {
        fake.fail_after = frames;
        assert_int_equal(vtd_start_absent(), -ENOMEM);
        assert_false(vtd_is_absent());
    }
    fake.fail_after = -1;
    assert_int_equal(vtd_start_absent(), 0);
}

/* By its clock it would cost nothing: that is no figure. */
static void it_has_no_price(void **state)
{
    uint64_t ticks;

    (void)state;
    for (unsigned what = 0; what < VTD_PRICES; what++)
        assert_int_equal(vtd_price(hw, (enum vtd_price)what, iova(0), &ticks), -ENODEV);
}

static void tables_are_a_units(void **state)
{
    (void)state;
    assert_int_equal(dma_hw_prepare(hw, iova(PAGE_1G), PAGES), 0);
    assert_int_equal(dma_hw_set(hw, iova(PAGE_1G), hpa(PAGE_1G), PAGES, 3), 0);
    assert_int_equal(hw->stats.table_pages, 3); /* four levels, 2 MiB pages */
    dma_hw_clear(hw, iova(PAGE_1G + PAGE_SIZE), 1);
    assert_int_equal(hw->stats.table_pages, 4);
    for (uint64_t i = 0; i < PAGES; i++)
        assert_int_equal(fake_translate(hw, PAGE_1G + i * PAGE_SIZE),
                         i == 1 ? 0 : (PAGE_1G + i * PAGE_SIZE) | 3);
    assert_int_equal(dma_hw_prepare(hw, iova(1ull << 48), 1), -ERANGE);
    assert_int_equal(vtd_domain_destroy(hw), 0);
}

static void invalidations_are_counted_and_done(void **state)
{
    (void)state;
    dma_token_t token, last = 0;
    uint64_t now = fake.now;
    for (unsigned i = 0; i < 1000; i++) { /* several times around the ring */
        invalidate(i * 16 * PAGE_SIZE, 1);
        assert_int_equal(dma_hw_submit(hw, &token), 0);
        assert_true(token > last);
        assert_true(dma_hw_done(hw, token));
        assert_false(dma_hw_done(hw, token + 1));
        assert_int_equal(dma_hw_wait(hw, token), 0);
        last = token;
    }
    assert_int_equal(hw->stats.inv_page, 1000);
    assert_int_equal(hw->stats.inv_wait, 1000);
    for (unsigned i = 0; i < VTD_PAGE_SELECTED; i++) /* neighbours merge */
        invalidate(i * 4 * PAGE_SIZE, 2), invalidate(i * 4 * PAGE_SIZE + 2 * PAGE_SIZE, 2);
    assert_int_equal(dma_hw_submit(hw, &token), 0);
    assert_int_equal(hw->stats.inv_page, 1001);
    for (unsigned i = 0; i <= VTD_PAGE_SELECTED; i++)
        invalidate(i * 2 * PAGE_SIZE, 1);
    assert_int_equal(dma_hw_submit(hw, &token), 0);
    assert_int_equal(hw->stats.inv_domain, 1);
    assert_int_equal(fake.now, now); /* no wait looked at the clock */
    assert_int_equal(vtd_domain_destroy(hw), 0);
}

static void attaching_counts_as_with_a_unit(void **state)
{
    (void)state;
    assert_int_equal(vtd_attach(nic, hw), 0);
    assert_int_equal(vtd_attach(nic, hw), -EBUSY);
    assert_int_equal(hw->stats.inv_context, 1);
    assert_int_equal(hw->stats.inv_domain, 1);
    assert_int_equal(hw->stats.inv_wait, 2);
    assert_int_equal(vtd_detach(nic), 0);
    assert_int_equal(vtd_detach(nic), 0);
    assert_int_equal(hw->attached, 0);
    assert_int_equal(vtd_domain_destroy(hw), 0);
}

/* Where nothing translates by source-id, sharing one does no harm. */
static void a_bridge_above_is_no_obstacle(void **state)
{
    (void)state;
    struct pci_function *bridge = fake_function(0, 30), *below = fake_function(5, 1);
    bridge->bridge = 5;
    below->cap_express = 0;
    assert_int_equal(vtd_attach(below, hw), 0);
    assert_int_equal(vtd_detach(below), 0);
    assert_int_equal(vtd_domain_destroy(hw), 0);
}

static void domains_come_and_go(void **state)
{
    (void)state;
    struct dma_hw *second;
    uint64_t frames = fake.frames;
    for (unsigned i = 0; i < 2 * VTD_MAX_DOMAINS; i++) {
        assert_int_equal(vtd_domain_create(nic, &second), 0);
        assert_int_equal(vtd_domain_destroy(second), 0);
    }
    assert_int_equal(fake.frames, frames);
    assert_int_equal(vtd_domain_destroy(hw), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(there_is_no_unit_to_ask, setup),
        cmocka_unit_test_setup(it_has_no_price, setup),
        cmocka_unit_test_setup(out_of_memory_is_said, setup),
        cmocka_unit_test_setup(tables_are_a_units, setup),
        cmocka_unit_test_setup(invalidations_are_counted_and_done, setup),
        cmocka_unit_test_setup(attaching_counts_as_with_a_unit, setup),
        cmocka_unit_test_setup(a_bridge_above_is_no_obstacle, setup),
        cmocka_unit_test_setup(domains_come_and_go, setup),
    };
    return cmocka_run_group_tests_name("vtd absent", tests, NULL, NULL);
}
