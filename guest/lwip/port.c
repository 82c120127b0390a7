/* SPDX-License-Identifier: MIT */
/* The functions lwIP wants from its platform. */
#include "guest/clock.h"
#include "lwip/arch.h"
#include "lwip/sys.h"

uint8_t *guest_lwip_heap;

u32_t sys_now(void)
{
    return (u32_t)(clock_tsc() / (boot->tsc_hz / 1000));
}

/* xorshift64*, from the boot structure's seed: equal seeds, equal runs. */
uint32_t guest_random(void)
{
    static uint64_t state;

    if (!state)
        state = boot->seed ? boot->seed : 1;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)(state * 0x2545f4914f6cdd1dULL >> 32);
}
