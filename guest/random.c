/* SPDX-License-Identifier: MIT */
#include "guest/random.h"

#include "guest/hyper.h"

/* Vigna's xorshift64*. */
uint32_t random_next(void)
{
    static uint64_t state;

    if (!state)
        state = boot->seed ? boot->seed : 1;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)(state * 0x2545f4914f6cdd1dULL >> 32);
}
