/* SPDX-License-Identifier: MIT */
/* Second-level tables against a flat array; every intermediate state is the old or the new one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>
#include "tests/host/fake_vtd.h"

#define WINDOW 1536u /* pages: three of 2 MiB */

static struct {
    struct dma_hw *hw;
    uint64_t base;        /* IOVA of page 0 */
    uint64_t old[WINDOW]; /* as fake_translate tells it */
    uint64_t new[WINDOW];
} ref;

static uint64_t draw_state;

static uint64_t draw(uint64_t below)
{
    draw_state = draw_state * 6364136223846793005ull + 1442695040888963407ull;
    return (draw_state >> 33) % below;
}

static void each_write(void)
{
    for (unsigned i = 0; i < WINDOW; i++) {
        uint64_t now = fake_translate(ref.hw, ref.base + i * PAGE_SIZE);
        if (now != ref.old[i] && now != ref.new[i])
            fail_msg("page %u goes to 0x%llx, neither 0x%llx nor 0x%llx", i,
                     (unsigned long long)now, (unsigned long long)ref.old[i],
                     (unsigned long long)ref.new[i]);
    }
}

static void agree(void)
{
    for (unsigned i = 0; i < WINDOW; i++)
        assert_int_equal(fake_translate(ref.hw, ref.base + i * PAGE_SIZE), ref.new[i]);
    memcpy(ref.old, ref.new, sizeof(ref.old));
}

/* A range of pages with a liking for whole blocks. */
static void draw_range(unsigned *first, unsigned *pages)
{
    *first = (unsigned)draw(WINDOW);
    *pages = 1 + (unsigned)draw(draw(2) ? 8 : WINDOW);
    if (draw(3) == 0) {
        *first &= ~511u;
        *pages = 512 * (1 + (unsigned)draw(2));
    }
    if (*pages > WINDOW - *first)
        *pages = WINDOW - *first;
}

static void random_step(void)
{
    unsigned first, pages;
    draw_range(&first, &pages);
    iova_t at = iova(ref.base + first * PAGE_SIZE);
    if (draw(3) == 0) {
        for (unsigned i = 0; i < pages; i++)
            ref.new[first + i] = 0;
        dma_hw_clear(ref.hw, at, pages);
        return;
    }
    uint32_t rights = 1 + (uint32_t)draw(3);
    /* Half of the time the frames lie as their IOVAs do, so that superpages fit. */
    uint64_t frame = 0x40000000 + (draw(2) ? first : first + 1 + draw(500)) * PAGE_SIZE;
    assert_int_equal(dma_hw_prepare(ref.hw, at, pages), 0);
    for (unsigned i = 0; i < pages; i++)
        ref.new[first + i] = (frame + i * PAGE_SIZE) | rights;
    fake.fail_after = 0; /* after prepare nothing may need memory */
    assert_int_equal(dma_hw_set(ref.hw, at, hpa(frame), pages, rights), 0);
    fake.fail_after = -1;
}

static void run_random(uint64_t cap, uint64_t base, uint64_t seed)
{
    uint64_t before;
    memset(&ref, 0, sizeof(ref));
    draw_state = seed;
    ref.base = base;
    ref.hw = fake_domain(cap, FAKE_ECAP);
    before = fake.frames - 2; /* without the domain and its root */
    for (unsigned step = 0; step < 60; step++) {
        fake.on_write = each_write;
        random_step();
        fake.on_write = NULL;
        agree();
    }
    assert_int_equal(vtd_domain_destroy(ref.hw), 0);
    assert_int_equal(fake.frames, before);
}

static void table_agrees_with_a_flat_array(void **state)
{
    (void)state;
    const uint64_t caps[] = {FAKE_CAP_48, FAKE_CAP_39, FAKE_CAP_48 & ~VTD_CAP_1G,
                             FAKE_CAP_48 & ~(VTD_CAP_1G | VTD_CAP_2M)};
    const uint64_t bases[] = {0, PAGE_1G - PAGE_2M, 3 * PAGE_1G};
    for (unsigned c = 0; c < sizeof(caps) / sizeof(caps[0]); c++)
        for (unsigned b = 0; b < sizeof(bases) / sizeof(bases[0]); b++)
            run_random(caps[c], bases[b], 100 * c + b);
}

/* 1 GiB leaf, then one page of it cleared: two splits, out of the reserve. */
static void giant_page_splits_without_memory(void **state)
{
    (void)state;
    struct dma_hw *hw = fake_domain(FAKE_CAP_48, FAKE_ECAP);
    const uint64_t pages = PAGE_1G / PAGE_SIZE, gone = PAGE_1G + 5 * PAGE_2M + 7 * PAGE_SIZE;
    assert_int_equal(dma_hw_prepare(hw, iova(PAGE_1G), pages), 0);
    uint64_t frames = fake.frames;
    assert_int_equal(dma_hw_prepare(hw, iova(PAGE_1G), pages), 0);
    assert_int_equal(fake.frames, frames); /* a second prepare finds everything there */
    fake.fail_after = 0;
    assert_int_equal(dma_hw_set(hw, iova(PAGE_1G), hpa(4 * PAGE_1G), pages, 3), 0);
    assert_int_equal(hw->stats.table_pages, 2);
    dma_hw_clear(hw, iova(gone), 1);
    assert_int_equal(hw->stats.table_pages, 4);
    for (uint64_t at = PAGE_1G; at < 2 * PAGE_1G; at += PAGE_SIZE)
        assert_int_equal(fake_translate(hw, at), at == gone ? 0 : (at + 3 * PAGE_1G) | 3);
    /* Both superpages that were split leave the IOTLB as a whole. */
    dma_token_t token;
    uint32_t seen = fake.unit[0].seen;
    assert_int_equal(dma_hw_submit(hw, &token), 0);
    assert_int_equal(dma_hw_wait(hw, token), 0);
    assert_int_equal(fake.unit[0].seen - seen, 2); /* 1 GiB as one range, and the wait */
    assert_int_equal(fake.unit[0].descriptor[seen].high, PAGE_1G | 18);
    assert_int_equal(vtd_domain_destroy(hw), 0);
}

static void mapping_again_takes_no_more_memory(void **state)
{
    (void)state;
    struct dma_hw *hw = fake_domain(FAKE_CAP_48, FAKE_ECAP);
    uint64_t frames = 0;
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(dma_hw_prepare(hw, iova(PAGE_2M), 1024 + 5), 0);
        assert_int_equal(dma_hw_set(hw, iova(PAGE_2M), hpa(PAGE_2M), 1024 + 5, 3), 0);
        dma_hw_clear(hw, iova(PAGE_2M), 1024 + 5);
        assert_true(i == 0 || fake.frames == frames);
        frames = fake.frames;
    }
    assert_int_equal(vtd_domain_destroy(hw), 0);
}

static void every_failed_allocation_loses_nothing(void **state)
{
    (void)state;
    for (int64_t n = 0; n < 520; n += n < 8 ? 1 : 64) {
        struct dma_hw *hw = fake_domain(FAKE_CAP_48, FAKE_ECAP);
        uint64_t before = fake.frames - 2, pages = PAGE_1G / PAGE_SIZE + 3;
        fake.fail_after = n;
        int error = dma_hw_prepare(hw, iova(PAGE_1G), pages);
        assert_int_equal(error, n < 516 ? -ENOMEM : 0);
        fake.fail_after = -1;
        assert_int_equal(dma_hw_prepare(hw, iova(PAGE_1G), pages), 0);
        assert_int_equal(dma_hw_set(hw, iova(PAGE_1G), hpa(PAGE_1G), pages, 1), 0);
        assert_int_equal(fake_translate(hw, 2 * PAGE_1G + 2 * PAGE_SIZE),
                         (2 * PAGE_1G + 2 * PAGE_SIZE) | 1);
        assert_int_equal(vtd_domain_destroy(hw), 0);
        assert_int_equal(fake.frames, before);
    }
}

static void wait_for_all(struct dma_hw *hw)
{
    dma_token_t token;
    assert_int_equal(dma_hw_submit(hw, &token), 0);
    assert_int_equal(dma_hw_wait(hw, token), 0);
}

static void map_one(struct dma_hw *hw, uint64_t at)
{
    assert_int_equal(dma_hw_prepare(hw, iova(at), 1), 0);
    assert_int_equal(dma_hw_set(hw, iova(at), hpa(0x9000), 1, 3), 0);
}

/* Tables of one page and of its neighbour: the last page of a table to go takes the table along. */
static void empty_tables_are_freed_with_their_token(void **state)
{
    (void)state;
    struct dma_hw *hw = fake_domain(FAKE_CAP_48, FAKE_ECAP);
    uint64_t frames = fake.frames;
    map_one(hw, PAGE_2M + 0x5000);
    map_one(hw, PAGE_2M + 0x8000);
    map_one(hw, 5 * PAGE_2M);
    assert_int_equal(fake.frames, frames + 4);
    dma_hw_clear(hw, iova(PAGE_2M + 0x5000), 1);
    wait_for_all(hw);
    assert_int_equal(fake.frames, frames + 4);

    fake.unit[0].stalled = true;
    dma_token_t token;
    uint32_t seen = fake.unit[0].seen;
    dma_hw_clear(hw, iova(PAGE_2M + 0x8000), 1);
    assert_int_equal(dma_hw_invalidate(hw, iova(PAGE_2M + 0x8000), 1), 0);
    assert_int_equal(dma_hw_submit(hw, &token), 0);
    assert_int_equal(fake.frames, frames + 4); /* the unit may still walk it */
    assert_int_equal(hw->stats.table_pages, 5);
    fake.unit[0].stalled = false;
    fake_vtd_step();
    assert_int_equal(dma_hw_wait(hw, token), 0);
    assert_int_equal(fake.frames, frames + 3);
    assert_int_equal(hw->stats.table_pages, 4);
    /* One descriptor for all that the table covered, upper levels included (IH = 0). */
    assert_int_equal(fake.unit[0].seen - seen, 2);
    assert_int_equal(fake.unit[0].descriptor[seen].high, PAGE_2M | 9);

    dma_hw_clear(hw, iova(5 * PAGE_2M), 1); /* the last: up to the root */
    wait_for_all(hw);
    assert_int_equal(fake.frames, frames);
    assert_int_equal(hw->stats.table_pages, 1);
    assert_int_equal(vtd_domain_destroy(hw), 0);
}

/* A new table where one was just unlinked: the unit could still go to the old one. */
static void a_table_in_the_same_place_waits(void **state)
{
    (void)state;
    struct dma_hw *hw = fake_domain(FAKE_CAP_48, FAKE_ECAP);
    map_one(hw, PAGE_2M);
    dma_hw_clear(hw, iova(PAGE_2M), 1);
    uint64_t waits = hw->stats.inv_wait;
    map_one(hw, PAGE_2M + 0x3000);
    assert_int_equal(hw->stats.inv_wait, waits + 1);
    assert_int_equal(hw->retired.oldest.v, 0);
    assert_int_equal(fake_translate(hw, PAGE_2M + 0x3000), 0x9000 | 3);

    dma_hw_clear(hw, iova(PAGE_2M + 0x3000), 1);
    fake.unit[0].stalled = true;
    assert_int_equal(dma_hw_prepare(hw, iova(PAGE_2M), 1), -ETIMEDOUT);
    assert_int_equal(vtd_domain_destroy(hw), -ETIMEDOUT);
    assert_int_equal(fake.withdrawn, 4); /* the root, and what was on its way back */
}

static void width_is_kept(void **state)
{
    (void)state;
    struct dma_hw *hw = fake_domain(FAKE_CAP_39, FAKE_ECAP);
    const uint64_t end = 1ull << 39;
    assert_int_equal(dma_hw_prepare(hw, iova(end - PAGE_SIZE), 1), 0);
    assert_int_equal(dma_hw_prepare(hw, iova(end - PAGE_SIZE), 2), -ERANGE);
    assert_int_equal(dma_hw_prepare(hw, iova(end), 1), -ERANGE);
    assert_int_equal(dma_hw_prepare(hw, iova(0), UINT64_MAX), -ERANGE);
    assert_int_equal(vtd_domain_destroy(hw), 0);
}

static void caching_mode_invalidates_what_becomes_present(void **state)
{
    (void)state;
    struct dma_hw *hw = fake_domain(FAKE_CAP_48 | VTD_CAP_CM, FAKE_ECAP);
    uint32_t seen = fake.unit[0].seen;
    assert_int_equal(dma_hw_prepare(hw, iova(0x5000), 2), 0);
    assert_int_equal(dma_hw_set(hw, iova(0x5000), hpa(0x9000), 2, 1), 0);
    assert_int_equal(fake.unit[0].seen - seen, 3);
    assert_int_equal(fake.unit[0].descriptor[seen].high, 0x5000); /* IH = 0 */
    assert_int_equal(hw->stats.inv_page, 2);
    assert_int_equal(hw->stats.inv_wait, 1);
    assert_int_equal(vtd_domain_destroy(hw), 0);
}

static void write_buffer_is_flushed_where_it_must(void **state)
{
    (void)state;
    struct dma_hw *hw = fake_domain(FAKE_CAP_48 | VTD_CAP_RWBF, FAKE_ECAP);
    fake_vtd_step();
    uint32_t flushes = fake.unit[0].flushes;
    assert_int_equal(dma_hw_prepare(hw, iova(0), 1), 0);
    assert_int_equal(dma_hw_set(hw, iova(0), hpa(0x9000), 1, 1), 0);
    fake_vtd_step();
    assert_int_equal(fake.unit[0].flushes, flushes + 1);
    assert_int_equal(vtd_domain_destroy(hw), 0);
}

static void snoop_bit_only_where_it_is_known(void **state)
{
    (void)state;
    for (unsigned with = 0; with < 2; with++) {
        struct dma_hw *hw = fake_domain(FAKE_CAP_48, FAKE_ECAP & ~(with ? 0 : VTD_ECAP_SC));
        uint64_t ecap = hw->unit->ecap;
        hw->unit->ecap = with ? ecap | VTD_ECAP_SC : ecap;
        assert_int_equal(dma_hw_prepare(hw, iova(0), 512), 0);
        assert_int_equal(dma_hw_set(hw, iova(0), hpa(PAGE_2M), 512, 3), 0);
        const uint64_t *table = (const uint64_t *)hw->root.v;
        table = (const uint64_t *)(table[0] & VTD_ENTRY_FRAME);
        assert_int_equal(table[0] & VTD_SL_SNOOP, 0); /* never in an upper entry */
        table = (const uint64_t *)(table[0] & VTD_ENTRY_FRAME);
        assert_int_equal(table[0] & VTD_SL_SNOOP, with ? VTD_SL_SNOOP : 0);
        assert_int_equal(vtd_domain_destroy(hw), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_agrees_with_a_flat_array),
        cmocka_unit_test(giant_page_splits_without_memory),
        cmocka_unit_test(mapping_again_takes_no_more_memory),
        cmocka_unit_test(every_failed_allocation_loses_nothing),
        cmocka_unit_test(empty_tables_are_freed_with_their_token),
        cmocka_unit_test(a_table_in_the_same_place_waits),
        cmocka_unit_test(width_is_kept),
        cmocka_unit_test(caching_mode_invalidates_what_becomes_present),
        cmocka_unit_test(write_buffer_is_flushed_where_it_must),
        cmocka_unit_test(snoop_bit_only_where_it_is_known),
    };
    return cmocka_run_group_tests_name("vtd table", tests, NULL, NULL);
}
