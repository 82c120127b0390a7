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

uint32_t guest_lwip_random(void)
{
    return (uint32_t)(clock_tsc() * 0x9e3779b97f4a7c15ULL >> 32);
}

/* One step each 4 us (RFC 9293 section 3.4.1). */
uint32_t guest_lwip_isn(void)
{
    return (uint32_t)(clock_tsc() / (boot->tsc_hz / 250000));
}
