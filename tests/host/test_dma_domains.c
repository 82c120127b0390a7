/* SPDX-License-Identifier: MIT */
/* Two domains on one VT-d unit, each with its quota: what one of them does is not to be seen in the
 * other's counts. */
#include "tests/host/unit.h"

#include <stdlib.h>
#include "kernel/dma/dma.h"
#include "kernel/dma/evict.h"
#include "tests/host/fake_vtd.h"
#include "tests/host/random.h"
#include "vtd/unit.h"

#define PAGES  2048u
#define ROUNDS 3000u

struct guest {
    struct dma_hw *hw;
    struct dma_domain *d;
    uint32_t words[PAGES];
    void *memory;
    uint64_t random;
};

static struct guest quiet, storm;

static void open_guest(struct guest *g, enum dma_flush flush, uint32_t quota, uint64_t frames)
{
    struct dma_config config = {.strategy = DMA_ON_DEMAND,
                                .policy = &evict_fifo,
                                .flush = flush,
                                .quota = quota,
                                .evict_batch = 8};
    struct dma_space space = {iova(0x40000000), hpa(frames), PAGES, g->words, NULL};

    assert_int_equal(vtd_domain_new(vtd_unit(0), &g->hw), 0);
    space.hw = g->hw;
    g->memory = malloc(dma_domain_bytes(PAGES, &config));
    g->random = 1;
    assert_int_equal(dma_domain_init(g->memory, &config, &space, &g->d), 0);
}

static void close_guest(struct guest *g)
{
    assert_int_equal(dma_domain_fini(g->d), 0);
    assert_int_equal(vtd_domain_destroy(g->hw), 0);
    free(g->memory);
}

/* One map of `spread` pages, which ends at once. */
static void use(struct guest *g, uint32_t spread)
{
    uint32_t page = random_below(&g->random, spread);
    uint64_t at = 0x40000000 + page * PAGE_SIZE;
    struct abi_dma_desc d = {ABI_DMA_OP_MAP, ABI_DMA_READ, 1, 0, at, at, 0};

    g->words[page] += ABI_DMA_COUNT;
    if (!(g->words[page] & ABI_DMA_READ))
        assert_int_equal(dma_map_burst(g->d, &d, 1), 0);
    g->words[page] -= ABI_DMA_COUNT;
    assert_true(dma_domain_counters(g->d)->resident <= 64);
}

struct seen {
    struct dma_counters dma;
    struct dma_hw_stats hw;
};

/* The quiet guest's life beside so many misses of the other's at each step. */
static struct seen life_beside(uint32_t misses, enum dma_flush flush)
{
    struct dma_hw *unused = fake_domain(FAKE_CAP_48, FAKE_ECAP);
    struct seen seen;

    assert_int_equal(vtd_domain_destroy(unused), 0);
    open_guest(&quiet, flush, 64, 0x100000000);
    open_guest(&storm, flush, 32, 0x200000000);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        use(&quiet, 80);
        for (uint32_t k = 0; k < misses; k++)
            use(&storm, PAGES);
    }
    seen = (struct seen){*dma_domain_counters(quiet.d), *dma_hw_stats(quiet.hw)};
    assert_true(misses == 0 || dma_domain_counters(storm.d)->evictions > misses * ROUNDS / 2);
    close_guest(&quiet);
    close_guest(&storm);
    return seen;
}

static void a_storm_next_door_is_not_seen(void **state)
{
    (void)state;
    for (int flush = DMA_FLUSH_STRICT; flush <= DMA_FLUSH_BATCH; flush++) {
        struct seen alone = life_beside(0, (enum dma_flush)flush);
        struct seen beside = life_beside(10, (enum dma_flush)flush);

        assert_true(alone.dma.evictions > 100);
        assert_int_equal(alone.hw.inv_page, beside.hw.inv_page);
        assert_int_equal(alone.hw.inv_domain, beside.hw.inv_domain);
        assert_int_equal(alone.hw.inv_wait, beside.hw.inv_wait);
        assert_int_equal(alone.hw.table_pages_peak, beside.hw.table_pages_peak);
        assert_int_equal(alone.dma.calls, beside.dma.calls);
        assert_int_equal(alone.dma.misses, beside.dma.misses);
        /* Deferred, some are still on their way out at the end. */
        assert_int_equal(alone.dma.evictions + alone.dma.leaving,
                         beside.dma.evictions + beside.dma.leaving);
        assert_true(beside.dma.resident_peak <= alone.dma.resident_peak);
        assert_true(beside.dma.waits <= alone.dma.waits);
    }
}

/* One queue for both: a token is complete when what was handed over before it is, whatever comes
 * behind. */
static void a_token_waits_for_what_is_before_it_alone(void **state)
{
    struct dma_hw *a = fake_domain(FAKE_CAP_48, FAKE_ECAP), *b;
    dma_token_t first, second;

    (void)state;
    assert_int_equal(vtd_domain_new(vtd_unit(0), &b), 0);
    assert_int_equal(dma_hw_invalidate(a, iova(0x5000), 1), 0);
    assert_int_equal(dma_hw_submit(a, &first), 0);
    fake_vtd_step();
    fake.unit[0].stalled = true;
    assert_int_equal(dma_hw_invalidate(b, iova(0x5000), 1), 0);
    assert_int_equal(dma_hw_submit(b, &second), 0);
    assert_true(dma_hw_done(a, first));
    assert_false(dma_hw_done(b, second));
    assert_int_equal(dma_hw_wait(a, first), 0);
    fake.unit[0].stalled = false;
    assert_int_equal(dma_hw_wait(b, second), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_storm_next_door_is_not_seen),
        cmocka_unit_test(a_token_waits_for_what_is_before_it_alone),
    };

    return cmocka_run_group_tests_name("dma domains", tests, NULL, NULL);
}
