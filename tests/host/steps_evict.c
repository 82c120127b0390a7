/* SPDX-License-Identifier: MIT */
/*
 * Every order of steps in which guests' maps and unmaps, the engine's evictions and the device can
 * meet, by the product's own code (tests/host/race_steps.h). Then the same with one thing broken at
 * a time, which some order must bring to light. tests/model/evict.pml is the protocol for reading.
 */
#include "tests/host/unit.h"

#include "kernel/abi.h"
#include "kernel/dma/dma.h"
#include "kernel/dma/evict.h"
#include "tests/host/race_steps.h"

#define R  ABI_DMA_READ
#define RW ABI_DMA_RIGHTS

static const struct race_scene scenes[] = {
    {"a hit, and eviction", 2, 2, {{{USE, 0, R}}, {{0}}, {{LOWER, 1, 0}}}},
    {"two hits of a page, and eviction", 2, 2, {{{USE, 0, R}}, {{USE, 0, R}}, {{LOWER, 1, 0}}}},
    {"a page used twice, and eviction", 2, 2, {{{USE, 0, R}, {USE, 0, R}}, {{0}}, {{LOWER, 1, 0}}}},
    {"a miss, and a hit of its victim", 1, 1, {{{USE, 1, R}}, {{USE, 0, R}}}},
    {"a miss, a hit, and eviction", 2, 2, {{{USE, 2, R}}, {{USE, 0, R}}, {{LOWER, 1, 0}}}},
    {"two misses of a page", 1, 1, {{{USE, 1, R}}, {{USE, 1, R}}}},
    {"crossing over", 1, 1, {{{USE, 0, R}, {USE, 1, R}}, {{USE, 1, R}, {USE, 0, R}}}},
    {"an unmap that makes room", 1, 1, {{{USE, 0, R}, {USE, 1, R}}, {{USE, 2, R}}}},
    {"more rights, and a hit", 2, 2, {{{USE, 0, RW}}, {{USE, 0, R}}, {{LOWER, 1, 0}}}},
    {"more rights, twice", 2, 2, {{{USE, 0, RW}}, {{USE, 0, RW}}, {{LOWER, 1, 0}}}},
    {"bursts of two pages", 2, 2, {{{USE_TWO, 2, R}}, {{USE_TWO, 1, R}}}},
    {"a page that comes back", 3, 1, {{{USE, 2, R}, {USE, 0, R}}, {{USE, 3, R}}, {{FLUSH, 0, 0}}}},
    {"a page that comes along", 2, 2, {{{USE_TWO, 2, R}, {USE, 0, R}}, {{USE, 1, R}}}},
    {"scribbles", 1, 1, {{{USE, 1, RW}}, {{SCRIBBLE, 0, 0}}, {{SCRIBBLE, 1, 0}}}},
    {"scribbles over a burst", 2, 2, {{{USE_TWO, 1, R}}, {{SCRIBBLE, 0, 0}}, {{SCRIBBLE, 1, 0}}}},
};

#define SCENES (sizeof scenes / sizeof *scenes)

#define FLAVOUR(which, how, batch, ahead)                                              \
    {                                                                                  \
        .strategy = DMA_ON_DEMAND, .policy = &evict_##which, .flush = DMA_FLUSH_##how, \
        .evict_batch = batch, .prefetch = ahead                                        \
    }

static const struct {
    const char *name;
    struct dma_config config;
} flavours[] = {
    {"strict, fifo", FLAVOUR(fifo, STRICT, 1, 0)},
    {"batch, sieve, prefetch", FLAVOUR(sieve, BATCH, 2, 1)},
    {"batch, adaptive", FLAVOUR(adaptive, BATCH, 1, 0)},
    {"deferred, fifo", FLAVOUR(fifo, DEFERRED, 2, 0)},
    {"percpu, clock", FLAVOUR(clock, PERCPU, 1, 0)},
};

#define FLAVOURS (sizeof flavours / sizeof *flavours)

static const char *const break_names[RACE_BREAKS] = {
    "nothing",
    "the guest looks before it takes its reference",
    "references taken in two steps",
    "references given back in two steps",
    "an unmap before the DMA has ended",
    "rights granted in two steps",
    "a page taken without a comparison",
    "rights granted before the entry is set",
    "rights widened without an invalidation",
    "an entry that stays",
    "an entry cleared after its invalidation",
    "no invalidation",
    "no wait",
};

static void no_order_breaks_it(void **state)
{
    uint32_t flavour = (uint32_t)(uintptr_t)*state;
    double orders = 0, states = 0;

    race_broken = SOUND;
    for (uint32_t i = 0; i < SCENES; i++) {
        struct interleave_result result = race_play(&scenes[i], &flavours[flavour].config);

        if (result.wrong) {
            interleave_print();
            fail_msg("%s, %s: %s", flavours[flavour].name, scenes[i].name, result.wrong);
        }
        orders += result.orders;
        states += (double)result.states;
        print_message("# %s: %s: %.3g orders, %llu states\n", flavours[flavour].name,
                      scenes[i].name, result.orders, (unsigned long long)result.states);
    }
    print_message("# %s: %.3g orders in all, %.0f states\n", flavours[flavour].name, orders,
                  states);
}

static void some_order_shows_what_is_broken(void **state)
{
    race_broken = (uint32_t)(uintptr_t)*state;
    for (uint32_t f = 0; f < FLAVOURS; f++)
        for (uint32_t i = 0; i < SCENES; i++) {
            struct interleave_result result = race_play(&scenes[i], &flavours[f].config);

            if (!result.wrong)
                continue;
            print_message("# %s: %s, %s: %s\n", break_names[race_broken], flavours[f].name,
                          scenes[i].name, result.wrong);
            return;
        }
    fail_msg("%s: every order holds", break_names[race_broken]);
}

int main(void)
{
    struct CMUnitTest tests[FLAVOURS + RACE_BREAKS - 1];
    uintptr_t n = 0;

    for (uintptr_t i = 0; i < FLAVOURS; i++)
        tests[n++] = (struct CMUnitTest){
            .name = flavours[i].name, .test_func = no_order_breaks_it, .initial_state = (void *)i};
    for (uintptr_t i = SOUND + 1; i < RACE_BREAKS; i++)
        tests[n++] = (struct CMUnitTest){.name = break_names[i],
                                         .test_func = some_order_shows_what_is_broken,
                                         .initial_state = (void *)i};
    return cmocka_run_group_tests_name("steps evict", tests, NULL, NULL);
}
