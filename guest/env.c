/* SPDX-License-Identifier: MIT */
/* drivers/env.h for the guest. */
#include "drivers/env.h"

#include "guest/clock.h"

uint64_t env_deadline_us(uint32_t us)
{
    return clock_tsc() + boot->tsc_hz / 1000000 * us;
}

bool env_deadline_passed(uint64_t end)
{
    return clock_tsc() >= end;
}

void env_delay_us(uint32_t us)
{
    uint64_t end = env_deadline_us(us);

    while (!env_deadline_passed(end))
        __asm__ volatile("pause");
}
