/* SPDX-License-Identifier: MIT */
/* Time is the TSC; the hypervisor told its rate. */
#ifndef GUEST_CLOCK_H
#define GUEST_CLOCK_H

#include <stdint.h>
#include "guest/hyper.h"

/* Not serialising: a poll loop reads it at each turn. */
static inline uint64_t clock_tsc(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static inline uint64_t clock_ms_to_tsc(uint64_t ms)
{
    return boot->tsc_hz / 1000 * ms;
}

#endif
