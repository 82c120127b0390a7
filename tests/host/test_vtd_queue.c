/* SPDX-License-Identifier: MIT */
/* Invalidation: merging against a bitmap, order, wrap-around, deadlines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>
#include "tests/host/fake_vtd.h"

#define PAGES 4096u

static uint64_t draw_state;

static uint64_t draw(uint64_t below)
{
    draw_state = draw_state * 6364136223846793005ull + 1442695040888963407ull;
    return (draw_state >> 33) % below;
}

static void close_batch(struct dma_hw *hw)
{
    dma_token_t token;
    assert_int_equal(dma_hw_submit(hw, &token), 0);
    assert_int_equal(dma_hw_wait(hw, token), 0);
}

/* Marks the pages of the page-selective descriptors since `from`. False: it was the domain. */
static bool collect(uint32_t from, unsigned mamv, uint8_t covered[PAGES], uint32_t *count)
{
    memset(covered, 0, PAGES);
    *count = 0;
    for (uint32_t i = from; i < fake.unit[0].seen; i++) {
        struct vtd_descriptor d = fake.unit[0].descriptor[i];
        if ((d.low & 0xf) != 2)
            continue;
        ++*count;
        assert_true(d.low & 1u << 6 && d.low & 1u << 7); /* drained both ways */
        if ((d.low >> 4 & 3) == 2)
            return false;
        assert_int_equal(d.low >> 4 & 3, 3);
        unsigned mask = d.high & 0x3f;
        uint64_t first = d.high >> 12;
        assert_true(mask <= mamv && first % (1ull << mask) == 0);
        for (uint64_t p = first; p < first + (1ull << mask); p++)
            covered[p]++;
    }
    return true;
}

static void one_batch(struct dma_hw *hw, unsigned mamv, unsigned ranges)
{
    uint8_t wanted[PAGES] = {0}, covered[PAGES];
    uint32_t from = fake.unit[0].seen, count;
    for (unsigned r = 0; r < ranges; r++) {
        uint64_t first = draw(PAGES - 64), pages = 1 + draw(64);
        memset(wanted + first, 1, pages);
        assert_int_equal(dma_hw_invalidate(hw, iova(first << 12), pages), 0);
    }
    close_batch(hw);
    if (!collect(from, mamv, covered, &count)) {
        assert_int_equal(count, 1);
        return;
    }
    assert_true(count <= VTD_PAGE_SELECTED);
    for (unsigned p = 0; p < PAGES; p++)
        assert_int_equal(covered[p] != 0, wanted[p]);
}

static void batches_cover_exactly_what_was_asked(void **state)
{
    (void)state;
    for (unsigned mamv = 0; mamv <= 18; mamv += 3) {
        uint64_t cap = (FAKE_CAP_48 & ~(0x3full << 48)) | (uint64_t)mamv << 48;
        struct dma_hw *hw = fake_domain(cap, FAKE_ECAP);
        for (unsigned i = 0; i < 200; i++)
            one_batch(hw, mamv, 1 + (unsigned)draw(12));
        assert_int_equal(vtd_domain_destroy(hw), 0);
    }
}

static void neighbours_become_one_descriptor(void **state)
{
    (void)state;
    struct dma_hw *hw = fake_domain(FAKE_CAP_48, FAKE_ECAP);
    uint32_t from = fake.unit[0].seen;
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(dma_hw_invalidate(hw, iova(0x100000 + i * 0x1000), 1), 0);
    close_batch(hw);
    assert_int_equal(fake.unit[0].seen - from, 2);
    assert_int_equal(fake.unit[0].descriptor[from].high, 0x100000 | 1u << 6 | 4); /* IH, AM 4 */
    assert_int_equal(hw->stats.inv_page, 1);
    assert_int_equal(vtd_domain_destroy(hw), 0);
}

static void too_many_become_the_domain(void **state)
{
    (void)state;
    struct dma_hw *hw = fake_domain(FAKE_CAP_48, FAKE_ECAP);
    for (unsigned n = VTD_PAGE_SELECTED; n <= 100; n += 17) {
        uint64_t pages = hw->stats.inv_page, whole = hw->stats.inv_domain;
        for (unsigned i = 0; i < n; i++)
            assert_int_equal(dma_hw_invalidate(hw, iova(i * 0x2000ull), 1), 0);
        close_batch(hw);
        assert_int_equal(hw->stats.inv_page - pages, n <= VTD_PAGE_SELECTED ? n : 0);
        assert_int_equal(hw->stats.inv_domain - whole, n <= VTD_PAGE_SELECTED ? 0 : 1);
    }
    assert_int_equal(vtd_domain_destroy(hw), 0);
}

static void no_page_selection_means_the_domain(void **state)
{
    (void)state;
    struct dma_hw *hw = fake_domain(FAKE_CAP_48 & ~VTD_CAP_PSI, FAKE_ECAP);
    assert_int_equal(dma_hw_invalidate(hw, iova(0), 1), 0);
    close_batch(hw);
    assert_int_equal(hw->stats.inv_page, 0);
    assert_int_equal(hw->stats.inv_domain, 1);
    assert_int_equal(vtd_domain_destroy(hw), 0);
}

static void nothing_open_is_the_last_token(void **state)
{
    (void)state;
    struct dma_hw *hw = fake_domain(FAKE_CAP_48, FAKE_ECAP);
    dma_token_t first, second;
    assert_true(dma_hw_done(hw, 0));
    assert_int_equal(dma_hw_submit(hw, &first), 0);
    assert_true(dma_hw_done(hw, first));
    assert_int_equal(dma_hw_invalidate(hw, iova(0), 1), 0);
    assert_int_equal(dma_hw_submit(hw, &first), 0);
    assert_int_equal(dma_hw_submit(hw, &second), 0);
    assert_int_equal(first, second);
    assert_int_equal(hw->stats.inv_wait, 1);
    assert_int_equal(dma_hw_wait(hw, first), 0);
    assert_int_equal(vtd_domain_destroy(hw), 0);
}

/* Ten times around the ring and over 2^32, with up to five tokens under way. */
static void tokens_and_ring_wrap(void **state)
{
    (void)state;
    struct dma_hw *hw = fake_domain(FAKE_CAP_48, FAKE_ECAP);
    struct vtd_queue *q = &hw->unit->queue;
    q->sequence = 0x1fffffff0ull;
    *q->status = 0xfffffff0u;
    fake.unit[0].stalled = true;
    for (unsigned round = 0; round < 300; round++) {
        dma_token_t token[5];
        for (unsigned i = 0; i < 5; i++) {
            assert_int_equal(dma_hw_invalidate(hw, iova((round * 5ull + i) << 12), 1), 0);
            assert_int_equal(dma_hw_submit(hw, &token[i]), 0);
            assert_int_equal(token[i], 0x1fffffff1ull + round * 5 + i);
            assert_false(dma_hw_done(hw, token[i]));
        }
        fake.unit[0].stalled = false;
        fake_vtd_step();
        fake.unit[0].stalled = true;
        for (unsigned i = 0; i < 5; i++)
            assert_true(dma_hw_done(hw, token[i]));
        assert_false(dma_hw_done(hw, token[4] + 1));
    }
    fake.unit[0].stalled = false;
    assert_int_equal(vtd_domain_destroy(hw), 0);
}

/* Descriptors beyond the ring's length are handed over early, in order, none lost. */
static void full_queue_waits_and_keeps_order(void **state)
{
    (void)state;
    struct dma_hw *hw = fake_domain(FAKE_CAP_48, FAKE_ECAP);
    uint32_t from = fake.unit[0].seen;
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(vtd_queue_add(hw->unit, (struct vtd_descriptor){.low = 2, .high = i}), 0);
    dma_token_t token;
    assert_int_equal(vtd_queue_submit(hw->unit, &token), 0);
    assert_int_equal(dma_hw_wait(hw, token), 0);
    assert_int_equal(fake.unit[0].seen - from, 1001);
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(fake.unit[0].descriptor[from + i].high, i);
    assert_int_equal(vtd_domain_destroy(hw), 0);
}

static void silent_queue_is_reported_once(void **state)
{
    (void)state;
    struct dma_hw *hw = fake_domain(FAKE_CAP_48, FAKE_ECAP);
    dma_token_t token, next;
    fake.unit[0].stalled = true;
    assert_int_equal(dma_hw_invalidate(hw, iova(0x7000), 1), 0);
    assert_int_equal(dma_hw_submit(hw, &token), 0);
    *(uint32_t *)(void *)(fake.unit[0].regs + 0x34) = VTD_FSTS_IQE;
    fake_log_clear();
    assert_int_equal(dma_hw_wait(hw, token), -ETIMEDOUT);
    assert_true(fake_logged("unit 0 at 0xfed90000"));
    assert_true(fake_logged("head 6, tail 8"));
    assert_true(fake_logged("FSTS 0x00000010 (the unit refuses the descriptor at the head)"));

    /* From now on nothing waits another deadline. */
    uint64_t now = fake.now;
    fake_log_clear();
    assert_false(dma_hw_done(hw, token));
    assert_int_equal(dma_hw_wait(hw, token), -ETIMEDOUT);
    assert_int_equal(dma_hw_invalidate(hw, iova(0), 1), -ETIMEDOUT);
    assert_int_equal(dma_hw_submit(hw, &next), -ETIMEDOUT);
    assert_int_equal(fake.now, now);
    assert_int_equal(fake.log_bytes, 0);

    uint64_t frames = fake.frames;
    assert_int_equal(vtd_domain_destroy(hw), -ETIMEDOUT);
    assert_int_equal(fake.withdrawn, 1);
    assert_int_equal(fake.frames, frames - 1); /* the domain's own record is kept */
}

static void full_and_silent_queue_gives_up(void **state)
{
    (void)state;
    struct dma_hw *hw = fake_domain(FAKE_CAP_48, FAKE_ECAP);
    int error = 0;
    unsigned added = 0;
    fake.unit[0].stalled = true;
    while (!error && added < 1000) {
        error = vtd_queue_add(hw->unit, (struct vtd_descriptor){.low = 2});
        added += !error;
    }
    assert_int_equal(error, -ETIMEDOUT);
    assert_int_equal(added, VTD_INV_QUEUE_ENTRIES - 1);
    assert_true(fake_logged("the full invalidation queue did not move"));
}

static void deaf_unit_gives_up(void **state)
{
    (void)state;
    struct dma_hw *hw = fake_domain(FAKE_CAP_48, FAKE_ECAP);
    fake.unit[0].deaf = true;
    assert_int_equal(vtd_command(hw->unit, VTD_G_TE, false), -ETIMEDOUT);
    assert_true(fake_logged("command \"translation enable\" off did not complete in 1000 ms"));
}

/* The bits that act on every write must not be carried along. */
static void commands_carry_enables_alone(void **state)
{
    (void)state;
    struct dma_hw *hw = fake_domain(FAKE_CAP_48, FAKE_ECAP);
    uint32_t *gsts = (uint32_t *)(void *)(fake.unit[0].regs + 0x1c);
    const uint32_t *gcmd = (const uint32_t *)(const void *)(fake.unit[0].regs + 0x18);
    fake.unit[0].deaf = true;
    *gsts = UINT32_MAX;
    assert_int_equal(vtd_command(hw->unit, VTD_G_SIRTP, true), 0);
    assert_int_equal(*gcmd, 0x96ffffffu | 1u << 24);
    assert_int_equal(vtd_command(hw->unit, VTD_G_TE, true), 0);
    assert_int_equal(*gcmd, 0x96ffffffu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_cover_exactly_what_was_asked),
        cmocka_unit_test(neighbours_become_one_descriptor),
        cmocka_unit_test(too_many_become_the_domain),
        cmocka_unit_test(no_page_selection_means_the_domain),
        cmocka_unit_test(nothing_open_is_the_last_token),
        cmocka_unit_test(tokens_and_ring_wrap),
        cmocka_unit_test(full_queue_waits_and_keeps_order),
        cmocka_unit_test(silent_queue_is_reported_once),
        cmocka_unit_test(full_and_silent_queue_gives_up),
        cmocka_unit_test(deaf_unit_gives_up),
        cmocka_unit_test(commands_carry_enables_alone),
    };
    return cmocka_run_group_tests_name("vtd queue", tests, NULL, NULL);
}
