/* SPDX-License-Identifier: MIT */
/* The engine's public calls: making a domain, every error of a burst, every change of a word. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/host/dma_fixture.h"

static struct fixture f;

static const struct dma_config direct = {.strategy = DMA_DIRECT, .quota = DMA_NO_QUOTA};
static const struct dma_config none = {.strategy = DMA_NONE, .quota = DMA_NO_QUOTA};

static int init(struct dma_config config, struct dma_space space)
{
    static uint64_t memory[PAGES + 512];
    struct dma_domain *d = NULL;
    int error = dma_domain_init(memory, &config, &space, &d);

    assert_true(dma_domain_bytes(PAGES, &config) <= sizeof memory);
    assert_int_equal(d == NULL, error != 0);
    return error;
}

static void a_domain_is_refused(void **state)
{
    struct dma_hw *hw = fake_dma_new(iova(BASE), PAGES);
    struct dma_space space = {iova(BASE), hpa(FRAMES), PAGES, f.words, hw}, bad;
    struct dma_config config = fixture_fifo;

    (void)state;
    assert_int_equal(init(config, space), 0);
    config.quota = 0;
    assert_int_equal(init(config, space), -EINVAL);
    config.quota = PAGES + 1;
    assert_int_equal(init(config, space), -EINVAL);
    config.quota = PAGES;
    assert_int_equal(init(config, space), 0);
    config.policy = NULL;
    assert_int_equal(init(config, space), -EINVAL);
    config = direct;
    config.quota = PAGES - 1;
    assert_int_equal(init(config, space), -EINVAL);
    config.strategy = DMA_NONE;
    assert_int_equal(init(config, space), -EINVAL);

    bad = space, bad.base.v++;
    assert_int_equal(init(fixture_fifo, bad), -EINVAL);
    bad = space, bad.frames.v += 8;
    assert_int_equal(init(fixture_fifo, bad), -EINVAL);
    bad = space, bad.pages = 0;
    assert_int_equal(init(fixture_fifo, bad), -EINVAL);
    bad = space, bad.pages = 1u << 28;
    assert_int_equal(init(fixture_fifo, bad), -EINVAL);
    bad = space, bad.hw = NULL;
    assert_int_equal(init(fixture_fifo, bad), -EINVAL);
    assert_int_equal(init(direct, bad), -EINVAL);
    assert_int_equal(init(none, bad), 0);

    hw->tables_left = 1; /* of two */
    assert_int_equal(init(direct, space), -ENOMEM);
    hw->tables_left = FAKE_UNLIMITED;
    hw->caching_mode = true;
    hw->waits_left = 0;
    assert_int_equal(init(direct, space), -ETIMEDOUT);
    fake_dma_free(hw);
}

static void memory_is_eight_bytes_a_page(void **state)
{
    (void)state;
    assert_int_equal(dma_domain_bytes(1u << 20, &none) - dma_domain_bytes(0, &none), 8u << 20);
    assert_true(dma_domain_bytes(0, &none) <= 2048);
}

static void on_demand_begins_empty(void **state)
{
    (void)state;
    fixture_open(&f, &fixture_fifo);
    for (uint32_t page = 0; page < PAGES; page++)
        assert_int_equal(f.words[page], 0);
    assert_int_equal(fixture_resident(&f), 0);
    assert_int_equal(f.hw->history_count, 0);
    assert_false(fixture_device(&f, 5, false));
    fixture_close(&f);
}

static void direct_maps_all_at_once(void **state)
{
    (void)state;
    fixture_open(&f, &direct);
    assert_int_equal(fixture_count(&f, FAKE_SET), 1);
    for (uint32_t page = 0; page < PAGES; page++) {
        assert_int_equal(f.words[page], BOTH);
        assert_true(fixture_device(&f, page, true));
    }
    assert_int_equal(fixture_resident(&f), PAGES);
    size_t operations = f.hw->history_count;
    f.words[9] = 0;
    assert_int_equal(fixture_map(&f, 0, 64, WRITE), 0);
    assert_int_equal(f.words[9], BOTH);
    assert_int_equal(f.hw->history_count, operations);
    assert_int_equal(dma_domain_counters(f.d)->misses, 0);
    assert_int_equal(dma_domain_set_quota(f.d, PAGES - 1), -EBUSY);
    assert_int_equal(dma_domain_fini(f.d), 0);
    assert_int_equal(fake_dma_reachable(f.hw), 0);
    fixture_close(&f);
}

static void none_touches_no_hardware(void **state)
{
    (void)state;
    fixture_open(&f, &none);
    for (uint32_t page = 0; page < PAGES; page++)
        assert_int_equal(f.words[page], BOTH);
    f.words[3] = ABI_DMA_COUNT;
    assert_int_equal(fixture_map(&f, 3, 1, BOTH), 0);
    assert_int_equal(f.words[3], ABI_DMA_COUNT | BOTH);
    assert_int_equal(dma_domain_fini(f.d), 0);
    assert_int_equal(f.hw->history_count, 0);
    fixture_close(&f);
}

struct wrong {
    const char *what;
    int error;
    struct abi_dma_desc desc;
};

#define AT(n) .iova = BASE + (n), .page = BASE + (n)
#define GOOD  .op = ABI_DMA_OP_MAP, .rights = READ, .pages = 1

static const struct wrong wrongs[] = {
    {"op 0", -EINVAL, {.op = 0, .rights = READ, .pages = 1, AT(0)}},
    {"op 2", -EINVAL, {.op = 2, .rights = READ, .pages = 1, AT(0)}},
    {"no rights", -EINVAL, {.op = 1, .rights = 0, .pages = 1, AT(0)}},
    {"visited as a right", -EINVAL, {.op = 1, .rights = READ | 4, .pages = 1, AT(0)}},
    {"rights 0x80", -EINVAL, {.op = 1, .rights = 0x80, .pages = 1, AT(0)}},
    {"0 pages", -EINVAL, {.op = 1, .rights = READ, .pages = 0, AT(0)}},
    {"65 pages", -E2BIG, {.op = 1, .rights = READ, .pages = 65, AT(0)}},
    {"65535 pages", -E2BIG, {.op = 1, .rights = READ, .pages = 65535, AT(0)}},
    {"reserved", -EINVAL, {GOOD, AT(0), .reserved = 1ull << 63}},
    {"unaligned", -EINVAL, {GOOD, AT(8)}},
    {"iova elsewhere", -EINVAL, {GOOD, .iova = BASE + 4096, .page = BASE}},
    {"below", -EINVAL, {GOOD, AT(-4096)}},
    {"address 0", -EINVAL, {GOOD, .iova = 0, .page = 0}},
    {"above", -EINVAL, {GOOD, AT(PAGES * 4096ull)}},
    {"over the end", -EINVAL, {.op = 1, .rights = READ, .pages = 2, AT((PAGES - 1) * 4096ull)}},
    {"the last page there is", -EINVAL, {GOOD, .iova = ~4095ull, .page = ~4095ull}},
    {"wraps", -EINVAL, {.op = 1, .rights = READ, .pages = 2, .iova = ~4095ull, .page = ~4095ull}},
};

static void a_wrong_descriptor_changes_nothing(void **state)
{
    uint32_t before[PAGES];

    (void)state;
    fixture_open(&f, &fixture_fifo);
    assert_int_equal(fixture_map(&f, 10, 2, READ), 0);
    memcpy(before, f.words, sizeof before);
    size_t operations = f.hw->history_count;
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        f.burst[0] = fixture_desc(10, 4, BOTH);
        f.burst[1] = wrongs[i].desc;
        f.burst[1].status = 77;
        f.burst[2] = fixture_desc(20, 1, READ);
        int error = dma_map_burst(f.d, f.burst, 3);
        if (error != wrongs[i].error || f.burst[1].status != error)
            fail_msg("%s: %d, status %d", wrongs[i].what, error, f.burst[1].status);
        assert_int_equal(f.burst[0].status, 0);
        assert_int_equal(f.burst[2].status, 0);
        assert_memory_equal(before, f.words, sizeof before);
        assert_true(dma_domain_is_valid(f.d));
    }
    f.burst[0] = wrongs[6].desc;
    f.burst[1] = wrongs[0].desc;
    assert_int_equal(dma_map_burst(f.d, f.burst, 2), -E2BIG);
    assert_int_equal(f.burst[1].status, -EINVAL);
    assert_int_equal(dma_map_burst(f.d, f.burst, 0), -EINVAL);
    assert_int_equal(dma_map_burst(f.d, f.burst, ABI_DMA_BURST + 1), -E2BIG);
    assert_int_equal(dma_map_burst(f.d, f.burst, UINT32_MAX), -E2BIG);
    assert_int_equal(f.hw->history_count, operations);
    assert_int_equal(fixture_resident(&f), 2);
    fixture_close(&f);
}

static void a_full_burst_is_mapped(void **state)
{
    const uint32_t rights[] = {READ, WRITE, BOTH};

    (void)state;
    fixture_open(&f, &fixture_fifo);
    for (uint32_t i = 0; i < ABI_DMA_BURST; i++)
        f.burst[i] = fixture_desc(i * 16, 1 + i % 16, rights[i % 3]);
    assert_int_equal(dma_map_burst(f.d, f.burst, ABI_DMA_BURST), 0);
    for (uint32_t i = 0; i < ABI_DMA_BURST; i++) {
        assert_int_equal(f.burst[i].status, 0);
        for (uint32_t j = 0; j < 16; j++) {
            uint32_t page = i * 16 + j, has = j < 1 + i % 16 ? rights[i % 3] : 0;

            assert_int_equal(f.words[page], has);
            assert_int_equal(dma_domain_rights(f.d, page), has);
            assert_int_equal(fixture_device(&f, page, false), has & READ);
            assert_int_equal(fixture_device(&f, page, true), (has & WRITE) / WRITE);
        }
    }
    assert_int_equal(dma_domain_rights(f.d, PAGES), 0);
    assert_int_equal(dma_domain_counters(f.d)->calls, 1);
    assert_int_equal(fixture_count(&f, FAKE_SET), ABI_DMA_BURST);
    assert_int_equal(fixture_count(&f, FAKE_INVALIDATE), 0);
    fixture_close(&f);
}

static void lost_bits_are_repaired(void **state)
{
    (void)state;
    fixture_open(&f, &fixture_fifo);
    assert_int_equal(fixture_use(&f, 7, 1, BOTH), 0);
    size_t operations = f.hw->history_count;
    f.words[7] = 3 * ABI_DMA_COUNT | ABI_DMA_TOUCHED;
    assert_int_equal(fixture_map(&f, 7, 1, READ), 0);
    assert_int_equal(f.words[7], 3 * ABI_DMA_COUNT | ABI_DMA_TOUCHED | BOTH);
    assert_int_equal(f.hw->history_count, operations);
    assert_int_equal(dma_domain_counters(f.d)->misses, 1);
    fixture_close(&f);
}

static void invented_bits_go_when_the_page_comes(void **state)
{
    (void)state;
    fixture_open(&f, &fixture_fifo);
    f.words[7] = ABI_DMA_COUNT | BOTH | ABI_DMA_VISITED | ABI_DMA_TOUCHED;
    assert_int_equal(fixture_resident(&f), 0);
    assert_int_equal(fixture_map(&f, 7, 1, READ), 0);
    assert_int_equal(f.words[7], ABI_DMA_COUNT | READ | ABI_DMA_TOUCHED);
    assert_false(fixture_device(&f, 7, true));
    fixture_close(&f);
}

static void words_while_waiting(void *context, enum fake_operation operation)
{
    if (operation == FAKE_WAIT)
        *(uint32_t *)context = f.words[5];
}

static void a_right_shows_after_its_invalidation(void **state)
{
    uint32_t seen = 0;

    (void)state;
    fixture_open(&f, &fixture_fifo);
    assert_int_equal(fixture_use(&f, 4, 3, READ), 0);
    f.hw->late = 3;
    f.hw->hook = words_while_waiting;
    f.hw->context = &seen;
    size_t from = f.hw->history_count;
    assert_int_equal(fixture_map(&f, 5, 2, WRITE), 0);
    assert_int_equal(seen, ABI_DMA_COUNT | READ);
    assert_int_equal(f.words[5], ABI_DMA_COUNT | BOTH);
    assert_true(fixture_device(&f, 5, true) && fixture_device(&f, 6, true));
    assert_false(fixture_device(&f, 4, true));

    const enum fake_operation order[] = {FAKE_SET, FAKE_INVALIDATE, FAKE_SUBMIT, FAKE_WAIT,
                                         FAKE_COMPLETE};
    assert_int_equal(f.hw->history_count - from, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(f.hw->history[from + i].operation, order[i]);
    assert_int_equal(f.hw->history[from].pages, 2);
    assert_int_equal(f.hw->history[from].rights, BOTH);
    assert_int_equal(dma_domain_counters(f.d)->misses, 5);
    fixture_close(&f);
}

static void rights_never_narrow(void **state)
{
    (void)state;
    fixture_open(&f, &fixture_fifo);
    assert_int_equal(fixture_map(&f, 8, 4, BOTH), 0);
    size_t operations = f.hw->history_count;
    assert_int_equal(fixture_map(&f, 8, 4, READ), 0);
    assert_int_equal(f.hw->history_count, operations);
    assert_int_equal(f.words[8], BOTH);
    fixture_close(&f);
}

static void a_page_twice_counts_once(void **state)
{
    struct dma_config config = fixture_fifo;

    (void)state;
    config.quota = 6;
    fixture_open(&f, &config);
    f.burst[0] = fixture_desc(0, 4, READ);
    f.burst[1] = fixture_desc(2, 4, READ);
    f.burst[2] = fixture_desc(1, 1, WRITE);
    assert_int_equal(dma_map_burst(f.d, f.burst, 3), 0);
    assert_int_equal(fixture_resident(&f), 6);
    assert_int_equal(dma_domain_counters(f.d)->misses, 6);
    assert_int_equal(f.words[1], BOTH);
    /* All rights at once: nothing to invalidate. */
    assert_int_equal(fixture_count(&f, FAKE_INVALIDATE), 0);
    fixture_close(&f);
}

static void out_of_tables_maps_nothing(void **state)
{
    (void)state;
    fixture_open(&f, &fixture_fifo);
    f.hw->tables_left = 1;
    f.burst[0] = fixture_desc(0, 4, READ);
    f.burst[1] = fixture_desc(512, 4, READ);
    assert_int_equal(dma_map_burst(f.d, f.burst, 2), -ENOMEM);
    assert_int_equal(f.burst[0].status, -ENOMEM);
    assert_int_equal(f.burst[1].status, -ENOMEM);
    assert_int_equal(fixture_resident(&f), 0);
    assert_int_equal(fixture_count(&f, FAKE_SET), 0);
    assert_int_equal(f.words[0], 0);
    f.hw->tables_left = 1;
    assert_int_equal(dma_map_burst(f.d, f.burst, 2), 0);
    assert_int_equal(f.hw->stats.table_pages, 2);
    fixture_close(&f);
}

static void the_end_unmaps_all(void **state)
{
    (void)state;
    fixture_open(&f, &fixture_fifo);
    assert_int_equal(fixture_use(&f, 100, 50, BOTH), 0);
    assert_int_equal(dma_domain_fini(f.d), 0);
    assert_int_equal(fake_dma_reachable(f.hw), 0);
    assert_int_equal(fixture_resident(&f), 0);
    assert_int_equal(f.hw->stats.inv_wait, 1);
    for (uint32_t page = 0; page < PAGES; page++)
        fake_dma_release(f.hw, page);
    assert_int_equal(fixture_map(&f, 0, 1, READ), -EIO);
    assert_int_equal(dma_domain_set_quota(f.d, 5), -EIO);
    assert_int_equal(dma_domain_set_floor(f.d, 5), -EIO);
    assert_int_equal(dma_domain_fini(f.d), -EIO);
    fixture_close(&f);
}

static void policies_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; evict_names[i]; i++)
        assert_string_equal(evict_find(evict_names[i])->name, evict_names[i]);
    assert_ptr_equal(evict_find("sieve"), &evict_sieve);
    assert_null(evict_find("belady"));
    assert_null(evict_find(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_domain_is_refused),
        cmocka_unit_test(memory_is_eight_bytes_a_page),
        cmocka_unit_test(on_demand_begins_empty),
        cmocka_unit_test(direct_maps_all_at_once),
        cmocka_unit_test(none_touches_no_hardware),
        cmocka_unit_test(a_wrong_descriptor_changes_nothing),
        cmocka_unit_test(a_full_burst_is_mapped),
        cmocka_unit_test(lost_bits_are_repaired),
        cmocka_unit_test(invented_bits_go_when_the_page_comes),
        cmocka_unit_test(a_right_shows_after_its_invalidation),
        cmocka_unit_test(rights_never_narrow),
        cmocka_unit_test(a_page_twice_counts_once),
        cmocka_unit_test(out_of_tables_maps_nothing),
        cmocka_unit_test(the_end_unmaps_all),
        cmocka_unit_test(policies_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
