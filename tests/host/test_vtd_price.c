/* SPDX-License-Identifier: MIT */
/* What is measured is what is done: the same descriptors as in use, and nothing counted for them.
 */
#include "tests/host/unit.h"

#include <errno.h>
#include <string.h>
#include "tests/host/fake_vtd.h"

#define PAGE 0x7f001000ull

static const enum vtd_price all[] = {VTD_PRICE_WAIT, VTD_PRICE_PAGE, VTD_PRICE_DOMAIN,
                                     VTD_PRICE_GLOBAL};

/* Returns the descriptor before the wait, or the wait itself where there is none. */
static struct vtd_descriptor measure(struct dma_hw *hw, enum vtd_price what, uint32_t descriptors)
{
    uint32_t from = fake.unit[0].seen;
    uint64_t ticks = 0;

    assert_int_equal(vtd_price(hw, what, iova(PAGE), &ticks), 0);
    assert_int_equal(fake.unit[0].seen - from, descriptors);
    assert_int_equal(fake.unit[0].descriptor[from + descriptors - 1].low & 0xf, 5);
    assert_true(ticks > 0);
    return fake.unit[0].descriptor[from];
}

static void the_descriptors_are_those_of_a_batch(void **state)
{
    struct dma_hw *hw = fake_domain(FAKE_CAP_48, FAKE_ECAP);
    struct vtd_descriptor page, domain, global;
    dma_token_t token;
    uint32_t from;

    (void)state;
    measure(hw, VTD_PRICE_WAIT, 1);
    page = measure(hw, VTD_PRICE_PAGE, 2);
    domain = measure(hw, VTD_PRICE_DOMAIN, 2);
    global = measure(hw, VTD_PRICE_GLOBAL, 2);
    assert_int_equal(hw->stats.inv_page + hw->stats.inv_domain + hw->stats.inv_wait, 0);

    from = fake.unit[0].seen;
    assert_int_equal(dma_hw_invalidate(hw, iova(PAGE), 1), 0);
    assert_int_equal(dma_hw_submit(hw, &token), 0);
    assert_int_equal(dma_hw_wait(hw, token), 0);
    assert_memory_equal(&page, &fake.unit[0].descriptor[from], sizeof page);
    from = fake.unit[0].seen;
    assert_int_equal(vtd_invalidate_domain(hw), 0);
    assert_memory_equal(&domain, &fake.unit[0].descriptor[from], sizeof domain);
    assert_int_equal(global.low, 2 | 1 << 4 | 1 << 6 | 1 << 7); /* drained both ways */
    assert_int_equal(vtd_domain_destroy(hw), 0);
}

static void caching_mode_takes_no_hint(void **state)
{
    struct dma_hw *hw = fake_domain(FAKE_CAP_48 | VTD_CAP_CM, FAKE_ECAP);

    (void)state;
    assert_int_equal(measure(hw, VTD_PRICE_PAGE, 2).high, PAGE);
    assert_int_equal(vtd_domain_destroy(hw), 0);
}

static void what_a_unit_has_not_is_said(void **state)
{
    struct dma_hw *hw = fake_domain(FAKE_CAP_48 & ~VTD_CAP_PSI, FAKE_ECAP);
    uint64_t ticks;

    (void)state;
    assert_int_equal(vtd_price(hw, VTD_PRICE_PAGE, iova(PAGE), &ticks), -ENOTSUP);
    measure(hw, VTD_PRICE_DOMAIN, 2);
    assert_int_equal(vtd_domain_destroy(hw), 0);
}

static void a_silent_unit_has_its_deadline(void **state)
{
    struct dma_hw *hw;
    uint64_t ticks;

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        hw = fake_domain(FAKE_CAP_48, FAKE_ECAP);
        fake.unit[0].stalled = true;
        assert_int_equal(vtd_price(hw, all[i], iova(PAGE), &ticks), -ETIMEDOUT);
        assert_true(fake_logged("did not answer"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_descriptors_are_those_of_a_batch),
        cmocka_unit_test(caching_mode_takes_no_hint),
        cmocka_unit_test(what_a_unit_has_not_is_said),
        cmocka_unit_test(a_silent_unit_has_its_deadline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
