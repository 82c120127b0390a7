/* SPDX-License-Identifier: MIT */
/* Against counting: how many samples lie at or below each figure. */
#include "lib/spread.h"

#include <stdbool.h>
#include <string.h>
#include "tests/host/random.h"
#include "tests/host/unit.h"

#define MOST 600u

static void nothing_measured(void **state)
{
    struct abi_spread s = spread_of(NULL, 0);

    (void)state;
    assert_int_equal(s.times | s.min | s.median | s.p99, 0);
}

static void known_values(void **state)
{
    uint64_t all[100];
    struct abi_spread s;

    (void)state;
    for (uint64_t i = 0; i < 100; i++)
        all[i] = 1000 - 10 * i; /* 10 to 1000, the largest first */
    s = spread_of(all, 100);
    assert_int_equal(s.times, 100);
    assert_int_equal(s.min, 10);
    assert_int_equal(s.median, 500);
    assert_int_equal(s.p99, 990);
    s = spread_of((uint64_t[]){7}, 1);
    assert_int_equal(s.min, 7);
    assert_int_equal(s.median, 7);
    assert_int_equal(s.p99, 7);
}

/* At least percent of the samples are at most value, and without value's own fewer are. */
static void check_rank(const uint64_t *sample, uint32_t times, uint64_t value, uint64_t percent)
{
    uint64_t below = 0, up_to = 0;

    for (uint32_t i = 0; i < times; i++) {
        below += sample[i] < value;
        up_to += sample[i] <= value;
    }
    assert_true(100 * up_to >= percent * times);
    assert_true(100 * below < percent * times);
    assert_true(up_to > below);
}

static void ranks_of_random_samples(void **state)
{
    uint64_t seed = 5, sample[MOST], sorted[MOST];

    (void)state;
    for (int round = 0; round < 500; round++) {
        uint32_t times = 1 + random_below(&seed, MOST);
        uint32_t range = 1 + random_below(&seed, 1000);
        struct abi_spread s;
        bool found_min = false;

        for (uint32_t i = 0; i < times; i++)
            sample[i] = random_below(&seed, range);
        memcpy(sorted, sample, sizeof sorted);
        s = spread_of(sorted, times);
        for (uint32_t i = 0; i < times; i++)
            assert_true(s.min <= sample[i]);
        for (uint32_t i = 0; i < times; i++)
            found_min |= sample[i] == s.min;
        assert_true(found_min);
        check_rank(sample, times, s.median, 50);
        check_rank(sample, times, s.p99, 99);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_measured),
        cmocka_unit_test(known_values),
        cmocka_unit_test(ranks_of_random_samples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
