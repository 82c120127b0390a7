/* SPDX-License-Identifier: MIT */
#include "lib/spread.h"

static void sort(uint64_t *sample, uint32_t times)
{
    for (uint32_t i = 1; i < times; i++) {
        uint64_t value = sample[i];
        uint32_t at = i;

        for (; at > 0 && sample[at - 1] > value; at--)
            sample[at] = sample[at - 1];
        sample[at] = value;
    }
}

/* The smallest sample that percent of them do not exceed. */
static uint64_t rank(const uint64_t *sorted, uint32_t times, uint32_t percent)
{
    return sorted[((uint64_t)percent * times + 99) / 100 - 1];
}

struct abi_spread spread_of(uint64_t *sample, uint32_t times)
{
    if (times == 0)
        return (struct abi_spread){0};
    sort(sample, times);
    return (struct abi_spread){.times = times,
                               .min = sample[0],
                               .median = rank(sample, times, 50),
                               .p99 = rank(sample, times, 99)};
}
