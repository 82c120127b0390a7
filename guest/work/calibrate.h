/* SPDX-License-Identifier: MIT */
/* What the parts of work=calibrate share. */
#ifndef GUEST_WORK_CALIBRATE_H
#define GUEST_WORK_CALIBRATE_H

#include <stdint.h>
#include "kernel/abi.h"
#include "lib/spread.h"

/* Nothing of what is measured moves to the other side of it. */
static inline uint64_t calibrate_clock(void)
{
    uint32_t low, high;

    __asm__ volatile("lfence; rdtsc; lfence" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

/* Maps pages that were not mapped before, one a call, until there is enough of both kinds or of
 * neither any more. Declares a floor. */
void calibrate_misses(struct abi_calibration *c);

#endif
