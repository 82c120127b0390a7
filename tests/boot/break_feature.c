/* SPDX-License-Identifier: MIT */
/* Firmware that has locked VMX off: the lock bit of IA32_FEATURE_CONTROL alone, before anything
 * else runs. Of firmware that leaves the register to us (SeaBIOS under Bochs). */
#include "kernel/time.h"
#include "kernel/x86.h"

#define FEATURE_CONTROL        0x3a
#define FEATURE_CONTROL_LOCKED 1ull

void __wrap_time_init(void);
void __real_time_init(void);

void __wrap_time_init(void)
{
    wrmsr(FEATURE_CONTROL, FEATURE_CONTROL_LOCKED);
    __real_time_init();
}
