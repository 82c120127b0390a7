/* SPDX-License-Identifier: MIT */
/* The guest's side of the strategies shared and single-use: how many calls, whose IOVAs, and that
 * none is used again before its invalidation has completed. */
#include "tests/host/unit.h"

#include <errno.h>
#include "guest/dma.h"
#include "guest/hyper.h"
#include "tests/host/fake_hyper.h"
#include "tests/host/random.h"

#define LIVE 200u

static const char *const allocators[] = {"identity", "rbtree", "eiovar", "magazine", "sizeclass"};

static void start(enum abi_dma_mode mode, enum abi_dma_calls calls, const char *iova)
{
    fake_hyper_reset();
    memset(&dma_counters, 0, sizeof dma_counters);
    fake_hyper_window(mode, calls, iova);
    dma_start(1);
}

static uint64_t map_one(uint32_t page, uint32_t rights)
{
    struct dma_burst b;

    dma_burst_begin(&b);
    uint64_t at = dma_burst_map(&b, fake_page(page) + 12, rights);
    assert_int_equal(dma_burst_commit(&b), 0);
    assert_int_equal(at % 4096, 12);
    return at;
}

/* Bursts of 8, unmapped one by one: what each kind of calls costs. */
static uint64_t calls_of(enum abi_dma_calls calls)
{
    start(ABI_DMA_SINGLE_USE, calls, "magazine");
    for (uint32_t round = 0; round < 64; round++) {
        uint64_t at[8];
        struct dma_burst b;

        dma_burst_begin(&b);
        for (uint32_t i = 0; i < 8; i++)
            at[i] = dma_burst_map(&b, fake_page(3 * i), ABI_DMA_WRITE);
        assert_int_equal(dma_burst_commit(&b), 0);
        for (uint32_t i = 0; i < 8; i++)
            dma_unmap(at[i]);
    }
    dma_flush();
    assert_int_equal(fake_hyper.maps, 512);
    assert_int_equal(fake_hyper.unmaps, 512);
    assert_int_equal(dma_counters.misses, 512);
    return fake_hyper.calls;
}

static void calls_are_as_many_as_they_say(void **state)
{
    (void)state;
    assert_int_equal(calls_of(ABI_CALLS_SINGLE), 1024);
    assert_int_equal(calls_of(ABI_CALLS_PIGGYBACK), 513); /* the last unmaps go alone */
    assert_int_equal(calls_of(ABI_CALLS_BATCH), 65);
}

static void each_use_has_an_iova_of_its_own_or_shares_it(void **state)
{
    uint64_t a, b;

    (void)state;
    start(ABI_DMA_SINGLE_USE, ABI_CALLS_SINGLE, "rbtree");
    a = map_one(5, ABI_DMA_WRITE), b = map_one(5, ABI_DMA_WRITE);
    assert_true(a != b && a >= FAKE_WINDOW_AT && b >= FAKE_WINDOW_AT);
    start(ABI_DMA_SHARED, ABI_CALLS_SINGLE, "rbtree");
    a = map_one(5, ABI_DMA_WRITE), b = map_one(5, ABI_DMA_READ);
    assert_int_equal(a, b);
    assert_int_equal(fake_hyper.calls, 2); /* the hypervisor sees both */
    dma_unmap(a);
    assert_int_equal(fake_hyper.left, 0);
    dma_unmap(b);
    assert_int_equal(fake_hyper.left, 1);
}

static void a_refused_burst_leaves_nothing(void **state)
{
    struct dma_burst b;

    (void)state;
    for (int calls = ABI_CALLS_SINGLE; calls <= ABI_CALLS_BATCH; calls++) {
        start(ABI_DMA_SHARED, (enum abi_dma_calls)calls, "magazine");
        dma_burst_begin(&b);
        for (uint32_t i = 0; i < 20; i++)
            dma_burst_map(&b, fake_page(i / 2), ABI_DMA_READ);
        fake_hyper.refuse_map_after = 7;
        assert_int_equal(dma_burst_commit(&b), -ENOSPC);
        assert_int_equal(dma_counters.no_space, 1);
        assert_int_equal(fake_hyper.maps, fake_hyper.unmaps);
        for (uint32_t i = 0; i < 10; i++)
            assert_int_equal(*fake_word(i) / ABI_DMA_COUNT, 0);
        fake_hyper.refuse_map_after = 0;
        for (uint32_t i = 0; i < FAKE_PAGES; i++) /* no IOVA was lost */
            map_one(i, ABI_DMA_READ);
    }
}

/* Maps and unmaps of any pages; every IOVA that is used goes where it should. */
static void life(enum abi_dma_mode mode, enum abi_dma_calls calls, const char *iova, uint64_t seed)
{
    struct {
        uint64_t at;
        uint32_t page;
    } live[LIVE];
    uint32_t count = 0;

    start(mode, calls, iova);
    fake_hyper.deferred = seed % 2 ? 40 : 0;
    for (uint32_t round = 0; round < 3000; round++) {
        struct dma_burst b;
        uint32_t n = random_below(&seed, 9), before = count;

        dma_burst_begin(&b);
        for (uint32_t i = 0; i < n && count < LIVE / 2; i++, count++) {
            live[count].page = random_below(&seed, 60);
            live[count].at =
                dma_burst_map(&b, fake_page(live[count].page), 1 + random_below(&seed, 3));
        }
        if (count > before)
            assert_int_equal(dma_burst_commit(&b), 0);
        for (uint32_t i = 0; i < count; i++) {
            uint64_t offset = live[i].at - boot->window.base;
            uint64_t slot =
                offset / boot->window.stride * FAKE_PAGES + offset % boot->window.stride / 4096;
            assert_int_equal(fake_hyper.frame_at[slot], live[i].page + 1);
        }
        for (uint32_t i = 0; i < count;) {
            if (!random_chance(&seed, 3)) {
                i++;
                continue;
            }
            dma_unmap(live[i].at);
            live[i] = live[--count];
        }
    }
    while (count)
        dma_unmap(live[--count].at);
    dma_flush();
    assert_int_equal(fake_hyper.maps, fake_hyper.unmaps);
    assert_int_equal(fake_hyper.maps, dma_counters.maps);
    if (boot->window.rows == 1)
        assert_int_equal(fake_hyper.too_early, 0);
}

static void lives_by_every_allocator(void **state)
{
    (void)state;
    for (uint32_t a = 0; a < 5; a++)
        for (int calls = ABI_CALLS_SINGLE; calls <= ABI_CALLS_BATCH; calls++)
            for (int mode = ABI_DMA_SHARED; mode <= ABI_DMA_SINGLE_USE; mode++)
                life((enum abi_dma_mode)mode, (enum abi_dma_calls)calls, allocators[a],
                     0x51a1ce + a + (uint64_t)mode);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_are_as_many_as_they_say),
        cmocka_unit_test(each_use_has_an_iova_of_its_own_or_shares_it),
        cmocka_unit_test(a_refused_burst_leaves_nothing),
        cmocka_unit_test(lives_by_every_allocator),
    };

    return cmocka_run_group_tests_name("guest window", tests, NULL, NULL);
}
