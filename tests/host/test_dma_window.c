/* SPDX-License-Identifier: MIT */
/* Strategies shared and single-use: what each call costs and leaves, and random lives.
 * SLUICE_SEED=N begins at another seed. */
#include "tests/host/unit.h"

#include <errno.h>
#include <stdlib.h>
#include "kernel/dma/iova.h"
#include "tests/host/dma_fixture.h"
#include "tests/host/window_life.h"

#define AT    BASE /* the fixture's fake unit is there */
#define LIVES 3000u
#define STEPS 120u

static struct fixture f;

static struct dma_config config_of(enum dma_flush flush)
{
    return (struct dma_config){.strategy = DMA_SINGLE_USE,
                               .flush = flush,
                               .quota = DMA_NO_QUOTA,
                               .window = {iova(AT), PAGES, 1, PAGES * PAGE_SIZE}};
}

static struct abi_dma_desc map_at(uint32_t slot, uint32_t page, uint32_t pages)
{
    struct abi_dma_desc d = fixture_desc(page, pages, READ);

    d.iova = AT + slot * PAGE_SIZE;
    return d;
}

static struct abi_dma_desc unmap_at(uint32_t slot, uint32_t pages)
{
    return (struct abi_dma_desc){
        .op = ABI_DMA_OP_UNMAP, .pages = (uint16_t)pages, .iova = AT + slot * PAGE_SIZE};
}

static int call(struct abi_dma_desc first, struct abi_dma_desc second)
{
    f.burst[0] = first;
    f.burst[1] = second;
    int error = dma_map_burst(f.d, f.burst, second.op ? 2 : 1);

    assert_true(dma_domain_is_valid(f.d));
    return error;
}

static const struct abi_dma_desc none;

static uint32_t waits(void)
{
    return (uint32_t)f.hw->stats.inv_wait;
}

static void strict_waits_for_each_and_batch_once(void **state)
{
    (void)state;
    for (int flush = 0; flush < 2; flush++) {
        struct dma_config config = config_of(flush ? DMA_FLUSH_BATCH : DMA_FLUSH_STRICT);

        fixture_open(&f, &config);
        assert_int_equal(call(map_at(4, 100, 2), map_at(6, 7, 1)), 0);
        assert_int_equal(waits(), 0);
        assert_int_equal(call(unmap_at(4, 2), unmap_at(6, 1)), 0);
        assert_int_equal(waits(), flush ? 1 : 2);
        assert_int_equal(f.hw->stats.inv_page, 2); /* batch: 4-5 and 6, from 4 to 6 */
        assert_int_equal(fixture_resident(&f), 0);
        assert_int_equal(dma_domain_counters(f.d)->unmaps, 3);
        assert_int_equal(dma_domain_fini(f.d), 0);
        fixture_close(&f);
    }
}

static void deferred_hands_over_at_250(void **state)
{
    struct dma_config config = config_of(DMA_FLUSH_DEFERRED);

    (void)state;
    fixture_open(&f, &config);
    for (uint32_t i = 0; i < 250u; i++) {
        assert_int_equal(call(map_at(i, i, 1), none), 0);
        assert_int_equal(waits(), 0);
        assert_int_equal(dma_domain_counters(f.d)->leaving, i);
        assert_int_equal(fixture_resident(&f), i + 1);
        assert_int_equal(call(unmap_at(i, 1), none), 0);
    }
    assert_int_equal(waits(), 1);
    assert_int_equal(dma_domain_counters(f.d)->waits, 0); /* handed over, not waited for */
    assert_int_equal(fixture_resident(&f), 250u);
    assert_false(dma_domain_is_waiting(f.d));
    assert_int_equal(dma_domain_flush(f.d), 0);
    assert_int_equal(fixture_resident(&f), 0);
    assert_int_equal(dma_domain_counters(f.d)->unmaps, 250u);
    assert_int_equal(dma_domain_fini(f.d), 0);
    fixture_close(&f);
}

/* The look in time: what waits is handed over, and taken back at the next one. */
static void a_look_hands_over(void **state)
{
    struct dma_config config = config_of(DMA_FLUSH_DEFERRED);

    (void)state;
    fixture_open(&f, &config);
    f.hw->late = 1;
    assert_int_equal(call(map_at(0, 0, 1), none), 0);
    assert_true(fixture_device(&f, 0, false));
    assert_int_equal(call(unmap_at(0, 1), none), 0);
    assert_true(fixture_device(&f, 0, false)); /* the window that deferring leaves open */
    assert_true(dma_domain_is_waiting(f.d));
    assert_int_equal(dma_domain_flush(f.d), 0);
    assert_false(dma_domain_is_waiting(f.d));
    assert_int_equal(dma_domain_flush(f.d), 0);
    assert_int_equal(dma_domain_flush(f.d), 0);
    assert_int_equal(fixture_resident(&f), 0);
    assert_false(fixture_device(&f, 0, false));
    assert_int_equal(dma_domain_fini(f.d), 0);
    fixture_close(&f);
}

static void an_iova_used_again_too_early_waits(void **state)
{
    struct dma_config config = config_of(DMA_FLUSH_DEFERRED);

    (void)state;
    fixture_open(&f, &config);
    f.hw->late = 3;
    assert_int_equal(call(map_at(3, 3, 1), none), 0);
    assert_int_equal(call(unmap_at(3, 1), none), 0);
    f.burst[0] = map_at(3, 9, 1);
    assert_int_equal(dma_map_burst(f.d, f.burst, 1), 0);
    assert_int_equal(dma_domain_counters(f.d)->waits, 1);
    assert_true(dma_domain_maps(f.d, iova(AT + 3 * PAGE_SIZE), hpa(FRAMES + 9 * PAGE_SIZE)));
    assert_int_equal(dma_domain_fini(f.d), 0);
    fixture_close(&f);
}

/* No wait while free quota is left; one when it is not. */
static void want_of_room_waits(void **state)
{
    struct dma_config config = config_of(DMA_FLUSH_DEFERRED);

    (void)state;
    config.quota = 4;
    fixture_open(&f, &config);
    f.hw->late = 3;
    assert_int_equal(call(map_at(0, 0, 3), none), 0);
    assert_int_equal(call(unmap_at(0, 3), map_at(10, 1, 1)), 0);
    assert_int_equal(dma_domain_counters(f.d)->waits, 0);
    assert_int_equal(fixture_resident(&f), 4);
    assert_int_equal(call(map_at(11, 1, 1), none), 0);
    assert_int_equal(dma_domain_counters(f.d)->waits, 1);
    assert_int_equal(fixture_resident(&f), 2);
    assert_int_equal(call(map_at(20, 0, 3), none), -ENOSPC);
    assert_int_equal(dma_domain_fini(f.d), 0);
    fixture_close(&f);
}

static void what_nobody_may_map(void **state)
{
    struct dma_config config = config_of(DMA_FLUSH_STRICT);

    (void)state;
    fixture_open(&f, &config);
    assert_int_equal(call(map_at(0, 0, 1), none), 0);
    assert_int_equal(call(map_at(0, 1, 1), none), -EEXIST);
    assert_int_equal(call(map_at(5, 5, 1), map_at(0, 1, 1)), -EEXIST);
    assert_int_equal(f.burst[0].status, 0);
    assert_int_equal(f.burst[1].status, -EEXIST);
    assert_int_equal(fixture_resident(&f), 1); /* all or nothing */
    assert_int_equal(call(unmap_at(1, 1), none), -ENOENT);
    assert_int_equal(call(unmap_at(0, 2), none), -ENOENT);
    assert_int_equal(call(map_at(PAGES - 1, 0, 2), none), -EINVAL);
    assert_int_equal(call(unmap_at(0, 1), unmap_at(0, 1)), -ENOENT);
    assert_int_equal(call(unmap_at(0, 1), none), 0);
    assert_int_equal(dma_domain_fini(f.d), 0);
    fixture_close(&f);
}

/* 0xfee00000 and its megabyte are interrupts, whatever a table says. */
static void the_interrupt_range_is_refused(void **state)
{
    struct dma_config config = config_of(DMA_FLUSH_STRICT);
    struct dma_hw *hw = fake_dma_new(iova(0xfed00000), PAGES);
    struct dma_space space = {iova(BASE), hpa(FRAMES), PAGES, f.words, hw};
    struct abi_dma_desc d = fixture_desc(0, 1, READ);
    static uint64_t memory[4096];

    (void)state;
    config.window.base = iova(0xfed00000);
    assert_int_equal(dma_domain_init(memory, &config, &space, &f.d), 0);
    for (uint32_t i = 0; i < PAGES; i++) {
        d.iova = 0xfed00000 + i * PAGE_SIZE;
        bool hole = d.iova >= 0xfee00000 && d.iova < 0xfef00000;
        assert_int_equal(dma_map_burst(f.d, &d, 1), hole ? -EINVAL : 0);
    }
    d = (struct abi_dma_desc){ABI_DMA_OP_MAP, READ, 2, 0, 0xfedff000, BASE, 0};
    assert_int_equal(dma_map_burst(f.d, &d, 1), -EINVAL);
    fake_dma_free(hw);
}

/* What the guest's allocator gives out is what the window takes. */
static void identity_fits_its_window(void **state)
{
    struct iova_config c = {.base = 0x40000000, .limit = UINT64_MAX, .pages = 16384, .cpus = 1};
    struct dma_window w = dma_window_identity(iova(c.base), c.pages);
    void *memory = aligned_alloc(64, (iova_bytes(&iova_identity, &c) + 63) & ~63ull);
    struct iova_space *space;

    (void)state;
    memset(memory, 0, iova_bytes(&iova_identity, &c));
    assert_int_equal(iova_init(&iova_identity, &c, memory, &space), 0);
    for (uint16_t rights = 1; rights <= 3; rights++) {
        struct iova_range r = {.page = 77, .pages = 1, .rights = rights};
        assert_int_equal(iova_alloc(space, &r, 0), 0);
        assert_int_equal(r.at.v, w.base.v + (3u - rights) * w.stride + 77 * PAGE_SIZE);
    }
    free(memory);
}

static void random_lives(void **state)
{
    const char *from = getenv("SLUICE_SEED");
    uint64_t first = from ? strtoull(from, NULL, 0) : 1;
    uint64_t exists = 0, missing = 0, no_space = 0, no_memory = 0, dead = 0, held_up = 0;
    static struct window_life w;

    (void)state;
    for (uint64_t seed = first; seed < first + LIVES; seed++) {
        struct draw source = draw_seed(seed);
        struct window_config config = window_draw_config(&source);

        window_start(&w, &config, &source);
        for (uint32_t i = 0; i < STEPS; i++)
            if (!window_step(&w))
                break;
        exists += w.exists;
        missing += w.missing;
        no_space += w.no_space;
        no_memory += w.no_memory;
        dead += w.dead;
        held_up += dma_domain_counters(w.domain)->waits;
        if (w.failure[0])
            fake_dma_print(w.hw, 24);
        if (!window_finish(&w))
            fail_msg("SLUICE_SEED=%llu: %s", (unsigned long long)seed, w.failure);
    }
    print_message("%llu -EEXIST, %llu -ENOENT, %llu -ENOSPC, %llu -ENOMEM, %llu waits, %llu dead\n",
                  (unsigned long long)exists, (unsigned long long)missing,
                  (unsigned long long)no_space, (unsigned long long)no_memory,
                  (unsigned long long)held_up, (unsigned long long)dead);
    /* A generator that never gets there proves nothing. */
    assert_true(exists > LIVES && missing > LIVES / 2 && no_space > LIVES && held_up > LIVES);
    assert_true(no_memory > LIVES / 20 && dead > LIVES / 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strict_waits_for_each_and_batch_once),
        cmocka_unit_test(deferred_hands_over_at_250),
        cmocka_unit_test(a_look_hands_over),
        cmocka_unit_test(an_iova_used_again_too_early_waits),
        cmocka_unit_test(want_of_room_waits),
        cmocka_unit_test(what_nobody_may_map),
        cmocka_unit_test(the_interrupt_range_is_refused),
        cmocka_unit_test(identity_fits_its_window),
        cmocka_unit_test(random_lives),
    };

    return cmocka_run_group_tests_name("dma window", tests, NULL, NULL);
}
