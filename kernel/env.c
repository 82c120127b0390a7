/* SPDX-License-Identifier: MIT */
/* The drivers' surroundings in the hypervisor. */
#include "drivers/env.h"
#include "kernel/time.h"

void env_delay_us(uint32_t us)
{
    delay_us(us);
}

uint64_t env_deadline_us(uint32_t us)
{
    return deadline_us(us);
}

bool env_deadline_passed(uint64_t end)
{
    return deadline_passed(end);
}
