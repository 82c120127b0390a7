/* SPDX-License-Identifier: MIT */
/* The TSC as clock, calibrated against the PIT (CPUID 15h and 16h lie in emulators). */
#ifndef KERNEL_TIME_H
#define KERNEL_TIME_H

#include <stdbool.h>
#include <stdint.h>

static inline uint64_t tsc_read(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
    return ((uint64_t)high << 32) | low;
}

void time_init(void); /* calibrates; works before interrupts are on */
uint64_t tsc_hz(void);
uint64_t us_to_tsc(uint64_t us);
uint64_t tsc_to_us(uint64_t ticks);
uint64_t time_us(void); /* since time_init; 0 before it */
void delay_us(uint64_t us);

/* Deadlines for polling loops: uint64_t end = deadline_us(1000); while (!ready()) if
 * (deadline_passed(end)) return -ETIMEDOUT; */
uint64_t deadline_us(uint64_t us);
bool deadline_passed(uint64_t end);

#endif
