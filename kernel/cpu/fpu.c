/* SPDX-License-Identifier: MIT */
#include "kernel/cpu/fpu.h"
#include <stddef.h>
#include "kernel/smp.h"
#include "kernel/x86.h"

static struct fpu_state *owner[SMP_MAX_CPUS];

void fpu_switch(struct fpu_state *state)
{
    struct fpu_state **now = &owner[smp_cpu()];
    uint64_t cr4 = read_cr4();

    if (*now == state)
        return;
    /* Without OSFXSR, which the hypervisor leaves off, the XMM registers may be left out. */
    write_cr4(cr4 | CR4_OSFXSR);
    if (*now)
        __asm__ volatile("fxsave64 %0" : "=m"(**now));
    __asm__ volatile("fxrstor64 %0" ::"m"(*state));
    write_cr4(cr4);
    *now = state;
}

void fpu_forget(const struct fpu_state *state)
{
    for (uint32_t cpu = 0; cpu < SMP_MAX_CPUS; cpu++)
        if (owner[cpu] == state)
            owner[cpu] = NULL;
}
